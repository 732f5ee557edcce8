# SPDX-License-Identifier: MIT
# make install, make uninstall: what a kernel elsewhere builds with.
#
#	PREFIX/include/quarry-ARCH/	quarry/ linux/, and PORT/arch/ for each port that its headers are from
#	PREFIX/lib/quarry-ARCH/		libquarry.a
#	PREFIX/lib/pkgconfig/		quarry-ARCH.pc: both, and every flag that the archive was compiled with
#	PREFIX/share/quarry/		sources.mk and the sources, for a layout or a processor of your own
#
# Every ARCH has its own folders, so that several live side by side, and <linux/slab.h>
# is never found by a program that did not ask for it.  Of all ARCHES, or the one that
# was named.
PREFIX  ?= /usr/local
DESTDIR ?=

split      := $(if $(filter-out 3G,$(SPLIT)),-$(SPLIT))
PACKAGE    := quarry-$(ARCH)$(split)
TO_INCLUDE := $(PREFIX)/include/$(PACKAGE)
TO_LIB     := $(PREFIX)/lib/$(PACKAGE)
TO_PC      := $(PREFIX)/lib/pkgconfig
TO_SHARE   := $(PREFIX)/share/quarry
INSTALL_ARCHES := $(if $(filter file,$(origin ARCH)),$(ARCHES),$(ARCH))

# The port's folders of headers, in the order that they are searched: arch/PORT/include.
PORTS          := $(patsubst -Iarch/%/include,%,$(filter -Iarch/%/include,$(CPPFLAGS)))
SHARED_SOURCES = $(sort $(shell find lib mm include -name '*.[chS]')) sources.mk

# Options (-DNR_CPUS=4) belong to the archive: who links it must have the same.
PC_CFLAGS = $(ABI_CFLAGS) -fno-strict-aliasing $(filter-out -D_%,$(filter -D%,$(CPPFLAGS)))
define pc_file
prefix=$(1)
includedir=$(2)
libdir=$(3)

Name: $(PACKAGE)
Description: A kernel's memory manager: pages, slabs, vmalloc, kmap; for $(ARCH)
Version: $(VERSION)
Cflags: $(4) $(PC_CFLAGS)
Libs: -L$${libdir} -lquarry
endef

# For builds in this tree: pkg-config prefers NAME-uninstalled.pc where it finds one.
$(B)/$(PACKAGE)-uninstalled.pc: $(B)/flags
	$(file >$@,$(call pc_file,$(CURDIR),$${prefix}/include,$${prefix}/$(B),-I$${includedir} $(PORTS:%=-I$${prefix}/arch/%/include)))@:

.PHONY: pc
pc: $(B)/libquarry.a $(B)/$(PACKAGE)-uninstalled.pc

.PHONY: print-arches
print-arches:
	@echo $(ARCHES)

put = install -d $(DESTDIR)$(2) && install -m 644 $(1) $(DESTDIR)$(2)

.PHONY: install-arch
install-arch: $(B)/libquarry.a
	$(call say,INSTALL,$(DESTDIR)$(TO_INCLUDE))$(call put,include/quarry/*.h,$(TO_INCLUDE)/quarry)
	$(Q)$(call put,include/linux/*.h,$(TO_INCLUDE)/linux)
	$(Q)$(call put,include/linux/sched/*.h,$(TO_INCLUDE)/linux/sched)
	$(Q)$(foreach p,$(PORTS),$(call put,arch/$(p)/include/arch/*.h,$(TO_INCLUDE)/$(p)/arch) &&) :
	$(Q)$(call put,$<,$(TO_LIB))
	$(Q)install -d $(DESTDIR)$(TO_PC)
	$(file >$(B)/$(PACKAGE).pc,$(call pc_file,$(PREFIX),$${prefix}/include/$(PACKAGE),$${prefix}/lib/$(PACKAGE),-I$${includedir} $(PORTS:%=-I$${includedir}/%)))
	$(Q)$(call put,$(B)/$(PACKAGE).pc,$(TO_PC))

.PHONY: install
install: ## headers, archives, pkg-config files: DESTDIR= PREFIX=/usr/local (ARCH= only one)
	@tools/deps install
	@+$(foreach a,$(INSTALL_ARCHES),$(MAKE) $(parallel) ARCH=$(a) install-arch &&) :
	$(call say,INSTALL,$(DESTDIR)$(TO_SHARE))$(foreach f,$(SHARED_SOURCES),install -D -m 644 $(f) $(DESTDIR)$(TO_SHARE)/$(f) &&) :

.PHONY: uninstall
uninstall: ## take away what install put there
	$(foreach a,$(INSTALL_ARCHES),rm -rf $(DESTDIR)$(PREFIX)/include/quarry-$(a)$(split) \
		$(DESTDIR)$(PREFIX)/lib/quarry-$(a)$(split) $(DESTDIR)$(TO_PC)/quarry-$(a)$(split).pc &&) :
	$(if $(filter file,$(origin ARCH)),rm -rf $(DESTDIR)$(TO_SHARE))
