#!/bin/bash
tests/native hosted32-asan || exit 0
OPS=${OPS:-100000} DEPTH=${DEPTH:-5} exec build/hosted32-asan/model_buddy
