#!/bin/bash
exec "$(dirname "$0")/run" 3G max
