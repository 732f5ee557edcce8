#!/bin/bash
# The same selftests as booted, in a process.
build/hosted64/quarry --cmd selftest </dev/null | tr -d "\r" | grep -E "^(ok|not ok|1\.\.|#)"
exit "${PIPESTATUS[0]}"
