#!/bin/bash
exec build/hosted64-clang/unit
