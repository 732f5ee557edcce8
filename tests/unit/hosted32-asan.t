#!/bin/bash
exec "$(dirname "$0")/run" hosted32-asan
