# SPDX-License-Identifier: MIT
# The ring-3 programs: ordinary static ELF files, of 64 bits on x86_64, else of 32;
# linked into the kernel.
#
#	$(B)/user/NAME		the program; objdump -d shows it
#	$(B)/user/programs.o	all of them as bytes, with a table (struct linked_program)
#
# A hosted build carries them too, as data, when the compiler can make them.

USER_LIST    := hello wild stack divzero privileged grow memhog count huge lifetime faultbench
USER_BITS    := $(if $(filter x86_64,$(ARCH)),64,32)
USER_CRT     := crt$(USER_BITS)
USER_CC      := $(CC) $(if $(filter 64,$(USER_BITS)),-m64 -mcmodel=small,-m32 -march=i486 -mtune=generic)
USER_CFLAGS  := -std=gnu17 -O2 -g0 -ffreestanding -fno-pic -fno-pie -fno-stack-protector -fno-builtin \
	-fno-asynchronous-unwind-tables -mno-mmx -mno-sse -mno-80387 -mpreferred-stack-boundary=4 \
	-fno-strict-aliasing -fno-tree-loop-distribute-patterns $(WARN)
ifneq ($(findstring clang,$(VARIANT)),)
USER_CFLAGS  := $(filter-out -mpreferred-stack-boundary=4 -fno-tree-loop-distribute-patterns,$(USER_CFLAGS))
endif
USER_LDFLAGS := -nostdlib -static -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,max-page-size=4096

# A PC must have them; a hosted build asks the compiler first.
ifneq ($(filter i386% x86_64,$(ARCH)),)
USER_PROGRAMS := $(USER_LIST)
else
user_probe    := echo 'int x;' | $(USER_CC) -ffreestanding -c -x c -o /dev/null - 2>/dev/null && echo yes
USER_PROGRAMS := $(if $(shell $(user_probe)),$(USER_LIST))
endif

user_lds = $(or $(wildcard user/$(1).lds),user/program.lds)

$(B)/user/%.o: user/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)$(USER_CC) $(USER_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/user/$(USER_CRT).o: user/$(USER_CRT).S $(B)/flags
	@mkdir -p $(@D)
	$(call say,AS,$@)$(USER_CC) $(USER_CFLAGS) -MMD -MP -c -o $@ $<

define user_program
$(B)/user/$(1): $(B)/user/$(1).o $(B)/user/sys.o $(B)/user/$(USER_CRT).o $(call user_lds,$(1))
	$$(call say,LD,$$@)$$(USER_CC) $$(USER_LDFLAGS) -T $(call user_lds,$(1)) -o $$@ $$(filter %.o,$$^)
endef
$(foreach p,$(USER_LIST),$(eval $(call user_program,$(p))))

# The table, and behind it the files.
define user_table
	.section .data.rel.ro, "aw"
	.balign 16
	.globl linked_programs
linked_programs:
$(foreach p,$(USER_PROGRAMS),	$(1) name_$(p), file_$(p), end_$(p)
)	$(1) 0, 0, 0
	.section .rodata
$(foreach p,$(USER_PROGRAMS),	.balign 16
file_$(p):	.incbin "$(B)/user/$(p)"
end_$(p):
name_$(p):	.asciz "$(p)"
)	.section .note.GNU-stack, "", @progbits
endef

$(B)/user/programs.S: user/build.mk $(B)/flags
	$(shell mkdir -p $(@D))$(file > $@,$(call user_table,$(if $(filter hosted64 x86_64,$(ARCH)),.quad,.long)))

$(B)/user/programs.o: $(B)/user/programs.S $(addprefix $(B)/user/,$(USER_PROGRAMS))
	$(call say,AS,$@)$(CC) $(CFLAGS) -c -o $@ $<

KERNEL_OBJ += $(B)/user/programs.o
.SECONDARY: $(foreach p,$(USER_LIST) sys $(USER_CRT),$(B)/user/$(p).o)

.PHONY: user
user: $(addprefix $(B)/user/,$(USER_PROGRAMS))

-include $(wildcard $(B)/user/*.d)
