#!/bin/bash
OPS=${OPS:-100000} DEPTH=${DEPTH:-5} exec build/hosted64-asan/model_slab
