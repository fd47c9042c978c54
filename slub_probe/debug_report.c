// SPDX-License-Identifier: GPL-2.0
/*
 * What is wrong with an object, in the kernel log: in the form that the kernel's own
 * allocator has for it, for people who know that and tools that read it.
 *
 *	=============================================================================
 *	BUG pearls (machine 0): Right Redzone overwritten
 *	-----------------------------------------------------------------------------
 *
 *	0x27388-0x27388 @offset=904. First byte 0x41 instead of 0xcc
 *	Allocated in necklace_new+0x1c/0x40 age=3 cpu=0 pid=77
 *	 …the stack…
 *	Slab 0x27000 objects=16 used=1 fp=0x27400
 *	Object 0x27340 @offset=832 fp=0x27400
 *
 *	Redzone  00027338: cc cc cc cc cc cc cc cc                          ........
 *	Object   00027340: …
 *
 * Kernel counterpart: print_trailer(), object_err(), slab_err(), slab_fix() and
 * print_tracking() in mm/slub.c. Differences: addresses are the machine's, its first frame
 * at 0, for the kernel's are nobody's business (what is in an object is told as it is); a rate
 * limit, no more than 512 bytes of a section, and a count (mml_report()).
 *
 * Locking: the list_lock of the slab's node is held.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/printk.h>

#include "mm_lab/stack.h"
#include "slub_probe/debug.h"

/* As the kernel's: without the module's name before each line. */
#undef pr_fmt
#define pr_fmt(fmt)	fmt

#define MML_DUMP_ROW	16
/* Of a section, so much is told: interrupts are off. */
#define MML_DUMP_MAX	512U

static unsigned long mml_slab_offset(const struct mml_kmem_cache *s, struct mml_slab *slab,
				     const void *where)
{
	return where - mml_slab_address(s, slab);
}

static void mml_print_section(const struct mml_kmem_cache *s, const char *title,
			      const u8 *from, unsigned int length)
{
	char row[MML_DUMP_ROW * 3 + 2 + MML_DUMP_ROW + 1];
	unsigned int done;

	length = min(length, MML_DUMP_MAX);
	for (done = 0; done < length; done += MML_DUMP_ROW) {
		hex_dump_to_buffer(from + done, min(length - done, MML_DUMP_ROW),
				   MML_DUMP_ROW, 1, row, sizeof(row), true);
		pr_err("%s%08lx: %s\n", title, mml_lab_address(s->machine, from + done), row);
	}
}

static void mml_print_track(const struct mml_kmem_cache *s, const char *what,
			    const struct mml_track *track)
{
	char symbol[MML_SYMBOL_LEN];

	if (!track->addr)
		return;
	pr_err("%s in %s age=%lu cpu=%d pid=%d\n", what,
	       mml_symbol(symbol, sizeof(symbol), track->addr),
	       nsecs_to_jiffies(mml_clock(s->machine) - track->when), track->cpu, track->pid);
	mml_show_stack(NULL, track->handle, "  ");
}

/* Who has or had the object, as far as that is kept. */
void mml_print_tracking(struct mml_kmem_cache *s, void *object)
{
	const struct mml_object_info *info = mml_object_info(s, object);

	if (!(s->flags & SLAB_STORE_USER))
		return;
	mml_print_track(s, "Allocated", &info->track[MML_TRACK_ALLOC]);
	mml_print_track(s, "Freed", &info->track[MML_TRACK_FREE]);
}

/* Its link, as an address of the machine; 0: it has none, or one that leads out of its slab. */
static unsigned long mml_shown_link(struct mml_kmem_cache *s, void *object)
{
	void *next = mml_get_freepointer(s, object);

	return next && mml_freepointer_ok(s, object, next) ? mml_lab_address(s->machine, next) : 0;
}

static void mml_print_slab_info(struct mml_kmem_cache *s, struct mml_slab *slab)
{
	union mml_slab_counters now = mml_slab_counters(slab);
	void *first = now.freelist <= now.objects ? mml_object_at(s, slab, now.freelist) : NULL;

	pr_err("Slab 0x%lx objects=%u used=%u fp=0x%lx\n",
	       mml_lab_address(s->machine, mml_slab_address(s, slab)), now.objects, now.inuse,
	       first ? mml_lab_address(s->machine, first) : 0);
}

