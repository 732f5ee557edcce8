# SPDX-License-Identifier: MIT
# sources.mk: what to compile.  Quarry's own Makefile reads it, and so may yours, if you
# would rather compile the sources than link libquarry.a: for another layout of addresses,
# another processor, options of your own.
#
#	ARCH := i386			# if a string or division library is wanted: whose
#	include path/to/quarry/sources.mk
#	CFLAGS += $(QUARRY_INCLUDE) -Ipath/to/yours	# where your arch/layout.h, arch/cpu.h ... are
#	OBJ    += $(QUARRY_STAGE1_SRC:.c=.o)		# as far as your port.h goes
#
# A stage needs those before it; which hooks of port.h it asks for is told there.
# The sources are gnu17, without errors under -Wall -Wextra, and want -fno-strict-aliasing.

QUARRY_DIR := $(patsubst ./,,$(dir $(lastword $(MAKEFILE_LIST))))

QUARRY_INCLUDE := -I$(QUARRY_DIR)include

# Pages and slabs: memblock, zones, alloc_pages, kmem_cache, kmalloc; mempools, shrinkers and
# reclaim, which are linked only if something names them.
QUARRY_STAGE1_SRC := $(QUARRY_DIR)lib/printf.c \
	$(addprefix $(QUARRY_DIR)mm/boot/,e820.c memblock.c numa.c node.c zonelist.c init_pages.c) \
	$(addprefix $(QUARRY_DIR)mm/port/,no_names.c no_threads.c one_cpu.c) \
	$(addprefix $(QUARRY_DIR)mm/pressure/,mempool.c reclaim.c shrinker.c) \
	$(wildcard $(addprefix $(QUARRY_DIR)mm/,page/*.c slab/*.c debug/*.c))

# Mapping: page tables, fixmap, kmap, vmalloc; the reports.  Further processors and
# threads that sleep need no further source, only hooks.
QUARRY_STAGE2_SRC := $(QUARRY_DIR)lib/rbtree.c $(QUARRY_DIR)mm/boot/init_mapping.c \
	$(wildcard $(addprefix $(QUARRY_DIR)mm/,virt/*.c report/*.c))

# Tasks: address spaces, page faults; which of them ends when memory has run out.
QUARRY_STAGE5_SRC := $(addprefix $(QUARRY_DIR)mm/,boot/init.c port/no_tasks.c pressure/oom.c pressure/show_mem.c) \
	$(wildcard $(QUARRY_DIR)mm/user/*.c)

# What the compiler itself calls where there is no C library: memcpy and its like, and on
# 32 bits the division of 64.  ARCH=hosted... has one.
quarry_freestanding          := string.c memory.c
quarry_freestanding_i386     := string.c x86/memory.c x86/divide.c
quarry_freestanding_i386-pae := $(quarry_freestanding_i386)
quarry_freestanding_x86_64   := string.c x86/memory.c
QUARRY_FREESTANDING_SRC := $(if $(filter-out hosted%,$(ARCH)),$(addprefix $(QUARRY_DIR)lib/freestanding/,\
	$(or $(quarry_freestanding_$(ARCH)),$(quarry_freestanding))))

# All of libquarry.a.
QUARRY_SRC := $(wildcard $(QUARRY_DIR)lib/*.c $(QUARRY_DIR)mm/*/*.c) $(QUARRY_FREESTANDING_SRC)
