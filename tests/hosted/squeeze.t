#!/bin/bash
# Memory used up, in a process: of one node, and of two, with two CPUs.
cd "$(dirname "$0")/../.." || exit 1
number=0

squeeze() {
	number=$((number + 1))
	if log=$("$@" --cmd "squeeze; check" </dev/null 2>&1 | tr -d '\r'; exit "${PIPESTATUS[0]}"); then
		echo "ok $number - B7 nothing is lost: $*"
	else
		echo "not ok $number - B7 nothing is lost: $*"
		tail -n 40 <<<"$log" | sed 's/^/# /'
	fi
}

squeeze build/hosted64/quarry --mem 32M
squeeze build/hosted64/quarry --mem 64M --cpus 2
! tests/native hosted32 >/dev/null || squeeze build/hosted32/quarry --mem 128M --lowmem 32M
number=$((number + 1))
log=$(build/hosted64/quarry --mem 32M --cmd "fail_nth 5 fail_nth 100 help" </dev/null 2>&1)
if grep -q "fail_nth does not nest" <<<"$log" && ! grep -q "allocation 5 failed" <<<"$log"; then
	echo "ok $number - I fail_nth: only what failed is said to have"
else
	echo "not ok $number - I fail_nth: only what failed is said to have"
	tail -n 4 <<<"$log" | sed 's/^/# /'
fi
echo "1..$number"
