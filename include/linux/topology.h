/* SPDX-License-Identifier: MIT */
/* topology.h: code written for Linux includes this name; Quarry's own headers are in <quarry/>. */
#ifndef _LINUX_TOPOLOGY_H
#define _LINUX_TOPOLOGY_H

#include <quarry/numa.h>

#endif
