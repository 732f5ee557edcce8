#!/bin/bash
# a plain 486: neither PSE nor PGE (QEMU's own 486 has PSE)
exec "$(dirname "$0")/run" 64M 486,-pse
