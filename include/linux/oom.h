/* SPDX-License-Identifier: MIT */
/* oom.h: code written for Linux includes this name; Quarry's own headers are in <quarry/>. */
#ifndef _LINUX_OOM_H
#define _LINUX_OOM_H

#include <quarry/oom.h>

#endif
