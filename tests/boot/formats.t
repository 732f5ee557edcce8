#!/bin/bash
# The reports have the shape of Linux 6.12's /proc files: each line, its names, columns and widths.
#
#	tests/boot/formats.t		boot a machine and look at its reports
#	tests/boot/formats.t DIR	look at DIR/meminfo, DIR/buddyinfo ... : a Linux's own, say
. "$(dirname "$0")/lib.sh"

n='[ 0-9]{5}[0-9]'	# %6lu
label='[ A-Za-z0-9]{8}'	# %8s
symbol='[A-Za-z0-9_.]+\+0x[0-9a-f]+(/0x[0-9a-f]+)?'
digits='[0-9]+'

# What each line must be, one of these.
shape_meminfo="^[A-Z][A-Za-z()_0-9]*: +$digits kB$"
shape_buddyinfo="^Node $digits, zone $label ($n ){11}$"
shape_pagetypeinfo="^(Page block order: $digits|Pages per block:  $digits||\
Free pages count per migrate type at order  ($n ){11}|\
Node [ 0-9]{4}, zone $label, type [ A-Za-z]{12} ($n ){11}|\
Number of blocks type  ([ A-Za-z]{12} )+|Node $digits, zone $label ([ 0-9]{11}[0-9] )+)$"
shape_slabinfo="^(slabinfo - version: 2\.1|# name            <active_objs> <num_objs> <objsize> \
<objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> \
<num_slabs> <sharedavail>|([^ ]{18,}|[^ ]+ *) $n $n $n [ 0-9]{3}[0-9] [ 0-9]{3}[0-9] : tunables \
[ 0-9]{3}[0-9] [ 0-9]{3}[0-9] [ 0-9]{3}[0-9] : slabdata $n $n $n)$"
shape_vmallocinfo="^0x(\(ptrval\)|[0-9a-f]{8})-0x(\(ptrval\)|[0-9a-f]{8}) [ 0-9]{6}[0-9]+ $symbol\
( pages=$digits)?( phys=0x[0-9a-f]{8})?( ioremap)?( vmalloc)?( vmap)?( user)?$"
shape_vmstat="^[a-z0-9_]+ $digits$"
shape_zoneinfo="^(Node $digits, zone $label|  per-node stats|  pages free     $digits|\
        (boost|min|low|high|promo|spanned|present|managed|cma) +$digits|        protection: \($digits(, $digits)*\)|\
      [a-z_]+ +$digits|  pagesets|    cpu: $digits|              (count|high|batch): +$digits|\
  vm stats threshold: $digits|  node_unreclaimable:  $digits|  start_pfn:           $digits)$"

# The names of a report's fields, in their order.
names_meminfo='MemTotal MemFree MemAvailable Buffers Cached SwapCached Active Inactive Active(anon)
	Inactive(anon) Active(file) Inactive(file) Unevictable Mlocked HighTotal HighFree LowTotal LowFree
	SwapTotal SwapFree Dirty Writeback AnonPages Mapped Shmem KReclaimable Slab SReclaimable SUnreclaim
	KernelStack PageTables SecPageTables NFS_Unstable Bounce WritebackTmp CommitLimit Committed_AS
	VmallocTotal VmallocUsed VmallocChunk Percpu AnonHugePages DirectMap4k DirectMap4M'
names_zone='boost min low high promo spanned present managed cma protection nr_free_pages
	nr_zone_inactive_anon nr_zone_active_anon nr_zone_inactive_file nr_zone_active_file
	nr_zone_unevictable nr_zone_write_pending nr_mlock nr_bounce nr_free_cma'
names_node='nr_inactive_anon nr_active_anon nr_inactive_file nr_active_file nr_unevictable
	nr_slab_reclaimable nr_slab_unreclaimable nr_isolated_anon nr_isolated_file workingset_nodes
	workingset_refault_anon workingset_refault_file workingset_activate_anon workingset_activate_file
	workingset_restore_anon workingset_restore_file workingset_nodereclaim nr_anon_pages nr_mapped
	nr_file_pages nr_dirty nr_writeback nr_writeback_temp nr_shmem nr_shmem_hugepages nr_shmem_pmdmapped
	nr_file_hugepages nr_file_pmdmapped nr_anon_transparent_hugepages nr_vmscan_write
	nr_vmscan_immediate_reclaim nr_dirtied nr_written nr_throttled_written nr_kernel_misc_reclaimable
	nr_foll_pin_acquired nr_foll_pin_released nr_kernel_stack nr_page_table_pages
	nr_sec_page_table_pages pgdemote_kswapd pgdemote_direct pgdemote_khugepaged'
