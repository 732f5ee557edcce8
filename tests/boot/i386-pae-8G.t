#!/bin/bash
ARCH=i386-pae exec "$(dirname "$0")/run" 8G max
