#!/bin/bash
exec "$(dirname "$0")/run" 17M max
