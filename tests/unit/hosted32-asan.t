#!/bin/bash
exec build/hosted32-asan/unit
