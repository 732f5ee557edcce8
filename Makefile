# Quarry: a kernel's memory manager as a library.  `make help` lists the targets.
#
#	build/ARCH[-SPLIT][-VARIANT]/   one tree for each build
#	ARCH                    one of ARCHES
#	SPLIT                   3G, 2G, 1G: where the kernel's addresses begin, of i386 builds
#	VARIANT                 empty, clang, asan, clang-asan; of hosted64 also tsan, clang-tsan, lto

VERSION := 0.3

MAKEFLAGS += --no-builtin-rules --no-print-directory
SHELL := /bin/bash
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all

ARCHES  := i386 i386-pae x86_64 hosted64 hosted32
ARCH    ?= i386
VARIANT ?=
SPLIT   ?=
$(if $(filter $(ARCHES),$(ARCH)),,$(error ARCH=$(ARCH): one of $(ARCHES)))
$(if $(filter-out 3G 2G 1G,$(SPLIT))$(and $(SPLIT),$(filter-out i386%,$(ARCH))),\
	$(error SPLIT=$(SPLIT): 3G, 2G or 1G, for ARCH=i386 and i386-pae))
$(if $(filter-out clang asan clang-asan $(if $(filter hosted64,$(ARCH)),tsan clang-tsan lto),$(VARIANT)),\
	$(error VARIANT=$(VARIANT): clang, asan or clang-asan; with ARCH=hosted64 also tsan, clang-tsan or lto))
CC      := $(if $(findstring clang,$(VARIANT)),clang,gcc)
B       := build/$(ARCH)$(if $(filter-out 3G,$(SPLIT)),-$(SPLIT))$(if $(VARIANT),-$(VARIANT))
Q       := $(if $(V),,@)
silent  := $(findstring s,$(filter-out -%,$(firstword $(MAKEFLAGS))))
say      = $(if $(V),,@$(if $(silent),,printf '  %-7s %s\n' $(1) $(2);))

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wundef -Wvla -Wwrite-strings
BASE_CFLAGS := -std=gnu17 -O2 -g -fno-strict-aliasing -fno-common $(WARN)

include sources.mk
CPPFLAGS := $(QUARRY_INCLUDE) -I.
CFLAGS   := $(BASE_CFLAGS)

# tells how code of this ARCH is compiled, and how the image is linked
include arch/$(if $(filter hosted%,$(ARCH)),hosted,$(ARCH))/build.mk
ABI_CFLAGS := $(filter-out $(BASE_CFLAGS),$(CFLAGS))

ifneq ($(findstring asan,$(VARIANT)),)
CFLAGS  += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
LDFLAGS += -fsanitize=address,undefined
endif

ifneq ($(findstring tsan,$(VARIANT)),)
CFLAGS  += -fsanitize=thread -fno-omit-frame-pointer $(if $(findstring clang,$(VARIANT)),-D__SANITIZE_THREAD__,-Wno-tsan)
LDFLAGS += -fsanitize=thread
endif

# as a program that wants the utmost links us: compiled as one
ifeq ($(VARIANT),lto)
OPTIMIZE := -O3 -flto=auto
CFLAGS   += $(OPTIMIZE)
LDFLAGS  += $(OPTIMIZE) -fPIE
endif

obj = $(addprefix $(B)/,$(addsuffix .o,$(basename $(1))))

