# SPDX-License-Identifier: MIT
# What `make bench PEERS=1` runs: the same source for each allocator, see worker.c.
#
#	build/hosted64-lto/peer-quarry	linked with the hosted machine, as one program
#	build/hosted64-lto/peer-libc	malloc: LD_PRELOAD says whose
#	build/hosted64-lto/peer-dpdk	rte_mempool, where DPDK is installed
ifeq ($(ARCH),hosted64)

$(B)/bench/peers/quarry.o: bench/peers/worker.c bench/peers/of_quarry.h $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -DALLOCATOR='"of_quarry.h"' -c -o $@ $<

$(B)/peer-quarry: $(B)/bench/peers/quarry.o $(UNIT_MACHINE) $(B)/libkernel.a $(B)/libquarry.a
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(B)/libkernel.a $(B)/libquarry.a $(B)/libkernel.a

$(B)/peer-libc: bench/peers/worker.c bench/peers/of_libc.h $(B)/flags
	$(call say,LD,$@)$(CC) $(BASE_CFLAGS) $(OPTIMIZE) -D_GNU_SOURCE -fno-builtin -pthread -DALLOCATOR='"of_libc.h"' -o $@ $<

$(B)/peer-dpdk: bench/peers/worker.c bench/peers/of_dpdk.h $(B)/flags
	$(call say,LD,$@)$(CC) -std=gnu17 $(OPTIMIZE) -g -Wall $$(pkg-config --cflags libdpdk) -D_GNU_SOURCE -pthread \
		-DALLOCATOR='"of_dpdk.h"' -o $@ $< -lrte_eal -lrte_mempool -lrte_ring

.PHONY: peers
peers: $(addprefix $(B)/peer-,quarry libc dpdk)

-include $(B)/bench/peers/quarry.d
endif
