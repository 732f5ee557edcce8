#!/bin/bash
# Programs in ring 3, from the shell.
. "$(dirname "$0")/lib.sh"

# What 16 MiB are in large pages, where a program's first map lies, and its directory entry.
case ${ARCH:-i386} in
x86_64) large=8 tables=2 size=2 at=0x2aaaaac entry=342; export CPU=max,-la57 ;;
*) large=4 tables=0 size=4 at=0x404 entry=257 ;;
esac

boot 64M "run hello; run count 3; run stack 512; run wild pointer; meminfo; poweroff"
left_with 0 "E7 programs run and end"
says "hello from pid [0-9]+, in ring 3" "E7 hello says so"
says "0x80495b0,%eax gives 42" "E3 the absolute load"
says "count\[[0-9]+\]: 3" "E7 count counts"

boot 64M "run wild"
left_with 1 "E7 a wild access is a failed command"
says "0xdeadbeef" "E7 the report names the address"
does_not_say "panic" "E7 the system stays up"

boot 64M "run wild kernel; run wild null; run divzero; run privileged; run hello"
says "hello from pid" "E7 after five offenders the next program runs"
left_with 1 "E7 their failures are remembered"

boot 1G "run memhog 8 &; ps; translate memhog 0x08048000; kill 99999"
says "memhog" "E7 ps shows the task"
left_with 1 "E7 killing nobody fails"

boot 1G "run memhog 8 &; run memhog 4 &; run count 1000 &; kill memhog; ps; kill count; check; poweroff"
left_with 0 "E7 kill by name"
does_not_say "^ +[0-9]+ +[0-9]+ [a-z]+ +memhog" "E7 kill by name ends all tasks of that name"
says "^ +[0-9]+ +[0-9]+ [a-z]+ +count " "E7 and no other"

boot 128M "run huge 16; run huge 1; run faultbench 1; check; poweroff"
left_with 0 "E7 a program in large pages"
says "huge: filled: 4096 pages, $large large ones, $tables tables, $large faults" "E7 $size MiB by one fault, and no table"
says "huge: one page cut out: 4096 pages, $((large - 1)) large ones, $((tables + 1)) tables" "E7 a page cut out of the middle"
says "huge: filled: 256 pages, 0 large ones" "E7 small pages where a large one does not fit"

boot 128M "run huge 8 hold &; run count 3; translate huge ${at}12345; meminfo; kill huge; check; poweroff"
left_with 0 "E5 a task in large pages is looked at"
says "^directory .* entry $entry at" "E5 translate: the directory's entry"
says "-> $size MiB at 0x[0-9a-f]+: writable, user,( no code,)? accessed, dirty" "E5 translate: names $size MiB"
says "^AnonHugePages: +8192 kB" "D6 meminfo counts them"

boot 16M "run memhog; run hello"
says "hello from pid" "E7 a task that eats all memory ends alone"
plan
