#!/bin/bash
exec tests/maps/run hosted64
