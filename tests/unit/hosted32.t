#!/bin/bash
exec build/hosted32/unit
