#!/bin/bash
# What every port must obey, in a process; a booted kernel runs the same with all its selftests.
build/hosted64/quarry --cmd "selftest port" </dev/null | tr -d "\r" | grep -E "^(ok|not ok|1\.\.|#)"
exit "${PIPESTATUS[0]}"
