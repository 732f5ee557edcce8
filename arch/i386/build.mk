# SPDX-License-Identifier: MIT
# Build of the reference kernel for an i386 PC.
ARCH_DIR := arch/i386
IMAGE    := quarry.elf
CPPFLAGS += -Iarch/i386/include
CFLAGS   += -m32 -march=i486 -mtune=generic -ffreestanding -fno-pic -fno-pie -fno-stack-protector \
	-fno-asynchronous-unwind-tables -mno-mmx -mno-sse -mno-sse2 -mno-80387 -mgeneral-regs-only \
	-fno-omit-frame-pointer -mregparm=3
# -mregparm=3: the first three words of arguments are in eax, edx, ecx.  So no library of
# others' is linked, libgcc neither; what assembly calls, and is called by, knows it.
LDFLAGS  := -m32 -nostdlib -static -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,max-page-size=4096

# What the compiler itself calls (memcpy ...): here there is no C library.
FREESTANDING_SRC := $(wildcard lib/freestanding/*.c)

# Two links: the first fixes every address, nm reads the names, the second adds
# them at the very end of the image, where they move nothing.
link = $(CC) $(LDFLAGS) -T arch/i386/kernel.lds -o $(1) $(KERNEL_OBJ) $(2) $(B)/libquarry.a

$(B)/quarry.elf: arch/i386/kernel.lds arch/i386/symbols.awk
	$(call say,LD,$@)$(call link,$(B)/first.elf)
	$(Q)nm -n $(B)/first.elf | awk -f arch/i386/symbols.awk > $(B)/symbols.S
	$(Q)$(CC) $(CFLAGS) -c -o $(B)/symbols.o $(B)/symbols.S
	$(Q)$(call link,$@,$(B)/symbols.o)
	$(Q)rm -f $(B)/first.elf
