/* SPDX-License-Identifier: MIT */
/* shrinker.h: code written for Linux includes this name; Quarry's own headers are in <quarry/>. */
#ifndef _LINUX_SHRINKER_H
#define _LINUX_SHRINKER_H

#include <quarry/shrinker.h>

#endif
