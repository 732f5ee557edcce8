#!/bin/bash
# The kernel with PAE as clang compiles it.
ARCH=i386-pae IMAGE=build/i386-pae-clang/quarry.elf exec "$(dirname "$0")/run" 256M max
