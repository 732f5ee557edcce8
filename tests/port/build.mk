# SPDX-License-Identifier: MIT
# $(B)/stage1: the smallest port, with the headers of tests/port/stage1 and no others.
ifeq ($(ARCH),hosted64)
STAGE1_SRC := tests/port/stage1.c lib/printf.c mm/boot/memblock.c mm/boot/node.c mm/boot/init_pages.c \
	$(wildcard mm/page/*.c mm/slab/*.c mm/debug/*.c)

$(B)/stage1: $(STAGE1_SRC) $(wildcard include/quarry/*.h mm/slab/*.h tests/port/stage1/arch/*.h) $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) -Iinclude -I. -Itests/port/stage1 $(filter-out -Iarch/%,$(CFLAGS)) -o $@ $(STAGE1_SRC)
endif
