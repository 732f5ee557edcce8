#!/bin/bash
# Memory with holes of terabytes, all of it low.
build/hosted64/quarry --map tests/maps/holes-of-terabytes.e820 --lowmem 64T --cmd selftest </dev/null | tr -d "\r" |
	grep -E "^(ok|not ok|1\.\.|#)"
exit "${PIPESTATUS[0]}"
