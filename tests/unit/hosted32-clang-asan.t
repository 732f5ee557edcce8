#!/bin/bash
exec build/hosted32-clang-asan/unit
