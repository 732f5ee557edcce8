#!/bin/bash
# Each frame of them, and a task that uses more than it has addresses.
ARCH=i386-pae exec "$(dirname "$0")/run" 16G max E
