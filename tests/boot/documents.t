#!/bin/bash
# What the documents show is what the kernel prints.
cd "$(dirname "$0")/../.." && exec tools/readme --check
