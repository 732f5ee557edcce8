#!/bin/bash
# the first 64-bit processors: neither 1 GiB pages, nor NX, nor a fifth level
ARCH=x86_64 exec "$(dirname "$0")/run" 64M max,-la57,-pdpe1gb,-nx
