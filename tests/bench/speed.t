#!/bin/bash
# SPDX-License-Identifier: MIT
# The figures of docs/speed.md are of operations that are still measured.
cd "$(dirname "$0")/../.." && exec tools/speed --check
