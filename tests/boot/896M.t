#!/bin/bash
exec "$(dirname "$0")/run" 896M max
