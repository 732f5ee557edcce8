#!/bin/bash
exec build/hosted64-clang-asan/unit
