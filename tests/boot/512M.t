#!/bin/bash
exec "$(dirname "$0")/run" 512M max
