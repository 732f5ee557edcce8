#!/bin/bash
SMP=4 exec "$(dirname "$0")/run" 64M max
