#!/bin/bash
# SPDX-License-Identifier: MIT
# Which processors are found and used: by the MP table, more than there is room for, fewer than there are; and by turns.
. "$(dirname "$0")/lib.sh"
some="cpus; selftest E7_a_thread; selftest D3_what; selftest port_every_other; check; poweroff"

SMP=4 QEMUFLAGS="-machine acpi=off -smp 4,sockets=4,cores=1" boot 64M "$some"
left_with 0 "without ACPI: every CPU gets threads, objects of others, calls"
says "^4 processors \(MP table\)" "the MP table lists them"
says "^4 CPUs are online" "and all start"
does_not_say "^not ok" "no selftest failed"

SMP=18 boot 128M "cpus; selftest port_every_other; check; poweroff"
left_with 0 "18 processors: as many as this build has room for answer calls"
says "^2 more processors are left out: this build has room for 16" "it says so"
says "^16 CPUs are online" "16 start"
does_not_say "^not ok" "no selftest failed"

SMP=4 APPEND=nosmp boot 64M "$some"
left_with 0 "nosmp: all is well with one"
says "^1 processor \(one\)" "one is used"
SMP=4 APPEND=maxcpus=3 boot 64M "$some"
left_with 0 "maxcpus=3: all is well"
says "^maxcpus: 1 of 4 processors are left out" "one stays away"
says "^3 CPUs are online" "three start"

# Two CPUs that take turns, as under an instruction counter: nobody waits for good for one whose turn never comes.
SMP=2 ACCEL=icount boot 256M "selftest A; selftest C; selftest D; selftest E; selftest F; selftest port; stress 1; bench smp_; check; poweroff"
left_with 0 "F4 SMP=2 under -icount: rows A, C, D, E, F, the contract, the stress, the measuring"
does_not_say "^not ok|panic|^error" "and all is well"
says "smp_kmalloc_64_pair_cpus2	insn" "instructions of each CPU are counted"
SMP=4 ACCEL=icount ARCH=x86_64 boot 256M "selftest E7; selftest D3; selftest F; selftest port; check; poweroff"
left_with 0 "F4 SMP=4 under -icount, x86_64: threads, calls, mappings"
does_not_say "^not ok|panic|^error" "and all is well"
plan
