#!/bin/bash
# SPDX-License-Identifier: MIT
# make install into an empty folder; examples/minimal builds from what is there, outside
# of this tree, and boots; sources.mk builds the library as well; make uninstall leaves nothing.
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/port/minimal.sh
. tests/port/minimal.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root prefix=/opt/quarry
quarry() { make -s DESTDIR="$root" PREFIX=$prefix "$@"; }
unset MAKEFLAGS MAKELEVEL ARCH VARIANT SPLIT

output=$(quarry install 2>&1)
result "make install"
output=$(find "$root" \( -type d ! -perm 755 \) -o \( -type f ! -perm 644 \))
[ -z "$output" ]
result "everybody may read what it installs, nothing can be run"
output=$(cd "$root$prefix/include" && ls -d linux quarry arch 2>/dev/null)
[ -z "$output" ]
result "no header is in a folder that other programs search"

export PKG_CONFIG_LIBDIR=$root$prefix/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root
for arch in $(make -s print-arches); do
	# shellcheck disable=SC2046
	output=$(echo '#include <linux/slab.h>
		void *f(void); void *f(void) { return kmalloc(100, GFP_KERNEL); }' >"$work/f.c"
		gcc $(pkg-config --cflags "quarry-$arch") -O2 -Wall -Wextra -Werror -r -nostdlib -o "$work/f.o" \
			"$work/f.c" $(pkg-config --libs "quarry-$arch") 2>&1 && nm "$work/f.o" | grep -q 'T alloc_pages')
	result "quarry-$arch: a file compiles with its flags and links with its archive"
done

# Whole: what is left undefined is the port's, by port.h and <arch/...>; no libgcc, nothing of our kernel.
for arch in $(make -s print-arches | tr ' ' '\n' | grep -v hosted); do
	# shellcheck disable=SC2046
	output=$(gcc $(pkg-config --cflags "quarry-$arch") -r -nostdlib -o "$work/whole.o" -Wl,--whole-archive \
			$(pkg-config --libs "quarry-$arch") 2>&1
		nm "$work/whole.o" | awk '$1 == "U" { print $2 }' |
			grep -vxE '(port|arch|flush_tlb)_[a-z_]+|swapper_pg_dir|cpu_locals')
	[ -s "$work/whole.o" ] && [ -z "$output" ]
	result "quarry-$arch: the archive is whole"
done

cp -r examples/minimal "$work/minimal"
output=$(make -C "$work/minimal" minimal.elf 2>&1)
result "examples/minimal builds elsewhere, from pkg-config's answer only"
boot_minimal "$work/minimal/minimal.elf" 64M

cat >"$work/Makefile" <<'END'
ARCH := i386
include $(SHARE)/sources.mk
OBJ := $(subst /,_,$(patsubst $(QUARRY_DIR)%.c,%.o,$(QUARRY_STAGE1_SRC) $(QUARRY_FREESTANDING_SRC)))
CFLAGS = -O1 $(QUARRY_INCLUDE) $(shell pkg-config --cflags quarry-i386)
all: $(OBJ); ar rcs libmine.a $(OBJ)
define compile
$(subst /,_,$(patsubst $(QUARRY_DIR)%.c,%.o,$(1))): $(1); gcc $(CFLAGS) -c -o $$@ $$<
endef
$(foreach s,$(QUARRY_STAGE1_SRC) $(QUARRY_FREESTANDING_SRC),$(eval $(call compile,$(s))))
END
output=$(make -C "$work" -j2 SHARE="$root$prefix/share/quarry" 2>&1)
result "the installed sources of stage 1 compile by sources.mk"
# shellcheck disable=SC2046
output=$(cd "$work/minimal" && gcc -O2 $(pkg-config --cflags quarry-i386) -nostdlib -static -Wl,--build-id=none \
	-T kernel.lds -o mine.elf start.S main.c ../libmine.a 2>&1)
result "and are all that examples/minimal needs"

output=$(quarry uninstall 2>&1; find "$root" -type f)
[ -z "$output" ]
result "make uninstall takes it all away"
echo "1..$number"
