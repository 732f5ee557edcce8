# SPDX-License-Identifier: MIT
# What builds of the reference kernel for a PC have in common; arch/*/build.mk names LDS,
# the linker script, before (and LINKED, the linked file, where it is not the image), and
# adds what else the kind of PC needs.
IMAGE    := quarry.elf
LINKED   ?= $(IMAGE)
CPPFLAGS += -Iarch/pc -Iarch/pc/include
CFLAGS   += -ffreestanding -fno-pic -fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables \
	-mno-mmx -mno-sse -mno-sse2 -mgeneral-regs-only -fno-omit-frame-pointer -momit-leaf-frame-pointer
LDFLAGS  := -nostdlib -static -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,max-page-size=4096

# Two links: the first fixes every address, nm reads the names, the second adds
# them at the very end of the image, where they move nothing.
link = $(CC) $(LDFLAGS) -T $(B)/kernel.lds -o $(1) $(KERNEL_OBJ) $(2) $(B)/libquarry.a

$(B)/kernel.lds: $(LDS) $(B)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -E -P -x assembler-with-cpp -D__ASSEMBLER__ -MMD -MP -MT $@ -MF $@.d -o $@ $<

-include $(B)/kernel.lds.d

$(B)/$(LINKED): $(B)/kernel.lds arch/pc/symbols.awk
	$(call say,LD,$@)$(call link,$(B)/first.elf)
	$(Q)nm -n $(B)/first.elf | awk -f arch/pc/symbols.awk > $(B)/symbols.S
	$(Q)$(CC) $(CFLAGS) -c -o $(B)/symbols.o $(B)/symbols.S
	$(Q)$(call link,$@,$(B)/symbols.o)
	$(Q)rm -f $(B)/first.elf
