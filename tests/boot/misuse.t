#!/bin/bash
# Misuse at the shell: one line, refused, and the counts stay right.
. "$(dirname "$0")/lib.sh"

boot 64M "page 0x100; kfree 0x1234; kfree 0xc0100000; vfree 0xc0100000; selftest B1; selftest D2"
left_with 1 "misuse is a failed command"
says "misuse: .*kfree\(0x1234\).*; called from " "D4 one line names call, value, caller"
says "misuse: .*vfree\(0xc0100000\).*; called from " "F1 vfree of a kernel address"
does_not_say "^not ok" "B5 the counts are right afterwards"
does_not_say "panic" "B5 and the system stays up"
plan
