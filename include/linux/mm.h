/* SPDX-License-Identifier: MIT */
/* mm.h: code written for Linux includes this name; Quarry's own headers are in <quarry/>. */
#ifndef _LINUX_MM_H
#define _LINUX_MM_H

#include <quarry/page.h>
#include <quarry/zone.h>
#include <quarry/vmalloc.h>
#include <quarry/slab.h>
#include <quarry/vm.h>
#include <quarry/report.h>

#endif