KERNEL_SRC := $(wildcard kernel/*.c tests/selftest/*.c tests/port/contract_*.c tests/inject/*.c docs/examples/*.c bench/*.c)
MM_OBJ     := $(call obj,$(QUARRY_SRC))
KERNEL_OBJ += $(call obj,$(KERNEL_SRC)) $(call obj,$(ARCH_SRC))

.PHONY: all
all: $(B)/$(IMAGE)
	@:

$(B)/libquarry.a: $(MM_OBJ)
	$(call say,AR,$@)rm -f $@; ar rcsD $@ $^

# A change of the compiler or of its flags changes this file, and so rebuilds.
FLAGS = $(CC) $(CPPFLAGS) $(CFLAGS) / $(USER_CC) $(USER_CFLAGS) / $(LDFLAGS) $(USER_LDFLAGS)
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(FLAGS)' | cmp -s - $@ || echo '$(FLAGS)' >$@
.PHONY: FORCE
FORCE:

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/%.o: %.S $(B)/flags
	@mkdir -p $(@D)
	$(call say,AS,$@)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

-include user/build.mk

# arch/*/build.mk, read before these lists were made, tells how the image is linked
$(B)/$(or $(LINKED),$(IMAGE)): $(KERNEL_OBJ) $(B)/libquarry.a

-include $(wildcard tests/*/build.mk bench/*/build.mk)
-include $(MM_OBJ:.o=.d) $(KERNEL_OBJ:.o=.d)

# ---- what people type ----------------------------------------------------------

# as many jobs as processors, unless make was told a number
parallel = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))
RUN = ARCH='$(ARCH)' IMAGE='$(B)/$(IMAGE)' tools/run
export MEM SMP NUMA ACCEL CPU QEMUFLAGS CMD TIMEOUT

.PHONY: run
run: ## boot into a shell (CMD="a; b" runs commands; MEM= SMP= NUMA= ACCEL=tcg|icount CPU= QEMUFLAGS= ARCH=)
	@tools/deps $(if $(filter hosted%,$(ARCH)),$(ARCH),run-$(ARCH)) $(VARIANT)
	@$(MAKE) $(parallel) all
	@$(RUN)

.PHONY: iso
iso: ## a GRUB image for real machines, ARCH=i386, i386-pae or x86_64 (BIOS and UEFI): build/ARCH/quarry.iso
	@tools/deps $(if $(filter x86_64,$(ARCH)),iso-uefi,iso)
	@$(MAKE) $(parallel) all
	@ARCH='$(ARCH)' tools/mkiso $(B)/quarry.elf $(B)/quarry.iso

.PHONY: hosted
hosted: ## the same memory manager as a process: build/hosted64/quarry, build/hosted32/quarry
	@tools/deps hosted
	@$(MAKE) $(parallel) ARCH=hosted64 all
	@$(MAKE) $(parallel) ARCH=hosted32 all

.PHONY: check
check: ## build everything with gcc and clang, run all tests, booted and hosted
	@tools/deps check
	@tests/check

# all that docs/rows.txt names, unless one was asked for
ROWS_ARCHES := $(if $(filter file,$(origin ARCH)),i386 i386-pae x86_64,$(ARCH))
.PHONY: rows
rows: ## which tests prove which row of the specification, from booted runs (ARCH= only one)
	@tools/deps run run-x86_64
	@+for a in $(ROWS_ARCHES); do $(MAKE) $(parallel) ARCH=$$a all || exit; done
	@ARCH='$(if $(filter-out file,$(origin ARCH)),$(ARCH))' tools/rows

.PHONY: bench
bench: ## what each operation costs beside its target, booted under -icount; ARCH=, or PEERS=1, CALLGRIND=1, GROWTH=1, WORST=1, FRAG=1, BREAKDOWN=NAME
	@tools/deps $(if $(filter hosted%,$(ARCH)),,run-$(ARCH)) hosted
	@ARCH='$(ARCH)' PEERS='$(PEERS)' CALLGRIND='$(CALLGRIND)' BREAKDOWN='$(BREAKDOWN)' GROWTH='$(GROWTH)' WORST='$(WORST)' FRAG='$(FRAG)' bench/run

.PHONY: bench-linux
bench-linux: ## the same of Linux: Debian's stock kernels in the same emulator, i386 and amd64 (or ARCH=)
	@tools/deps bench-linux
	@+for a in $(if $(filter file,$(origin ARCH)),i386 amd64,$(patsubst i386%,i386,$(ARCH:x86_64=amd64))); do ARCH=$$a bench/linux/run || exit; done

.PHONY: soak
soak: ## longer random tests; SECONDS_EACH=600
	@tools/deps check
	@tests/soak

include tools/install.mk

.PHONY: clean
clean: ## remove build/
	rm -rf build

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 19
