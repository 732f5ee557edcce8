#!/bin/bash
exec "$(dirname "$0")/run" 4G max
