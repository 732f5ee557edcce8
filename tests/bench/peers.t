#!/bin/bash
# SPDX-License-Identifier: MIT
# The workers that `make bench PEERS=1` asks: they answer every question with a time.
cd "$(dirname "$0")/../.." || exit 1
number=0
result() { # TEXT, after a test that left its verdict in $?
	local verdict=$?
	number=$((number + 1))
	if [ $verdict = 0 ]; then echo "ok $number - $1"; else echo "not ok $number - $1"; echo "# $got" | head -n 5; fi
}
questions() {
	for work in pair fifo lifo rand replace; do
		for size in 64 256 1024 4096 1; do echo "$work $size 1 1"; done
	done
}

for worker in quarry libc; do
	got=$(questions | timeout 120 "build/hosted64/peer-$worker")
	[ "$(tail -n +2 <<<"$got" | grep -cE '^[0-9]+\.[0-9]+$')" = 25 ]
	result "peer-$worker measures five works, five sizes"
	! tail -n +2 <<<"$got" | grep -qE '^0\.00$'
	result "none of them takes no time"
	got=$(echo "dance 64 1 1" | "build/hosted64/peer-$worker" 2>&1)
	[ $? = 1 ] && [[ $got == *"what is dance 64 1 1"* ]]
	result "an unknown work is refused"
done
for worker in quarry libc; do
	got=$(printf '%s 2 1\n' "pair 64" "rand 1" "replace 4096" "remote 64" | timeout 120 "build/hosted64/peer-$worker")
	[ "$(tail -n +2 <<<"$got" | grep -cE '^[0-9]+\.[0-9]+$')" = 4 ]
	result "peer-$worker: two threads, at the same, and one takes what the other gives"
done
if command -v valgrind >/dev/null; then
	got=$(PEERS=quarry CALLGRIND=1 BUILD=build/hosted64 OUT=/dev/null timeout 300 bench/peers/run 2>&1)
	[ "$(grep -cE '^[a-z]+ (64|256|1024|4096|page), 1 thr +[1-9][0-9.]+ 1\.00' <<<"$got")" = 25 ]
	result "callgrind counts the instructions of each row"
	[ "$(awk '/^pair 64/ { n = $5 } END { print n }' <<<"$got")" = "$(awk '/^pair 256/ { n = $5 } END { print n }' <<<"$got")" ]
	result "those of a pair do not depend on its size"
else
	number=$((number + 1))
	echo "ok $number - callgrind # SKIP valgrind is not installed"
fi
echo "1..$number"
