#!/bin/bash
# From a CD, through GRUB, as a real machine boots.  ARCH=, UEFI=1
cd "$(dirname "$0")/../.." || exit 1
if ! command -v grub-mkrescue >/dev/null || ! command -v xorriso >/dev/null; then
	echo "1..0 # SKIP grub-mkrescue is not installed"
	exit 0
fi
image=${IMAGE:-build/${ARCH:-i386}/quarry.elf}
iso=build/boot/selftest-${ARCH:-i386}${UEFI:+-uefi}.iso
mkdir -p build/boot
DEFAULT=2 tools/mkiso "$image" "$iso" >"$iso.log" 2>&1 || {
	echo "1..1"; echo "not ok 1 - the CD is made"; sed 's/^/# /' "$iso.log"; exit 1; }
ISO=$iso exec tests/boot/run 256M
