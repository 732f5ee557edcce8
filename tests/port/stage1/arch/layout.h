/* SPDX-License-Identifier: MIT */
/* layout.h of the smallest port: memory is an array at a fixed address; no high memory, no windows. */
#ifndef ARCH_LAYOUT_H
#define ARCH_LAYOUT_H

#define PAGE_SHIFT 12
#define PAGE_OFFSET 0x600000000000
#define TASK_SIZE PAGE_OFFSET

#endif
