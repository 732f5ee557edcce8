#!/bin/bash
exec tests/model/spin/verify shootdown