names_vmstat='nr_free_pages nr_zone_inactive_anon nr_zone_active_anon nr_zone_inactive_file nr_zone_active_file
	nr_zone_unevictable nr_zone_write_pending nr_mlock nr_bounce nr_free_cma '$names_node'
	nr_dirty_threshold nr_dirty_background_threshold nr_memmap_pages nr_memmap_boot_pages
	pgpgin pgpgout pswpin pswpout pgalloc_normal pgalloc_high pgalloc_movable allocstall_normal
	allocstall_high allocstall_movable pgskip_normal pgskip_high pgskip_movable pgfree pgactivate
	pgdeactivate pglazyfree pgfault pgmajfault pglazyfreed pgrefill pgreuse pgsteal_kswapd pgsteal_direct
	pgsteal_khugepaged pgscan_kswapd pgscan_direct pgscan_khugepaged pgscan_direct_throttle pgscan_anon
	pgscan_file pgsteal_anon pgsteal_file pginodesteal slabs_scanned kswapd_inodesteal
	kswapd_low_wmark_hit_quickly kswapd_high_wmark_hit_quickly pageoutrun pgrotated drop_pagecache
	drop_slab oom_kill pgmigrate_success pgmigrate_fail thp_migration_success thp_migration_fail
	thp_migration_split compact_migrate_scanned compact_free_scanned compact_isolated compact_stall
	compact_fail compact_success compact_daemon_wake compact_daemon_migrate_scanned
	compact_daemon_free_scanned unevictable_pgs_culled unevictable_pgs_scanned unevictable_pgs_rescued
	unevictable_pgs_mlocked unevictable_pgs_munlocked unevictable_pgs_cleared unevictable_pgs_stranded
	direct_map_level2_splits direct_map_level3_splits nr_unstable'

# shaped REPORT: its lines all match, and there are some
shaped() {
	local shape=shape_$1 bad
	bad=$(grep -nvE -e "${!shape}" "$dir/$1")
	[ -s "$dir/$1" ] && [ -z "$bad" ]
	result "D6 $1: each line has Linux's shape" || true
	[ -z "$bad" ] || head -n 5 <<<"$bad" | sed 's/^/# /'
}

same_words() { [ "$(echo $1)" = "$(echo $2)" ]; }

dir=${1:-}
log=$dir/meminfo status=0
if [ -z "$dir" ]; then
	dir=build/boot/formats
	mkdir -p "$dir"
	reports='meminfo buddyinfo pagetypeinfo zoneinfo vmstat slabinfo vmallocinfo'
	boot 1G "vmalloc 64K; vmalloc 16M; kmalloc 100; run hello; ${reports// /; }; poweroff"
	left_with 0 "D6 a machine tells all its reports"
	for r in $reports; do
		sed -n "/^quarry> $r\$/,/^quarry> /p" "$log" | grep -vE '^(quarry> )' >"$dir/$r"
	done
fi
for r in meminfo buddyinfo pagetypeinfo zoneinfo vmstat slabinfo vmallocinfo; do shaped "$r"; done

same_words "$names_meminfo" "$(cut -d: -f1 "$dir/meminfo")"
result "D6 meminfo: Linux's names in Linux's order"
[ "$(awk '{ print length }' "$dir/meminfo" | sort -u)" = 27 ]
result "D6 meminfo: all lines are 27 columns wide"
first=$(awk '/pages free/ { exit } !/per-node|^Node/ { print $1 }' "$dir/zoneinfo")
# without the zone that only some Linuxes have, and our own names behind the last
same_words "$names_vmstat" "$(awk '!/_dma(32)? / { print $1 } /^nr_unstable/ { exit }' "$dir/vmstat")"
result "D6 vmstat: Linux's names in Linux's order"
same_words "$names_node" "$first"
result "D6 zoneinfo: a node's names in Linux's order"
zone=$(awk '/pages free/ { on++; next } /pagesets/ { exit } on { sub(":", "", $1); print $1 }' "$dir/zoneinfo")
same_words "$names_zone" "$zone"
result "D6 zoneinfo: a zone's names in Linux's order"
plan
