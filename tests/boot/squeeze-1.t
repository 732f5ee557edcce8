#!/bin/bash
# Memory used up, on one processor.
SMP=1 exec "$(dirname "$0")/squeeze"
