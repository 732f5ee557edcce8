#!/bin/bash
exec build/hosted64-asan/unit
