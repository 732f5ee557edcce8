#!/bin/bash
exec "$(dirname "$0")/run" 16M max
