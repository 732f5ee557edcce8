#!/bin/bash
# a plain 486: neither PSE nor PGE nor CPUID's further leaves
exec "$(dirname "$0")/run" 64M 486
