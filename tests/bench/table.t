#!/bin/bash
# SPDX-License-Identifier: MIT
# bench/table on figures made up here: what is met, what is not, what was not measured.
cd "$(dirname "$0")/../.." || exit 1
number=0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

line() { printf 'bench\t%s\t%s\t%s\t%s\n' "$@"; }
# says PATTERN TEXT: the table has such a line
says() {
	number=$((number + 1))
	if grep -qE -e "$1" "$dir/out"; then echo "ok $number - $2"; else
		echo "not ok $number - $2"
		sed 's/^/# /' "$dir/out"
	fi
}

{
	line i386 kmalloc_64_pair insn 500.0
	line i386 kmalloc_64_pair insn 48.0
	line i386 alloc_pages_o0_pair insn 70.1
	line hosted kmem_cache_128_pair ns 1.0
	line x86_64 kmem_cache_128_pair insn 1.0
	line i386 boot_to_first_kmalloc insn 21643051.00
} >"$dir/ours"
line linux-i386 kmalloc_64_pair insn 192.0 >"$dir/linux"

bench/table i386 "$dir/ours" "$dir/linux" "$dir/absent" >"$dir/out"
says '^kmalloc\(64\), constant size, hot +192 +48 +25 % +48  met$' "a target is met by what equals it; the last figure counts"
says '^alloc_pages order 0, hot +- +70.1 +- +70  not met: 1.00 times it$' "and missed by a tenth"
says '^kmem_cache, 128-byte objects, hot .*  not measured$' "another machine's figures are not taken"
says '^boot to the first kmalloc.* 21643051 +- +-$' "what has no target is shown"
says '^1 of [0-9]+ targets met$' "they are counted"
bench/table i386-pae "$dir/linux" >"$dir/out"
says '^kmalloc\(64\), constant size, hot +192 +- ' "i386-pae: the targets of i386, the Linux of i386"
bench/table x86_64 "$dir/ours" "$dir/linux" >"$dir/out"
says '^kmem_cache, 128-byte objects, hot .* 1 +- +56.5  met$' "x86_64 has targets of its own"
says '^Linux: not measured here' "it says that Linux was not measured"
bench/table z80 "$dir/ours" >"$dir/out" 2>&1
says '^bench/table: z80: ' "an unknown machine is refused"
echo "1..$number"
