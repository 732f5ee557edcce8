#!/bin/bash
# The kernel from 0x40000000 on: all else follows.
ARCH=i386 IMAGE=build/i386-1G/quarry.elf exec "$(dirname "$0")/run" 4G max
