#!/bin/bash
# A person at a terminal: the kernel on a terminal of its own (script), keys typed, the screen read.
. "$(dirname "$0")/lib.sh"

mkdir -p build/boot
log=build/boot/terminal.log keys=build/boot/terminal.keys status=
rm -f "$keys" && mkfifo "$keys"
: >"$log"
TERM=vt100 MEM=256M TIMEOUT=300 script -qefc tools/run "$log" <"$keys" >/dev/null 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null' EXIT
exec 9>"$keys"
rm -f "$keys"

key() { printf "$@" >&9; }

# screen PATTERN: wait until what came since the last mark has it, a minute at most.
from=0		# bytes of the log
screen() {
	for _ in $(seq 600); do
		tail -c +$((from + 1)) "$log" | tr -d '\r' | grep -qazP -e "(?m)$1" && return 0
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.1
	done
	return 1
}
mark() { from=$(stat -c %s "$log"); }

screen '^quarry> '
result "a prompt"

mark; key 'memin\t\r'; screen '^MemTotal:'
result "Tab completes a command"

mark; key 'run cou\t2 &\rmeminfo'; screen '\e\[Kcount\[[0-9]+\]: 2\n.*quarry> meminfo'
result "E7 what a program says does not run into what is typed: the prompt comes again below"
key '\025'

mark; key 'kill 99\r'; screen 'count\[[0-9]+\] has ended, status 0'
result "E7 the end of a program in the background is told"

mark; key 'stress 600; meminfo\r'; screen 'stress \[[#.]+\] +[0-9]+%'
result "stress shows its progress"
key '\003'; screen 'every mark was found intact'
result "Ctrl-C ends stress"
screen '\^C'
! tail -c +$((from + 1)) "$log" | grep -qa '^MemTotal'
result "Ctrl-C ends the whole line"

mark; key 'selftest\r'; screen '^ok 3 '; key '\003'; screen 'stopped by Ctrl-C: [0-9]+ of'
result "Ctrl-C ends selftest"

mark; key 'bench\r'; screen '^bench.*cal'; key '\003'; screen '\^C'
result "Ctrl-C ends bench"

mark; key 'run count 100000\r'; screen 'count\[[0-9]+\]: 1'; key '\003'; screen 'killed'
result "E7 Ctrl-C ends a program"

mark; key 'meminfo\rbuddyinfo\rgdt\r'; screen 'kernel code'; screen '^Node 0, zone'
result "lines typed ahead are run in turn"

mark; key '%0600d' 7; key '\025\033[A'; screen 'quarry> gdt'
result "a line longer than fits does no harm"

key '\025poweroff\r'
wait "$pid"
status=$?
left_with 0 "poweroff leaves with success"
plan
