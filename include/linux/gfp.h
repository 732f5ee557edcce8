/* SPDX-License-Identifier: MIT */
/* gfp.h: code written for Linux includes this name; Quarry's own headers are in <quarry/>. */
#ifndef _LINUX_GFP_H
#define _LINUX_GFP_H

#include <quarry/gfp.h>
#include <quarry/page.h>

#endif
