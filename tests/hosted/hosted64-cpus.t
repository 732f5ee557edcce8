#!/bin/bash
# Several CPUs in a process: the selftests, and everything at random on all of them at once.
number=0
for n in 2 4; do
	log=build/hosted64/cpus-$n.log
	timeout 300 build/hosted64/quarry --cpus $n --mem 256M --cmd "selftest; stress ${STRESS:-5}; check; poweroff" \
		</dev/null 2>&1 | tr -d '\r' >"$log"
	status=${PIPESTATUS[0]}
	number=$((number + 1))
	if [ "$status" = 0 ] && ! grep -qE "^not ok|panic|misuse" "$log"; then
		echo "ok $number - selftest, stress and check on $n CPUs"
	else
		echo "not ok $number - selftest, stress and check on $n CPUs"
		echo "# status $status"
		grep -E -A3 "^not ok|panic|misuse" "$log" | tail -n 20 | sed 's/^/# /'
		tail -n 8 "$log" | sed 's/^/# /'
	fi
done
echo "1..$number"
