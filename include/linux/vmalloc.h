/* SPDX-License-Identifier: MIT */
/* vmalloc.h: code written for Linux includes this name; Quarry's own headers are in <quarry/>. */
#ifndef _LINUX_VMALLOC_H
#define _LINUX_VMALLOC_H

#include <quarry/vmalloc.h>

#endif
