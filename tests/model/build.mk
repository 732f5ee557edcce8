# SPDX-License-Identifier: MIT
# The model tests: $(B)/model_NAME from model_NAME.c, in hosted builds.  Each is a program that prints TAP.
ifneq ($(filter hosted%,$(ARCH)),)
MODEL_SRC := $(wildcard tests/model/model_*.c)
MODEL_OBJ := $(call obj,$(MODEL_SRC))
MODEL     := $(patsubst tests/model/%.c,$(B)/%,$(MODEL_SRC))
MODEL_MACHINE = $(filter $(B)/arch/%,$(filter-out %/boot.o %/user.o,$(KERNEL_OBJ)))

$(MODEL): $(B)/%: $(B)/tests/model/%.o $(MODEL_MACHINE) $(B)/libkernel.a $(B)/libquarry.a
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $< $(MODEL_MACHINE) \
		$(B)/libkernel.a $(B)/libquarry.a $(B)/libkernel.a

.PHONY: model
model: $(MODEL)

-include $(MODEL_OBJ:.o=.d)
endif
