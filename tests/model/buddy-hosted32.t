#!/bin/bash
exec build/hosted32/model_buddy
