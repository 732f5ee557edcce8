#!/bin/bash
# The kernel as clang compiles it.
IMAGE=build/i386-clang/quarry.elf exec "$(dirname "$0")/run" 128M max