static void mml_print_trailer(struct mml_kmem_cache *s, struct mml_slab *slab, u8 *object)
{
	unsigned long offset = mml_slab_offset(s, slab, object);
	unsigned int info_end = s->info + mml_info_size(s->flags);

	mml_print_tracking(s, object);
	mml_print_slab_info(s, slab);
	pr_err("Object 0x%lx @offset=%lu fp=0x%lx\n\n", mml_lab_address(s->machine, object), offset,
	       mml_shown_link(s, object));
	if (s->flags & SLAB_RED_ZONE)
		mml_print_section(s, "Redzone  ", object - s->red_left_pad, s->red_left_pad);
	else if (offset > 16)
		mml_print_section(s, "Bytes b4 ", object - 16, 16);
	mml_print_section(s, "Object   ", object, s->object_size);
	if (s->flags & SLAB_RED_ZONE)
		mml_print_section(s, "Redzone  ", object + s->object_size,
				  s->inuse - s->object_size);
	if (info_end < mml_size_from_object(s))
		mml_print_section(s, "Padding  ", object + info_end,
				  mml_size_from_object(s) - info_end);
	dump_stack();
}

/* Count it, and begin to tell it. Returns: whether it is to be told. */
static __printf(2, 3) bool mml_begin_err(struct mml_kmem_cache *s, const char *fmt, ...)
{
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	if (!mml_report_begin(s->machine))
		return false;
	va_start(args, fmt);
	vaf.va = &args;
	pr_err("=============================================================================\n");
	pr_err("BUG %s (machine %u): %pV\n", s->name, s->machine->id, &vaf);
	pr_err("-----------------------------------------------------------------------------\n\n");
	va_end(args);
	return true;
}

/* Something is wrong with an object. Returns: whether it was told. */
bool mml_object_err(struct mml_kmem_cache *s, struct mml_slab *slab, void *object,
		    const char *what)
{
	if (!mml_begin_err(s, "%s", what))
		return false;
	mml_print_trailer(s, slab, object);
	return true;
}

/* Something is wrong with a slab, or with what is said to be an object of it: @what, 0x@value. */
bool mml_slab_err(struct mml_kmem_cache *s, struct mml_slab *slab, const char *what,
		  unsigned long value)
{
	if (!mml_begin_err(s, "%s 0x%lx", what, value))
		return false;
	mml_print_slab_info(s, slab);
	dump_stack();
	return true;
}

/*
 * Bytes from @from up to @to, not included, of which the first one is not @value, were
 * written to; they are what they should be again. @object: to which they belong; NULL: to
 * the slab.
 */
void mml_bytes_err(struct mml_kmem_cache *s, struct mml_slab *slab, void *object,
		   const char *what, u8 *from, u8 *to, u8 value)
{
	unsigned long first = mml_lab_address(s->machine, from), last = mml_lab_address(s->machine, to - 1);
	bool told = mml_begin_err(s, "%s overwritten", what);

	if (told) {
		pr_err("0x%lx-0x%lx @offset=%lu. First byte 0x%x instead of 0x%x\n", first,
		       last, mml_slab_offset(s, slab, from), *from, value);
		if (object)
			mml_print_trailer(s, slab, object);
		else
			mml_print_section(s, "Padding  ", from, to - from);
	}
	memset(from, value, to - from);
	if (told)
		mml_slab_fix(s, "Restoring %s 0x%lx-0x%lx=0x%x", what, first, last, value);
}

/* What has been done about what was just told. */
void mml_slab_fix(const struct mml_kmem_cache *s, const char *fmt, ...)
{
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	va_start(args, fmt);
	vaf.va = &args;
	pr_err("FIX %s: %pV\n\n", s->name, &vaf);
	va_end(args);
}

/* SLAB_TRACE: each object that comes and goes. */
void mml_trace_object(struct mml_kmem_cache *s, struct mml_slab *slab, void *object,
		      bool alloc)
{
	union mml_slab_counters now = mml_slab_counters(slab);

	if (!(s->flags & SLAB_TRACE))
		return;
	pr_info("TRACE %s %s 0x%lx inuse=%u fp=0x%lx\n", s->name, alloc ? "alloc" : "free",
		mml_lab_address(s->machine, object), now.inuse, mml_shown_link(s, object));
	if (!alloc)
		mml_print_section(s, "Object   ", object, s->object_size);
	dump_stack();
}
