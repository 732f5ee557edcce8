/* SPDX-License-Identifier: MIT */
/* mempool.h: code written for Linux includes this name; Quarry's own headers are in <quarry/>. */
#ifndef _LINUX_MEMPOOL_H
#define _LINUX_MEMPOOL_H

#include <quarry/mempool.h>

#endif
