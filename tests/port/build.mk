# SPDX-License-Identifier: MIT
# Ports that stop at a stage of port.h, with headers of their own and the sources of
# their stage (sources.mk); stage 2 shares stage 1's <arch/cpu.h>.
#
#	$(B)/stage1, $(B)/stage2	programs, TAP
#	$(B)/stage1.o, 2, 5		all that a stage and those before it hold, for stages.t
ifeq ($(ARCH),hosted64)
stage1_SRC := $(QUARRY_STAGE1_SRC)
stage2_SRC := $(stage1_SRC) $(QUARRY_STAGE2_SRC)
stage5_SRC := $(stage2_SRC) $(QUARRY_STAGE5_SRC)

STAGE_OBJ = $(patsubst %.c,$(B)/tests/port/$(1)/%.o,$(2))
define stage_program
$(B)/tests/port/$(1)/%.o: %.c $(B)/flags
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)$(CC) $(QUARRY_INCLUDE) -Itests/port/$(1) -Itests/port/stage1 -D_GNU_SOURCE $(CFLAGS) -MMD -MP -c -o $$@ $$<
$(B)/$(1): $(call STAGE_OBJ,$(1),$($(1)_SRC) tests/port/$(1).c)
	$$(call say,LD,$$@)$(CC) $(LDFLAGS) -o $$@ $$^
-include $(patsubst %.o,%.d,$(call STAGE_OBJ,$(1),$($(1)_SRC) tests/port/$(1).c))
endef
$(foreach stage,stage1 stage2,$(eval $(call stage_program,$(stage))))

$(foreach stage,stage1 stage2 stage5,$(eval $(B)/$(stage).o: $(call obj,$($(stage)_SRC))))
$(B)/stage1.o $(B)/stage2.o $(B)/stage5.o:
	$(call say,LD,$@)ld -r -o $@ $^

.PHONY: stages
stages: $(addprefix $(B)/,stage1 stage2 stage1.o stage2.o stage5.o)
endif

# $(B)/minimal.elf: the kernel that is not ours.
ifeq ($(B),build/i386)
$(B)/minimal.elf: $(wildcard examples/minimal/*) $(B)/libquarry.a $(B)/quarry-$(ARCH)-uninstalled.pc
	$(call say,LD,$@)$(MAKE) -s -C examples/minimal ../../$@
endif
