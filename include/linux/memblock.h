/* SPDX-License-Identifier: MIT */
/* memblock.h: code written for Linux includes this name; Quarry's own headers are in <quarry/>. */
#ifndef _LINUX_MEMBLOCK_H
#define _LINUX_MEMBLOCK_H

#include <quarry/memblock.h>

#endif
