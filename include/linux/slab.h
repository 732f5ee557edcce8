/* SPDX-License-Identifier: MIT */
/* slab.h: code written for Linux includes this name; Quarry's own headers are in <quarry/>. */
#ifndef _LINUX_SLAB_H
#define _LINUX_SLAB_H

#include <quarry/slab.h>
#include <quarry/vmalloc.h>	/* kvmalloc() and its kin */

#endif
