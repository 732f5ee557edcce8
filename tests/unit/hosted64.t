#!/bin/bash
exec build/hosted64/unit
