#!/bin/bash
# the same switched off on the command line
ARCH=x86_64 APPEND="nola57 nogbpages nonx" exec "$(dirname "$0")/run" 64M max
