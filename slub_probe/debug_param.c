// SPDX-License-Identifier: GPL-2.0
/*
 * slab_debug: which of a machine's caches are debugged, and how, in one line of text.
 *
 *	FZPU			all caches: checks, red zones, poison, who has each object
 *	Z,pearls,kmalloc-*	red zones for these
 *	F;ZP,pearls		red zones and poison for one, checks for all others
 *	-;FZ,pearls		none but one
 *
 * The letters: F SLAB_CONSISTENCY_CHECKS, Z SLAB_RED_ZONE, P SLAB_POISON, U SLAB_STORE_USER,
 * T SLAB_TRACE, O: not where that would need larger slabs, -: none.
 *
 * Kernel counterpart: parse_slub_debug_flags() and kmem_cache_flags() in mm/slub.c, the
 * format of its boot parameter. Differences: an unknown letter is an error; A, failing
 * allocations, is not one of them: the lab has mml_fail_nth(); a pattern may have its * and
 * ? anywhere.
 *
 * Locking: none; the text is constant once the machine is made.
 */
#include <kunit/visibility.h>
#include <linux/errno.h>
#include <linux/glob.h>
#include <linux/string.h>

#include "slub_probe/debug.h"

static const struct {
	char letter;
	slab_flags_t flags;
} mml_slab_debug_letters[] = {
	{ 'F', SLAB_CONSISTENCY_CHECKS },
	{ 'Z', SLAB_RED_ZONE },
	{ 'P', SLAB_POISON },
	{ 'U', SLAB_STORE_USER },
	{ 'T', SLAB_TRACE },
	{ '-', 0 },
	{ 'O', 0 },
};

/**
 * struct mml_slab_debug_block - a part of the text, up to a semicolon
 * @flags: what its letters say
 * @no_higher_order: O is one of them
 * @patterns: of names, after a comma; NULL: it is for all others
 * @end: where it ends
 */
struct mml_slab_debug_block {
	slab_flags_t flags;
	bool no_higher_order;
	const char *patterns;
	const char *end;
};

/* Returns: 0; -EINVAL if there is a letter that is none. */
static int mml_parse_slab_debug(const char *text, struct mml_slab_debug_block *block)
{
	unsigned int i;

	*block = (struct mml_slab_debug_block){ .end = strchrnul(text, ';') };
	for (; text < block->end && *text != ','; text++) {
		for (i = 0; mml_slab_debug_letters[i].letter != *text; i++)
			if (i == ARRAY_SIZE(mml_slab_debug_letters) - 1)
				return -EINVAL;
		block->flags |= mml_slab_debug_letters[i].flags;
		block->no_higher_order |= *text == 'O';
	}
	if (*text == ',')
		block->patterns = text + 1;
	return 0;
}

/* Is @name one of those that the block is for? */
static bool mml_slab_debug_names(const struct mml_slab_debug_block *block, const char *name)
{
	char pattern[MML_SLAB_DEBUG_LEN];
	const char *at, *end;

	for (at = block->patterns; at < block->end; at = end + 1) {
		for (end = at; end < block->end && *end != ','; )
			end++;
		strscpy(pattern, at, end - at + 1);
		if (glob_match(pattern, name))
			return true;
	}
	return false;
}

/* Can it be read? Returns: 0 or -EINVAL. */
int mml_slab_debug_check(const char *text)
{
	struct mml_slab_debug_block block;

	for (; *text; text = *block.end ? block.end + 1 : block.end)
		if (mml_parse_slab_debug(text, &block))
			return -EINVAL;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mml_slab_debug_check);

/*
 * What a machine's text, which can be read, says of a cache of this name. A block that names
 * it comes before one for all. Returns: its flags; *@no_higher_order: see above.
 */
slab_flags_t mml_slab_debug_flags(const char *text, const char *name,
				  bool *no_higher_order)
{
	struct mml_slab_debug_block block, found = {};

	for (; *text; text = *block.end ? block.end + 1 : block.end) {
		mml_parse_slab_debug(text, &block);
		if (!block.patterns)
			found = block;
		if (!block.patterns || !mml_slab_debug_names(&block, name))
			continue;
		found = block;
		break;
	}
	*no_higher_order = found.no_higher_order;
	return found.flags;
}
EXPORT_SYMBOL_IF_KUNIT(mml_slab_debug_flags);
