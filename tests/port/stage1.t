#!/bin/bash
# A port that stops at stage 1 of port.h.
exec build/hosted64/stage1
