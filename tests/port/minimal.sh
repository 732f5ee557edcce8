# shellcheck shell=bash disable=SC2001,SC2017
# SPDX-License-Identifier: MIT
# For minimal.t and install.t: boot examples/minimal, and judge what it printed.
number=0
result() {
	local verdict=$?
	number=$((number + 1))
	[ "$verdict" = 0 ] && echo "ok $number - $1" && return
	echo "not ok $number - $1"
	[ -z "$output" ] || sed 's/^/# /' <<<"$output"
}

# The number that a line of the output has, or nothing.
value() { sed -nE "s/$1/\1/p" <<<"$output"; }

boot_minimal() { # IMAGE MEM
	output=$(timeout 120 qemu-system-i386 -kernel "$1" -m "$2" -display none -serial stdio -no-reboot \
		-device isa-debug-exit,iobase=0xf4,iosize=4 </dev/null 2>&1 | tr -d '\r'
		exit "${PIPESTATUS[0]}")
	[ $? = 33 ]
	result "$2: it leaves with success"
	memory=$(value '^memory: ([0-9]+) KiB in a map of [0-9]+$')
	free=$(value '^free: ([0-9]+) pages$')
	[ -n "$free" ] && [ "$free" -gt $((memory / 4 * 9 / 10)) ] && [ "$free" -lt $((memory / 4)) ]
	result "$2: most of the memory in the firmware's map is free"
	grep -qE '^alloc_pages: 4 from frame [0-9]+, at 0x[c-f][0-9a-f]{4}000$' <<<"$output"
	result "$2: pages, with an address above PAGE_OFFSET"
	grep -qE '^kmalloc: 128 bytes at 0x[c-f][0-9a-f]{7}$' <<<"$output"
	result "$2: kmalloc(100) has 128 bytes"
	grep -qE '^misuse: double free: kfree\(0x[0-9a-f]+\): .*; called from 0x10[0-9a-f]{4}$' <<<"$output"
	result "$2: the second kfree is refused and told"
	[ "$(value '^exhausted: [0-9]+ objects of 4000 bytes; free again: ([0-9]+) pages$')" = "$free" ]
	result "$2: all memory taken comes back"
}
