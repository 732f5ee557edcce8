#!/bin/bash
# SPDX-License-Identifier: MIT
# Four nodes in a ring, on i386 and x86_64; a node without memory; one without CPUs.
. "$(dirname "$0")/lib.sh"

NUMA=4 SMP=4 boot 2G "numa; selftest B; selftest D1; check; poweroff"
left_with 0 "i386, 2 GiB on four nodes: rows B and D1, and every invariant holds"
says "^node 1 order: HighMem of 1, HighMem of 2, HighMem of 3, Normal of 1, Normal of 0, DMA of 0$" \
	"low memory reaches into the second node, and is its second choice"
says "^node 3 order: HighMem of 3, HighMem of 2, HighMem of 1, Normal of 0, Normal of 1, DMA of 0$" \
	"a node without low memory asks the nearest that has some"

export ARCH=x86_64
NUMA=4 SMP=4 boot 2G "numa; numa 3; selftest A2; selftest B; selftest D; check; poweroff"
left_with 0 "x86_64, 2 GiB on four nodes: rows A2, B and D, and every invariant holds"
says "^node 2 cpus: 2$" "a CPU on each"
says "^  2:   30  20  10  20$" "distances of a ring"
says "^node 0 order: DMA32 of 0, DMA32 of 1, DMA32 of 3, DMA32 of 2, DMA of 0$" "by distance, onwards in the circle"
says "^node 2 order: DMA32 of 2, DMA32 of 3, DMA32 of 1, DMA32 of 0, DMA of 0$" "the opposite node: the other way round"
does_not_say "^not ok" "no selftest failed"

# The second node has the CPUs, the first all memory.
QEMUFLAGS="-object memory-backend-ram,id=m,size=512M -numa node,nodeid=0,memdev=m -numa node,nodeid=1,cpus=0-1" \
	SMP=2 boot 512M "numa; selftest B; selftest D1; check; poweroff"
left_with 0 "a node without memory and one without CPUs"
says "^node 1 size: 0 MB$" "no memory"
says "^node 1 order: DMA32 of 0, DMA of 0$" "so its CPUs ask the other"
plan
