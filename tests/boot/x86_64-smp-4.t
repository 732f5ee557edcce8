#!/bin/bash
ARCH=x86_64 SMP=4 exec "$(dirname "$0")/run" 64M max
