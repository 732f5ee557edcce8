# SPDX-License-Identifier: MIT
# Build of the memory manager as a process: ARCH=hosted64 or hosted32.  Of the PC it has the bits of entries.
ARCH_SRC := $(wildcard arch/hosted/*.c)
IMAGE    := quarry
# 64 TiB on 64 nodes with 1024 CPUs, or a PC's worth
HOSTED_SIZE := $(if $(filter hosted32,$(ARCH)),-DMAX_NUMNODES=4,-DMAX_NUMNODES=64 -DNR_CPUS=1024)
CPPFLAGS += $(HOSTED_SIZE) -Iarch/hosted/include -Iarch/pc/include -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64
CFLAGS   += $(if $(filter hosted32,$(ARCH)),-m32,-m64) -fPIE -pthread
LDFLAGS  := $(if $(filter hosted32,$(ARCH)),-m32,-m64) -pie -pthread -Wl,-z,noexecstack

$(B)/quarry:
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $(KERNEL_OBJ) $(B)/libquarry.a
