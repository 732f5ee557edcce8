#!/bin/bash
# 64 TiB, all of it low memory: mem_map is sparse and comes up section by section.
build/hosted64/quarry --mem 64T --lowmem 64T --cmd selftest </dev/null | tr -d "\r" | grep -E "^(ok|not ok|1\.\.|#)"
exit "${PIPESTATUS[0]}"
