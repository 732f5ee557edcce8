# SPDX-License-Identifier: MIT
# Build of the reference kernel for a PC in long mode: 64-bit, four or five levels.
LDS := arch/x86_64/kernel.lds
# Multiboot loaders read 32-bit ELF files: the image is the same bytes under a 32-bit
# header.  A debugger wants the 64-bit one.
LINKED := quarry64.elf
include arch/pc/build.mk
CPPFLAGS += -DMAX_NUMNODES=64 -Iarch/x86_64/include -Iarch/x86_64
ARCH_SRC := $(wildcard arch/x86_64/*.c arch/x86_64/*.S arch/pc/*.c arch/pc/*.S)
CFLAGS   += -m64 -march=x86-64 -mtune=generic -mcmodel=kernel -mno-red-zone
LDFLAGS  += -m64

$(B)/quarry.elf: $(B)/quarry64.elf
	$(Q)objcopy -O elf32-i386 $< $@
