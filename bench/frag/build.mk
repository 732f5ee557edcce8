# SPDX-License-Identifier: MIT
# What `make bench FRAG=1` runs: build/hosted64/frag, see frag.c.
ifeq ($(ARCH),hosted64)
FRAG_MACHINE = $(filter $(B)/arch/%,$(filter-out %/boot.o %/user.o,$(KERNEL_OBJ)))

$(B)/frag: $(B)/bench/frag/frag.o $(FRAG_MACHINE) $(B)/libkernel.a $(B)/libquarry.a
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $< $(FRAG_MACHINE) $(B)/libkernel.a $(B)/libquarry.a $(B)/libkernel.a

.PHONY: frag
frag: $(B)/frag

-include $(B)/bench/frag/frag.d
endif
