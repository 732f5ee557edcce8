#!/bin/bash
# SPDX-License-Identifier: MIT
# bench/frag: grouping by mobility leaves more of the large blocks, and the same seed tells the same.
cd "$(dirname "$0")/../.." || exit 1
number=0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# result TEXT: of the command before it
result() {
	local ok=$?
	number=$((number + 1))
	if [ $ok = 0 ]; then echo "ok $number - $1"; else
		echo "not ok $number - $1"
		sed 's/^/# /' "$dir/out"
	fi
}
run() { build/hosted64/frag mem=128 ticks=4000 every=2000 "$@"; }
# of TICK NAME COLUMN
of() { awk -F'\t' -v t="$1" -v name="$2" -v c="$3" '$1 == t && $2 == name { print $c }' "$dir/out"; }

run >"$dir/out"
result "both machines live to the end"
[ "$(of 4000 grouped 3)" -gt 4096 ] && [ "$(of 4000 grouped 3)" = "$(of 4000 mixed 3)" ]
result "as much is free in both"
[ "$(of 4000 grouped 4)" -gt "$(of 4000 mixed 4)" ] && [ "$(of 2000 grouped 4)" -gt "$(of 2000 mixed 4)" ]
result "when the users have left, more of it is in the largest blocks where memory is grouped"
run | cmp -s - "$dir/out"
result "the same seed, the same life"
! run seed=2 | cmp -s - "$dir/out"
result "another seed, another life"
! run seed=no >/dev/null 2>&1
result "a setting that is none is refused"
echo "1..$number"
