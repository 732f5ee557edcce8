#!/bin/bash
exec "$(dirname "$0")/run" 895M max
