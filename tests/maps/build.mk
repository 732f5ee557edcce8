# SPDX-License-Identifier: MIT
# $(B)/maps: the corpus of memory maps against its oracle; hosted builds only.
# Of the kernel (libkernel.a, from tests/unit/build.mk) it gets what the machine names.
ifneq ($(filter hosted%,$(ARCH)),)
MAPS_OBJ := $(call obj,tests/maps/maps.c)
MAPS_MACHINE = $(filter $(B)/arch/%,$(filter-out %/boot.o %/user.o,$(KERNEL_OBJ)))

$(B)/maps: $(MAPS_OBJ) $(MAPS_MACHINE) $(B)/libkernel.a $(B)/libquarry.a
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $(MAPS_OBJ) $(MAPS_MACHINE) \
		$(B)/libkernel.a $(B)/libquarry.a $(B)/libkernel.a

-include $(MAPS_OBJ:.o=.d)
endif
