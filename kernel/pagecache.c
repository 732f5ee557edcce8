/* SPDX-License-Identifier: MIT */
/*
 * pagecache.c: what is read of a program's file stays in memory, until memory is short.
 *
 *	file --> image: page[0] page[1]  -    page[3] ...	by index
 *	                  |       |             |
 *	lru     newest  frame <-> frame <-> ... frame  oldest	of all files
 *	                  ^  ^
 *	                  |  '--- text of hello[7]
 *	                  '------ text of hello[9]
 *
 * The files are linked into the kernel, or came with the boot: their bytes are the disk,
 * and reading is copying, but nobody else is told so.  A page is one of a program's plan
 * (loader.c): what tasks see at its address.  Tasks that may not write to it map the
 * frame itself, others get a copy.
 *
 * Each page that is there has one reference from the cache, and one from each entry
 * of a task that names it; references are taken under the lock only.  So a page whose
 * count is 1 is nobody's but the cache's, and, being the same as in the file, can go: the
 * shrinker takes the oldest, once more round the list for those that were asked for since they
 * last came by (PG_referenced).  From a page that tasks map it takes those entries first:
 * their next touch asks here again.  Whose they are the page does not know, but its image and
 * index do: tasks of that program, at one address (evict).
 *
 * Worked example: hello runs and ends: its 2 pages stay.  Runs again: 2 hits.  Memory gets
 * short: first round, the 2 lose PG_referenced; second round, they go.  Runs again: 2 reads.
 *
 * Invariants (pagecache_check):
 *	P.1  the list holds the pages that images have, each once, and their number is nr_pages
 *	P.2  a page knows its place: mapping is the image, private the index there
 *	P.3  it is in use, up to date and clean
 *	P.4  an image has at least one page
 *
 * Locking: one lock, held while a page is read, as a file system would.  So the shrinker
 * lets nobody in who must not be sent into a file system (GFP_NOFS), for he may hold it.  What is
 * read into is taken before the lock is: then that may free memory here, too.
 * Failure: -ENOMEM, nothing changed.  Cost: O(programs) to find.
 */
#include "pagecache.h"

#include "mutex.h"
#include "sched.h"
#include "task.h"

#include <quarry/highmem.h>
#include <quarry/pressure.h>
#include <quarry/report.h>
#include <quarry/shrinker.h>
#include <quarry/slab.h>
#include <quarry/zone.h>

/* A file of which pages are here. */
struct image {
	struct list_head link;
	const u8 *file;
	unsigned long nr_pages, nr_cached;
	struct page *page[];		/* nr_pages of them; NULL: not here */
};

/* What may go: all that no task maps; what nobody asked for lately, mapped or not. */
enum how { HOW_ALL, HOW_OLD };

static struct mutex lock;
static LIST_HEAD(images);
static LIST_HEAD(lru);			/* by page->lru, the newest first */
static struct pagecache_counts counts;

static inline unsigned long index_of(const struct program_area *area, unsigned long offset)
{
	return area->index + (offset >> PAGE_SHIFT);
}

/* ---- coming: all under the lock ----------------------------------------------------- */

static struct image *find_image(const struct program *p)
{
	struct image *image;

	list_for_each_entry(image, &images, link)
		if (image->file == p->file)
			return image;
	return NULL;
}

/* The page, with a reference more; NULL: it is not here. */
static struct page *find_page(const struct program *p, unsigned long index)
{
	struct image *image = find_image(p);
	struct page *page = image ? image->page[index] : NULL;

	if (page) {
		get_page(page);
		SetPageReferenced(page);
		counts.hits++;
	}
	return page;
}

/* @page, which is up to date and ours, becomes page @index of @image. */
static void enter_page(struct image *image, unsigned long index, struct page *page)
{
	page->mapping = image;
	page->private = index;
	image->page[index] = page;
	image->nr_cached++;
	list_add(&page->lru, &lru);
	counts.pages++;
	zone_stat_add(page_zone(page), NR_FILE_PAGES, 1);
}

static bool read_page(const struct program_area *area, unsigned long offset, struct page *page)
{
	void *to = kmap_local_page(page);

	if (!to)
		return false;
	program_fill_page(area->program, area->start + offset, to);
	kunmap_local(to);
	SetPageUptodate(page);
	counts.reads++;
	count_vm_event(PGMAJFAULT);
	return true;
}

/* Read into *@page, and give it to the cache and the caller.  *@image: used, if the file has none. */
static int add_page(const struct program_area *area, unsigned long offset, struct page *page, struct image **image)
{
	struct image *here = find_image(area->program);

	if (!read_page(area, offset, page))
		return -ENOMEM;
	if (!here) {
		here = *image;
		*image = NULL;
		list_add(&here->link, &images);
	}
	enter_page(here, index_of(area, offset), page);
	get_page(page);
	return 0;
}

/* ---- asking --------------------------------------------------------------------------- */

static struct image *new_image(const struct program *p)
{
	struct image *image = kzalloc(sizeof(*image) + p->nr_file_pages * sizeof(image->page[0]), GFP_KERNEL);

	if (image) {
		image->file = p->file;
		image->nr_pages = p->nr_file_pages;
	}
	return image;
}

/* Into a new frame; unless another is faster. */
static int read_in(const struct program_area *area, unsigned long offset, struct page **page)
{
	struct image *image = new_image(area->program);
	struct page *new = alloc_page(GFP_HIGHUSER_MOVABLE);
	int err = new && image ? 0 : -ENOMEM;

	if (!err) {
		mutex_lock(&lock);
		*page = find_page(area->program, index_of(area, offset));
		if (!*page) {
			*page = new;
			err = add_page(area, offset, new, &image);
		}
		mutex_unlock(&lock);
	}
	if (new && (err || *page != new))
		put_page(new);
	kfree(image);
	return err;
}

