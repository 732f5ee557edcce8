#!/bin/bash
# SPDX-License-Identifier: MIT
# examples/minimal, built by tests/check: small, and does on a PC what it says.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/port/minimal.sh
. tests/port/minimal.sh

lines=$(cat examples/minimal/* | wc -l)
[ "$lines" -lt 200 ]
result "under 200 lines in all (it has $lines)"
foreign=$(grep -h '#include' examples/minimal/*.[cS] | grep -v '<quarry/')
[ -z "$foreign" ]
result "of Quarry it includes public headers only"
for mem in 16M 64M 3G; do
	boot_minimal build/i386/minimal.elf $mem
done
echo "1..$number"
