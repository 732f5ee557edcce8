#!/bin/bash
exec "$(dirname "$0")/run" 1024M max
