#!/bin/bash
ARCH=i386-pae exec "$(dirname "$0")/run" 64M max
