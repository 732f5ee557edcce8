#!/bin/bash
exec build/hosted64/model_buddy
