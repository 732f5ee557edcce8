#!/bin/bash
# A processor with PAE and little else, as the first ones were: no NX, 36 bits.
ARCH=i386-pae exec "$(dirname "$0")/run" 1024M coreduo,-nx
