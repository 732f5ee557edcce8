/* SPDX-License-Identifier: MIT */
/* set_memory.h: code written for Linux includes this name; Quarry's own headers are in <quarry/>. */
#ifndef _LINUX_SET_MEMORY_H
#define _LINUX_SET_MEMORY_H

#include <quarry/set_memory.h>

#endif
