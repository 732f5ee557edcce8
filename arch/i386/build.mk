# Build of the reference kernel for an i386 PC.
ARCH_DIR := arch/i386
IMAGE    := quarry.elf
CPPFLAGS += -Iarch/i386/include
CFLAGS   += -m32 -march=i486 -mtune=generic -ffreestanding -fno-pic -fno-pie -fno-stack-protector \
	-fno-asynchronous-unwind-tables -mno-mmx -mno-sse -mno-sse2 -mno-80387 -mgeneral-regs-only -fno-omit-frame-pointer
LDFLAGS  := -m32 -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,max-page-size=4096

$(B)/quarry.elf: $(KERNEL_OBJ) $(B)/libquarry.a arch/i386/kernel.lds
	$(Q)$(CC) $(LDFLAGS) -T arch/i386/kernel.lds -o $@ $(KERNEL_OBJ) $(B)/libquarry.a -lgcc
