# Build of the memory manager as a process.
ARCH_DIR := arch/hosted
IMAGE    := quarry
CPPFLAGS += -Iarch/hosted/include -D_GNU_SOURCE
CFLAGS   += $(if $(filter hosted32,$(ARCH)),-m32,-m64) -fPIE -pthread
LDFLAGS  := $(if $(filter hosted32,$(ARCH)),-m32,-m64) -pie -pthread

$(B)/quarry: $(KERNEL_OBJ) $(B)/libquarry.a
	$(Q)$(CC) $(LDFLAGS) -o $@ $(KERNEL_OBJ) $(B)/libquarry.a
