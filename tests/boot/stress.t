#!/bin/bash
# Everything at random, from threads and interrupts at once, on little and on much memory.
. "$(dirname "$0")/lib.sh"

for mem in 24M 1G 4G; do
	boot "$mem" "stress ${STRESS:-4}; selftest B1; poweroff"
	left_with 0 "B5 stress on $mem"
	does_not_say "^not ok|panic" "B1 and all is well on $mem"
done
plan
