#!/bin/bash
exec "$(dirname "$0")/run" 64M max
