#!/bin/bash
# a processor without a fifth level of page tables
ARCH=x86_64 exec "$(dirname "$0")/run" 256M max,-la57
