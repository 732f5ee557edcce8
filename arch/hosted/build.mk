# SPDX-License-Identifier: MIT
# Build of the memory manager as a process: ARCH=hosted64 or hosted32.  Of the PC it has the bits of entries.
ARCH_SRC := $(wildcard arch/hosted/*.c)
IMAGE    := quarry
CPPFLAGS += -Iarch/hosted/include -Iarch/pc/include -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64
CFLAGS   += $(if $(filter hosted32,$(ARCH)),-m32,-m64) -fPIE -pthread
LDFLAGS  := $(if $(filter hosted32,$(ARCH)),-m32,-m64) -pie -pthread -Wl,-z,noexecstack

$(B)/quarry:
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $(KERNEL_OBJ) $(B)/libquarry.a