int pagecache_get(const struct program_area *area, unsigned long offset, struct page **page)
{
	mutex_lock(&lock);
	*page = find_page(area->program, index_of(area, offset));
	mutex_unlock(&lock);
	return *page ? 0 : read_in(area, offset, page);
}

/* ---- going ------------------------------------------------------------------------------ */

/* Under the lock: nobody but the cache has it. */
static void drop_page(struct page *page)
{
	struct image *image = page->mapping;

	list_del(&page->lru);
	counts.pages--;
	counts.dropped++;
	zone_stat_add(page_zone(page), NR_FILE_PAGES, -1);
	image->page[page->private] = NULL;
	page->mapping = NULL;
	page->private = 0;
	put_page(page);
	if (--image->nr_cached == 0) {
		list_del(&image->link);
		kfree(image);
	}
}

/* Where page @index of the program's file is, in its tasks; 0: nowhere. */
static unsigned long address_of(const struct program *p, unsigned long index)
{
	for (unsigned i = 0; i < p->nr_areas; i++) {
		const struct program_area *a = &p->area[i];

		if (a->from_file && index >= a->index && index - a->index < (a->end - a->start) >> PAGE_SHIFT)
			return a->start + ((index - a->index) << PAGE_SHIFT);
	}
	return 0;
}

/* The task is pinned: an address space that is there stays, and the program with it. */
static bool evict_from(struct task *t, void *arg)
{
	const struct page *page = arg;
	const struct image *image = page->mapping;
	unsigned long addr;

	if (READ_ONCE(t->mm) && t->program && t->program->file == image->file) {
		addr = address_of(t->program, page->private);
		if (addr)
			mm_forget(t->mm, addr, PAGE_SIZE);
	}
	return page_count(page) > 1;
}

/* Under the lock: take @page from all tasks.  Return: is it nobody's now? */
static bool evict(struct page *page)
{
	task_for_each(evict_from, page);
	return page_count(page) == 1;
}

/* Under the lock: may it go? */
static bool reclaimable(struct page *page, enum how how)
{
	if (how == HOW_ALL)
		return page_count(page) == 1;
	return !PageReferenced(page) && (page_count(page) == 1 || evict(page));
}

/* Under the lock: look at the @nr oldest; each goes, or becomes the newest.  Return: how many went. */
static unsigned long shrink(unsigned long nr, enum how how)
{
	unsigned long dropped = 0;

	for (nr = min(nr, counts.pages); nr; nr--) {
		struct page *page = list_entry(lru.prev, struct page, lru);
		bool goes = reclaimable(page, how);

		ClearPageReferenced(page);
		list_del(&page->lru);
		list_add(&page->lru, &lru);
		if (goes) {
			drop_page(page);
			dropped++;
		}
	}
	return dropped;
}

unsigned long pagecache_drop(void)
{
	unsigned long dropped;

	mutex_lock(&lock);
	dropped = shrink(~0UL, HOW_ALL);
	mutex_unlock(&lock);
	return dropped;
}

static unsigned long count_objects(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long pages = READ_ONCE(counts.pages);

	(void)s, (void)sc;
	return pages ? pages : SHRINK_EMPTY;
}

static unsigned long scan_objects(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long dropped;

	(void)s;
	if (!(sc->gfp_mask & __GFP_FS) || !port_can_sleep())
		return SHRINK_STOP;
	mutex_lock(&lock);
	sc->nr_scanned = min(sc->nr_to_scan, counts.pages);
	dropped = shrink(sc->nr_to_scan, HOW_OLD);
	mutex_unlock(&lock);
	return dropped;
}

static struct shrinker shrinker = {
	.count_objects = count_objects, .scan_objects = scan_objects, .seeks = DEFAULT_SEEKS, .flags = SHRINKER_PAGES,
};

void pagecache_init(void)
{
	if (register_shrinker(&shrinker, "pagecache"))
		mm_panic("no memory for the page cache's shrinker");
}

/* ---- looking ------------------------------------------------------------------------------ */

void pagecache_get_counts(struct pagecache_counts *c)
{
	mutex_lock(&lock);
	*c = counts;
	mutex_unlock(&lock);
}

static int check_image(const struct image *image)
{
	unsigned long n = 0;

	for (unsigned long i = 0; i < image->nr_pages; i++) {
		const struct page *page = image->page[i];

		if (!page)
			continue;
		n++;
		if (page->mapping != image || page->private != i)
			return 2;
		if (page_count(page) < 1 || !PageUptodate(page) || PageDirty(page))
			return 3;
	}
	return !n || n != image->nr_cached ? 4 : 0;
}

/* Under the lock. */
static int check_all(void)
{
	unsigned long listed = 0, in_images = 0;
	const struct image *image;
	const struct page *page;
	int broken = 0;

	list_for_each_entry(image, &images, link) {
		if (!broken)
			broken = check_image(image);
		in_images += image->nr_cached;
	}
	list_for_each_entry(page, &lru, lru)
		listed++;
	return listed != in_images || listed != counts.pages ? 1 : broken;
}

int pagecache_check(void)
{
	int broken;

	mutex_lock(&lock);
	broken = check_all();
	mutex_unlock(&lock);
	return broken;
}
