#!/bin/bash
# Builds for other page tables: where the kernel is, and what a processor that lacks something is told.
. "$(dirname "$0")/lib.sh"

for split in 2G:0x80000000 1G:0x40000000; do
	for arch in i386 i386-pae; do
		export ARCH=$arch IMAGE=build/$arch-${split%:*}/quarry.elf
		boot 256M "poweroff"
		left_with 0 "A1 $arch with a split of ${split%:*} boots"
		says "lowmem +: ${split#*:} - " "A1 $arch with a split of ${split%:*} has low memory from ${split#*:} on"
	done
done

export ARCH=i386-pae IMAGE=
CPU=486 boot 64M "poweroff"
left_with 1 "E6 a processor without CPUID is refused"
says "the processor has none; take ARCH=i386" "E6 and told why"
CPU=qemu32,-pae boot 64M "poweroff"
left_with 1 "E6 a processor without PAE is refused"
says "the processor has none; take ARCH=i386" "E6 and told why"
boot 5G "translate hello 0x80495b0; poweroff"
says "^ +pointers +directory +table +offset" "E6 a walk has three levels"
says "^directory +at .* entry 64" "E6 0x80495b0 is entry 64 of its directory"
says "^table .* entry 73" "E6 and 73 of its table"
says "mem_map: .*MB" "E6 the boot log has mem_map's place"
says "frames of 32 bytes: +[0-9]+ % of lowmem" "E6 and its share of low memory"
plan
