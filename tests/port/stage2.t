#!/bin/bash
# A port that stops at stage 2 of port.h.
exec build/hosted64/stage2
