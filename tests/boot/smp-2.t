#!/bin/bash
SMP=2 exec "$(dirname "$0")/run" 1G max
