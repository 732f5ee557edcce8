#!/bin/bash
# The stress of every subsystem on all processors at once, 1 to 8, interrupts that allocate included; then all counts are as before, and every check holds.
. "$(dirname "$0")/lib.sh"

for machine in i386:1:128M i386:2:1G i386:4:64M i386:8:256M i386-pae:4:2G x86_64:2:1G x86_64:8:256M; do
	IFS=: read -r ARCH SMP mem <<<"$machine"
	export ARCH SMP
	boot "$mem" "stress ${STRESS:-4}; check; poweroff"
	left_with 0 "B5 stress on $ARCH, $SMP processors, $mem"
	says "steps in .* threads on $SMP CPUs? and [1-9][0-9]* in interrupts" "F4 all processors took part, and their interrupts"
	does_not_say "^not ok|panic|^error" "B1 and all is well"
done
plan
