# Quarry: a kernel's memory manager as a library.  `make help` lists the targets.
#
#	build/ARCH[-VARIANT]/   one tree for each build; ARCH: i386, hosted64, hosted32

MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SUFFIXES:

ARCH    ?= i386
VARIANT ?=
CC      := gcc
B       := build/$(ARCH)$(if $(VARIANT),-$(VARIANT))

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wundef -Wvla -Wwrite-strings
CPPFLAGS := -Iinclude -I.
CFLAGS   := -std=gnu17 -O2 -g -fno-strict-aliasing -fno-common $(WARN)

include arch/$(if $(filter hosted%,$(ARCH)),hosted,$(ARCH))/build.mk

ifeq ($(findstring clang,$(VARIANT)),clang)
CC := clang
endif
ifeq ($(findstring asan,$(VARIANT)),asan)
CFLAGS  += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
LDFLAGS += -fsanitize=address,undefined
endif

MM_SRC     := $(wildcard lib/*.c mm/*/*.c)
KERNEL_SRC := $(wildcard kernel/*.c tests/selftest/*.c bench/*.c)
ARCH_SRC   := $(wildcard $(ARCH_DIR)/*.c $(ARCH_DIR)/*.S)

obj = $(addprefix $(B)/,$(addsuffix .o,$(basename $(1))))
MM_OBJ     := $(call obj,$(MM_SRC))
KERNEL_OBJ := $(call obj,$(KERNEL_SRC)) $(call obj,$(ARCH_SRC))

.PHONY: all
all: $(B)/$(IMAGE)

$(B)/libquarry.a: $(MM_OBJ)
	@rm -f $@
	$(Q)ar rcsD $@ $^

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/%.o: %.S
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

-include $(MM_OBJ:.o=.d) $(KERNEL_OBJ:.o=.d)

.PHONY: clean
clean:
	rm -rf build
