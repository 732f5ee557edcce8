/* SPDX-License-Identifier: MIT */
/*
 * gfp.c: allocation masks, checked and put into words.
 */
#include <quarry/gfp.h>
#include <quarry/printf.h>
#include <quarry/zone.h>

static const struct gfp_name {
	gfp_t mask;
	const char *name;
} gfp_names[] = {
	/* composites first, the largest first, so that the longest match wins */
	{ GFP_HIGHUSER_MOVABLE, "GFP_HIGHUSER_MOVABLE" },
	{ GFP_HIGHUSER, "GFP_HIGHUSER" },
	{ GFP_USER, "GFP_USER" },
	{ GFP_KERNEL, "GFP_KERNEL" },
	{ GFP_NOFS, "GFP_NOFS" },
	{ GFP_ATOMIC, "GFP_ATOMIC" },
	{ GFP_NOIO, "GFP_NOIO" },
	{ GFP_NOWAIT, "GFP_NOWAIT" },
	{ __GFP_DMA, "__GFP_DMA" },
	{ __GFP_HIGHMEM, "__GFP_HIGHMEM" },
	{ __GFP_DMA32, "__GFP_DMA32" },
	{ __GFP_MOVABLE, "__GFP_MOVABLE" },
	{ __GFP_WAIT, "__GFP_WAIT" },
	{ __GFP_IO, "__GFP_IO" },
	{ __GFP_FS, "__GFP_FS" },
	{ __GFP_HIGH, "__GFP_HIGH" },
	{ __GFP_ZERO, "__GFP_ZERO" },
	{ __GFP_NOWARN, "__GFP_NOWARN" },
	{ __GFP_NORETRY, "__GFP_NORETRY" },
	{ __GFP_RETRY_MAYFAIL, "__GFP_RETRY_MAYFAIL" },
	{ __GFP_NOFAIL, "__GFP_NOFAIL" },
	{ __GFP_COMP, "__GFP_COMP" },
	{ __GFP_MEMALLOC, "__GFP_MEMALLOC" },
	{ __GFP_NOMEMALLOC, "__GFP_NOMEMALLOC" },
	{ __GFP_RECLAIMABLE, "__GFP_RECLAIMABLE" },
	{ __GFP_ACCOUNT, "__GFP_ACCOUNT" },
	{ __GFP_THISNODE, "__GFP_THISNODE" },
	{ __GFP_HARDWALL, "__GFP_HARDWALL" },
};

const char *gfp_contradiction(gfp_t gfp)
{
	gfp_t where = gfp & GFP_ZONEMASK;

	if (gfp & ~__GFP_BITS_MASK)
		return "unknown bits";
	if (where & (where - 1))
		return "more than one of __GFP_DMA, __GFP_DMA32, __GFP_HIGHMEM";
	if ((gfp & GFP_MOVABLE_MASK) == GFP_MOVABLE_MASK)
		return "__GFP_MOVABLE with __GFP_RECLAIMABLE";
	if ((gfp & (__GFP_NOFAIL | __GFP_WAIT)) == __GFP_NOFAIL)
		return "__GFP_NOFAIL without __GFP_WAIT: it could not wait";
	if (gfp & __GFP_NOFAIL && gfp & (__GFP_NORETRY | __GFP_RETRY_MAYFAIL))
		return "__GFP_NOFAIL with __GFP_NORETRY or __GFP_RETRY_MAYFAIL";
	if (gfp & __GFP_NORETRY && gfp & __GFP_RETRY_MAYFAIL)
		return "__GFP_NORETRY with __GFP_RETRY_MAYFAIL";
	if (gfp & __GFP_MEMALLOC && gfp & __GFP_NOMEMALLOC)
		return "__GFP_MEMALLOC with __GFP_NOMEMALLOC";
	return NULL;
}

/* Append "|name"; what does not fit is cut. */
static size_t append(char *buf, size_t len, size_t at, const char *name)
{
	int n = mm_snprintf(buf + at, len - at, "%s%s", at ? "|" : "", name);

	return min(at + (size_t)n, len - 1);
}

char *gfp_format(char *buf, size_t len, gfp_t gfp)
{
	char hex[16];
	size_t at = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(gfp_names); i++) {
		if ((gfp & gfp_names[i].mask) != gfp_names[i].mask)
			continue;
		at = append(buf, len, at, gfp_names[i].name);
		gfp &= ~gfp_names[i].mask;
	}
	if (gfp || !at) {
		mm_snprintf(hex, sizeof(hex), "0x%x", gfp);
		append(buf, len, at, hex);
	}
	return buf;
}
