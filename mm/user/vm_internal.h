/* SPDX-License-Identifier: MIT */
/*
 * vm_internal.h: areas; between vm.c and fault.c only.
 */
#ifndef MM_USER_VM_INTERNAL_H
#define MM_USER_VM_INTERNAL_H

#include <quarry/vm.h>
#include <quarry/zone.h>

/** vma_prev() - the area below; NULL for none.  Under mm->lock. */
struct vm_area_struct *vma_prev(struct vm_area_struct *vma);

/** vma_stat_item() - what a frame of this area counts as. */
static inline enum zone_stat_item vma_stat_item(const struct vm_area_struct *vma)
{
	return vma->vm_ops ? NR_FILE_PAGES : NR_ANON_PAGES;
}

#endif
