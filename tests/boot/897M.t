#!/bin/bash
exec "$(dirname "$0")/run" 897M max
