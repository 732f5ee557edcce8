#!/bin/bash
# The same selftests as booted, in a process.
tests/native hosted32 || exit 0
build/hosted32/quarry --cmd selftest </dev/null | tr -d "\r" | grep -E "^(ok|not ok|1\.\.|#)"
exit "${PIPESTATUS[0]}"
