/* SPDX-License-Identifier: MIT */
/* highmem.h: code written for Linux includes this name; Quarry's own headers are in <quarry/>. */
#ifndef _LINUX_HIGHMEM_H
#define _LINUX_HIGHMEM_H

#include <linux/mm.h>
#include <quarry/highmem.h>

#endif
