/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the suites of object caches share: how a cache's CPUs serve themselves, as a parameter.
 */
#ifndef _MML_KUNIT_SLUB_H
#define _MML_KUNIT_SLUB_H

#include <kunit/test.h>

#include "slub_probe/debug.h"

/**
 * struct mml_test_path - a parameter: a kind of cache
 * @name: of it
 * @path: its fast path
 * @flags: all flags that it is debugged with; 0: it is not, and has one
 */
struct mml_test_path {
	const char *name;
	enum mml_slab_path path;
	slab_flags_t flags;
};

static const struct mml_test_path mml_test_fast_paths[] __maybe_unused = {
	{ "sheaves", MML_SLAB_SHEAVES },
	{ "cpu slabs", MML_SLAB_CPU_SLABS },
};

static const struct mml_test_path mml_test_paths[] __maybe_unused = {
	{ "sheaves", MML_SLAB_SHEAVES },
	{ "cpu slabs", MML_SLAB_CPU_SLABS },
	{ "debugged", MML_SLAB_SHEAVES, SLAB_CONSISTENCY_CHECKS | MML_SLAB_METADATA_FLAGS },
};

static inline void mml_test_path_desc(const struct mml_test_path *path, char *desc)
{
	strscpy(desc, path->name, KUNIT_PARAM_DESC_SIZE);
}

/* A cache as the test's parameter says, if it has one; shared with no other. */
static inline struct mml_kmem_cache *mml_test_cache(struct kunit *test,
						    struct mml_machine *machine,
						    unsigned int size, slab_flags_t flags)
{
	const struct mml_test_path *param = test->param_value;
	struct mml_kmem_cache_args args = { .path = param ? param->path : 0 };
	struct mml_kmem_cache *s;

	s = mml_kmem_cache_create(machine, "test", size, &args, flags | SLAB_NO_MERGE |
				  (param ? param->flags : 0));
	KUNIT_ASSERT_FALSE(test, IS_ERR(s));
	return s;
}

#endif /* _MML_KUNIT_SLUB_H */
