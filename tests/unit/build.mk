# SPDX-License-Identifier: MIT
# The unit tests: $(B)/unit, in hosted builds.  Needs the Check framework (Debian: check, check:i386).
# Of the kernel they get what they name, and the scheduler, for tests that sleep; of a PC,
# what reads the firmware's tables.
ifneq ($(filter hosted%,$(ARCH)),)
UNIT_OBJ     := $(call obj,$(wildcard tests/unit/*.c) arch/pc/processors.c)
UNIT_MACHINE := $(call obj,$(filter-out %/boot.c %/user.c,$(ARCH_SRC)))
UNIT_KERNEL  := $(call obj,$(wildcard kernel/*.c))

$(B)/libkernel.a: $(UNIT_KERNEL)
	$(call say,AR,$@)rm -f $@; ar rcsD $@ $^

$(B)/unit: $(UNIT_OBJ) $(UNIT_MACHINE) $(B)/libkernel.a $(B)/libquarry.a
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $(UNIT_OBJ) $(UNIT_MACHINE) \
		$(B)/libkernel.a $(B)/libquarry.a $(B)/libkernel.a -lcheck -lsubunit -lm -lrt

.PHONY: unit
unit: $(B)/unit
	$(B)/unit

-include $(UNIT_OBJ:.o=.d)
endif
