#!/bin/bash
# The kernel as clang compiles it.
ARCH=x86_64 IMAGE=build/x86_64-clang/quarry.elf exec "$(dirname "$0")/run" 128M max
