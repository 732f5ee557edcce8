# SPDX-License-Identifier: MIT
# Build of the reference kernel for a PC with PAE: arch/i386 with other entries and first tables.
include arch/i386/build.mk
CPPFLAGS := -Iarch/i386-pae/include $(CPPFLAGS)
CFLAGS   := $(subst -march=i486,-march=i686,$(CFLAGS))
ARCH_SRC := $(filter-out arch/i386/tables.S,$(ARCH_SRC)) arch/i386-pae/tables.S
