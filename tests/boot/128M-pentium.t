#!/bin/bash
# 4 MiB pages, but no global ones
exec "$(dirname "$0")/run" 128M pentium
