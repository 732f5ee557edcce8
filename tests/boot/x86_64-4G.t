#!/bin/bash
ARCH=x86_64 exec "$(dirname "$0")/run" 4G max
