# SPDX-License-Identifier: MIT
# For tests/boot/*.t that do more than run the selftests: TAP, one machine after another.
cd "$(dirname "$0")/../.." || exit 1
mkdir -p build/boot
number=0
name=$(basename "$0" .t)

# boot MEM COMMANDS: the log is in $log, the status in $status.
boot() {
	log=build/boot/${ARCH:-i386}-$name-$((number + 1)).log
	MEM=$1 CMD=$2 TIMEOUT=${TIMEOUT:-300} tools/run </dev/null 2>&1 | tr -d '\r' >"$log"
	status=${PIPESTATUS[0]}
}

# result TEXT, after a test that left its verdict in $?
result() {
	local verdict=$?
	number=$((number + 1))
	if [ "$verdict" = 0 ]; then
		echo "ok $number - $1"
	else
		echo "not ok $number - $1"
		echo "# status $status; $log ends with"
		tail -n 15 "$log" | sed 's/^/# /'
	fi
}

left_with() { [ "$status" = "$1" ]; result "$2"; }
says() { grep -qE -e "$1" "$log"; result "$2"; }
does_not_say() { ! grep -qE -e "$1" "$log"; result "$2"; }
plan() { echo "1..$number"; }
