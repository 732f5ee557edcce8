# SPDX-License-Identifier: MIT
# $(B)/maps: the corpus of memory maps against its oracle; hosted builds only.
ifneq ($(filter hosted%,$(ARCH)),)
MAPS_OBJ := $(call obj,tests/maps/maps.c)
MAPS_MACHINE = $(filter $(B)/arch/%,$(filter-out %/boot.o %/user.o,$(KERNEL_OBJ))) $(B)/kernel/sched.o

$(MAPS_OBJ): Makefile $(ARCH_DIR)/build.mk tests/maps/build.mk

$(B)/maps: $(MAPS_OBJ) $(MAPS_MACHINE) $(B)/libquarry.a
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $(MAPS_OBJ) $(MAPS_MACHINE) $(B)/libquarry.a

-include $(MAPS_OBJ:.o=.d)
endif
