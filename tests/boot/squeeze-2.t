#!/bin/bash
# Memory used up, on two processors.
SMP=2 exec "$(dirname "$0")/squeeze"
