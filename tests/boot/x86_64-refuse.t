#!/bin/bash
# A processor without 64-bit mode is told so.
. "$(dirname "$0")/lib.sh"
export ARCH=x86_64 CPU=qemu32 TIMEOUT=30
boot 64M "selftest; poweroff"
left_with 1 "A1 a 32-bit processor is refused"
says "no 64-bit mode" "A1 and told why"
does_not_say "panic" "A1 before anything runs"
plan
