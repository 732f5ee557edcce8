#!/bin/bash
tests/native hosted32 || exit 0
exec build/hosted32/maps tests/maps/*.e820
