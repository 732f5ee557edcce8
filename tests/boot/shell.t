#!/bin/bash
# Commands at the shell: what they answer, and the status they leave with.
. "$(dirname "$0")/lib.sh"

boot 128M "layout; gdt; meminfo; buddyinfo; zoneinfo; pagetypeinfo; slabinfo; vmallocinfo; ps; page 0x100; poweroff"
left_with 0 "D6 every report succeeds"
says "^MemTotal: +[0-9]+ kB" "D6 meminfo in the field's format"
says "^Node 0, zone +(DMA|Normal)" "B4 buddyinfo in the field's format"
says "^slabinfo - version: 2\.1" "D6 slabinfo in the field's format"

boot 128M "translate hello 0x80495b0; poweroff"
left_with 0 "E3 translate"
says "32" "E3 directory index 32"
says "73" "E3 table index 73"
says "5b0" "E3 offset 0x5b0"

boot 1G "alloc 3; kmalloc 100; vmalloc 1M; kmap 300000; meminfo; poweroff"
left_with 0 "B5 alloc, kmalloc, vmalloc, kmap by hand"

for bad in "nonsense" "page" "page zzz" "kfree 0x1234" "alloc 99" "translate" "vfree 0xc0000000" "run nothing" \
	"selftest Z9" "free #77" "kill 4711" "kill nobody" "kill shell" "alloc 0 GFP_NOTHING" "bench zzz" \
	"translate 0x100" "translate hello" "meminfo x" "stress 0" "vmalloc 0" "kunmap zzz"; do
	boot 64M "$bad; poweroff"
	left_with 1 "bad command fails: $bad"
done

boot 64M "nonsense; meminfo; poweroff"
left_with 1 "one failed command is enough"

commands=$(sed -nE 's/^  ([a-z]+) .*/\1/p' < <(MEM=64M CMD="help; poweroff" tools/run </dev/null 2>&1 | tr -d '\r' |
	sed '/^quarry> help/,/^quarry> poweroff/!d'))
boot 64M "help; $(for c in $commands; do printf 'help %s; ' "$c"; done)poweroff"
left_with 0 "help knows each command of its list"
[ "$(wc -w <<<"$commands")" -ge 30 ] && [ "$(grep -c '^Example: ' "$log")" = "$(wc -w <<<"$commands")" ]
result "help gives an example of each"
! sed '1,/^quarry> help$/d' "$log" | grep -E '^.{81,}'
result "help fits in 80 columns"

boot 128M "stress 5r; selftest F2; bench kmap; poweroff"
left_with 0 "long work"
does_not_say "$(printf '\033')|%\$" "no progress where nobody looks"

boot 4G ""
left_with 0 "without a terminal: the tour, and off"
says "swapper_pg_dir|directory" "A1 the tour tells of the directory"
does_not_say '^.{80,}' "boot and tour fit in 80 columns"
says "^ +kunmap\(\).*page_address\(\) NULL" "F2 the tour opens and closes a window"
says "^ +page fault +hello reads it: answered; faults 1 -> 2" "E7 the tour shows a page fault"
plan
