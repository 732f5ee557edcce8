#!/bin/bash
exec tests/model/spin/verify depot
