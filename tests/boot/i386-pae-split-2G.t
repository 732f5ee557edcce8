#!/bin/bash
# The kernel from 0x80000000 on: all else follows.
ARCH=i386-pae IMAGE=build/i386-pae-2G/quarry.elf exec "$(dirname "$0")/run" 1024M max
