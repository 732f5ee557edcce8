#!/bin/bash
# How long it takes to come up does not grow with memory: mem_map is filled in when it is
# needed.  Counted in instructions, which are the same each time.
. "$(dirname "$0")/lib.sh"

export ARCH=x86_64 ACCEL=icount
for mem in 8G 16G; do
	boot $mem "poweroff"
	left_with 0 "A2 a machine of $mem boots"
	count[${mem%G}]=$(sed -n 's/^From the boot loader to the first kmalloc: \([0-9]*\) insn$/\1/p' "$log")
done
echo "# 8 GiB: ${count[8]:-none}, 16 GiB: ${count[16]:-none} instructions to the first kmalloc"
[ "${count[16]:-0}" -gt 0 ] && [ $((count[16] * 100)) -lt $((${count[8]:-0} * 101)) ]
result "A2 16 GiB take hardly more instructions than 8"
plan
