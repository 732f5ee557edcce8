# SPDX-License-Identifier: MIT
# Build of the reference kernel for a PC with 32-bit paging.
SPLIT_3G := 0xC0000000
SPLIT_2G := 0x80000000
SPLIT_1G := 0x40000000
LDS := arch/i386/kernel.lds
include arch/pc/build.mk
CPPFLAGS += -DMAX_NUMNODES=4 -Iarch/i386/include -Iarch/i386 $(if $(SPLIT),-DSPLIT_BASE=$(SPLIT_$(SPLIT)))
ARCH_SRC := $(wildcard arch/i386/*.c arch/i386/*.S arch/pc/*.c arch/pc/*.S)
CFLAGS   += -m32 -march=i486 -mtune=generic -mno-80387 -mregparm=3
LDFLAGS  += -m32
# -mregparm=3: the first three words of arguments are in eax, edx, ecx.  So no library of
# others' is linked, libgcc neither; what assembly calls, and is called by, knows it.
