#!/bin/bash
# The stress of threads under ThreadSanitizer: a race anywhere ends its test.
OPS=${OPS:-1000} exec build/hosted64-tsan/unit threads
