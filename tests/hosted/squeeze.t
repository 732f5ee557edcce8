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
echo "1..$number"
