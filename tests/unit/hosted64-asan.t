#!/bin/bash
exec "$(dirname "$0")/run" hosted64-asan
