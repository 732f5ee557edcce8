#!/bin/bash
# SPDX-License-Identifier: MIT
# Two nodes as SRAT and SLIT tell them: i386, where all low memory is the first's, and PAE.
. "$(dirname "$0")/lib.sh"
export NUMA=2

SMP=2 boot 4G "numa; numa 1; selftest A2; selftest B; selftest C2; selftest D; check; poweroff"
left_with 0 "i386, 4 GiB on two nodes: rows A2, B, C2, D, and every invariant holds"
says "^available: 2 nodes \(0-1\)$" "two nodes"
says "^node 0 cpus: 0$" "a CPU of the first"
says "^node 1 cpus: 1$" "and one of the second"
says "^node 0 order: HighMem of 0, HighMem of 1, Normal of 0, DMA of 0$" "the first asks itself first"
says "^node 1 order: HighMem of 1, HighMem of 0, Normal of 0, DMA of 0$" "the second itself, and low memory last"
says "^  0:   10  20$" "distances are the machine's"
says "^Node 1 LowTotal: +0 kB$" "low memory is the first's alone"
does_not_say "^not ok" "no selftest failed"

SMP=2 boot 4G "numa; poweroff" && APPEND=nonuma boot 1G "numa; check; poweroff"
says "^available: 1 nodes \(0\)$" "\"nonuma\": one node"
left_with 0 "and all is well"

ARCH=i386-pae SMP=3 boot 4G "numa; selftest B; selftest D1; check; poweroff"
left_with 0 "PAE, 4 GiB: rows B and D1, and every invariant holds"
says "^node 0 cpus: 0-1$" "three CPUs on two nodes: two here"
says "^node 1 cpus: 2$" "one there"
says "^node 1 order: HighMem of 1, HighMem of 0, Normal of 0, DMA of 0$" "the second node's order"
plan
