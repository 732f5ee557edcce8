#!/bin/bash
exec build/hosted32/maps tests/maps/*.e820
