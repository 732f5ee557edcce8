#!/bin/bash
# What every port must obey, in a process; a booted kernel runs the same with all its selftests.
tests/native hosted32 || exit 0
build/hosted32/quarry --cmd "selftest port" </dev/null | tr -d "\r" | grep -E "^(ok|not ok|1\.\.|#)"
exit "${PIPESTATUS[0]}"
