#!/bin/bash
# SPDX-License-Identifier: MIT
# Memory at its end: who goes, and is what the report says true?
. "$(dirname "$0")/lib.sh"

# The part of the log from the question to the answer.
report() { sed -n '/invoked oom-killer/,/Out of memory: Killed/p' "$log"; }
# true, or the awk program says what is wrong
holds() {
	local wrong
	wrong=$(awk "$1" "${@:3}")
	[ -z "$wrong" ]
	result "$2"
	[ -z "$wrong" ] || sed 's/^/# /' <<<"$wrong"
}

for cpus in 1 2; do
	export SMP=$cpus
	boot 32M "run memhog 8 &; zoneinfo; run memhog; ps; check; run hello; poweroff"
	left_with 1 "G oom SMP=$cpus: a program that wants everything is a failed command"
	says 'memhog invoked oom-killer: gfp_mask=0x[0-9a-f]+\(GFP_[A-Z_|]+\), order=[0-3], oom_score_adj=0; called from [a-z_]+\+0x' \
		"G oom SMP=$cpus: who asked for what"
	says '^error: memhog\[[0-9]+\] ended with status 137' "G oom SMP=$cpus: the largest ended"
	says '^ +[0-9]+ +[0-9]+ [a-z]+ +memhog +20[0-9][0-9] ' "G oom SMP=$cpus: the other lives, with all its pages"
	says '^every invariant holds' "G oom SMP=$cpus: every invariant holds"
	says 'hello from pid' "G oom SMP=$cpus: and the next program runs"
	[ "$(report | grep -c 'Killed process')" = 1 ]
	result "G oom SMP=$cpus: one shortage, one end"

	holds '/^\[ +[0-9]+\]/ { gsub(/[][]/, ""); rss[$1] = $2; tables[$1] = $3; all += $2 }
		/^ anon:/ { split($1, a, ":"); anon = a[2]; split($2, a, ":"); split($3, m, ":") }
		/Killed process/ {
			pid = $6; match($0, /rss:[0-9]+/); kb = substr($0, RSTART + 4, RLENGTH - 4)
			match($0, /pgtables:[0-9]+/); tkb = substr($0, RSTART + 9, RLENGTH - 9)
			if (kb != rss[pid] * 4 || tkb * 1024 != tables[pid]) print "killed with " kb " kB, " tkb " kB"
			for (p in rss) if (rss[p] > rss[pid]) print p " is larger than " pid
		}
		END { if (!pid || all - anon > 64 || anon - all > 64) print "tasks hold " all ", in all " anon }' \
		"G oom SMP=$cpus: the table of tasks adds up, and the largest is the one" <(report)
	holds '/^Node 0 [A-Za-z]+ free:/ { split($4, a, ":"); free[$3] = a[2] + 0; split($5, a, ":"); min[$3] = a[2] + 0 }
		/^Node 0 [A-Za-z0-9]+: / {
			sub(":", "", $3); sum = 0
			for (i = 4; $i != "="; i++) { split($i, a, "*"); sum += a[1] * a[2] }
			if (sum != $(i + 1) + 0) print $3 ": blocks of " sum " kB, said to be " $(i + 1)
			if ((sum > free[$3] ? sum - free[$3] : free[$3] - sum) > 256) print $3 ": " sum " kB in blocks, " free[$3] " free"
			if (sum > 2 * min[$3] + 512) print $3 ": " sum " kB free, and yet nothing was left"
			n++
		}
		END { if (n < 2) print n " zones" }' "G oom SMP=$cpus: the blocks of a zone are what is free in it, and that is little" <(report)
	holds 'FNR == 1 { file++ }
		file == 1 && /^Node 0, zone/ { zone = $4 }
		file == 1 && /^        (min|low|high) / { want[zone " " $1] = $2 * 4 }
		file == 2 && /^Node 0 [A-Za-z]+ free:/ {
			for (i = 5; i <= 7; i++) { split($i, a, ":"); n++
				if (want[$3 " " a[1]] != a[2] + 0) print $3 " " $i ", zoneinfo has " want[$3 " " a[1]] }
		}
		END { if (n < 6) print n " watermarks" }' "G oom SMP=$cpus: watermarks as in zoneinfo" "$log" <(report)
done

export SMP=1
boot 32M "run memhog 12 &; oom_score_adj memhog -1000; oom_score_adj memhog; run memhog; ps; kill memhog; check; poweroff"
says '^-1000$' "G oom: oom_score_adj shows what was set"
says '^\[ +[0-9]+\] +3[0-9]+ +[0-9]+ +-1000 memhog' "G oom: and so does the table"
says 'Killed process .*oom_score_adj:0' "G oom: the protected one is passed over"
says '^ +[0-9]+ +[0-9]+ [a-z]+ +memhog +3[0-9]+ ' "G oom: though it is the larger"

boot 32M "run memhog 8 &; oom_score_adj memhog 1000; run grow 24; check; poweroff"
left_with 0 "G oom: a program that needs what another has, runs"
says 'Killed process .*oom_score_adj:1000' "G oom: 1000: this one first"
says 'grow: 24 MiB .* 0 words wrong' "G oom: and who asked goes on, its memory as it wrote it"

boot 32M "run memhog 1 &; oom_score_adj memhog 1001; oom_score_adj 1 1; oom_score_adj 99; kill memhog; poweroff"
says '^error: a score is -1000 ... 1000' "G oom: no score of 1001"
says '^error: .* is a kernel thread: it is never ended' "G oom: none of a kernel thread"
says '^error: there is no task 99' "G oom: none of nobody"
plan
