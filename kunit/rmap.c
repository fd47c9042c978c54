// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_rmap: frames that several address spaces share. Copy-on-write, who gets a copy and
 * who keeps the frame; the counts of a frame after any tree of forks; that a walk finds all who
 * map it, wherever vmas were split, merged or moved to.
 *
 * mml_model_expect() validates: a walk from each mapped frame finds as many entries as it is
 * mapped by, and the entry it began from lies where the frame's index says.
 */
#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>

#include "kunit/model.h"
#include "mm_lab/alloc.h"

#define MML_TEST_FRAMES		1024
#define MML_TEST_FAMILY		6
#define MML_TEST_FAMILY_OPS	600
#define MML_TEST_GENERATIONS	40
#define MML_TEST_WALKED_OPS	60
/* No call allocates so often. */
#define MML_TEST_MANY_TIMES	64

#define MML_TEST_RW		(PROT_READ | PROT_WRITE)

static struct mml_page *mml_test_page(struct mml_model *model, int page)
{
	mml_pte_t pte = mml_model_pte(model, page);

	KUNIT_ASSERT_TRUE(model->test, mml_pte_present(pte) && !mml_pte_special(pte));
	return mml_pfn_to_page(model->machine, mml_pte_pfn(pte));
}

/* Who maps a frame, as a walk tells. */
struct mml_finder {
	struct mml_mm *mm[MML_TEST_FAMILY];
	unsigned long addr[MML_TEST_FAMILY];
	unsigned int nr;
	unsigned int most;
};

static bool mml_find_one(struct mml_vma *vma, unsigned long addr, void *arg)
{
	struct mml_finder *finder = arg;

	if (finder->nr < MML_TEST_FAMILY) {
		finder->mm[finder->nr] = vma->vm_mm;
		finder->addr[finder->nr] = addr;
	}
	return ++finder->nr < finder->most;
}

static void mml_find(struct mml_page *page, struct mml_finder *finder)
{
	memset(finder, 0, sizeof(*finder));
	finder->most = MML_TEST_FAMILY + 1;
	mml_rmap_walk(page, mml_find_one, finder);
}

static bool mml_found(const struct mml_finder *finder, struct mml_model *model, int page)
{
	int i;

	for (i = 0; i < min_t(int, finder->nr, MML_TEST_FAMILY); i++)
		if (finder->mm[i] == &model->mm && finder->addr[i] == mml_model_addr(page))
			return true;
	return false;
}

static void mml_expect_shared(struct mml_page *page, struct kunit *test, int by)
{
	KUNIT_EXPECT_EQ(test, atomic_read(&page->_mapcount), by);
	KUNIT_EXPECT_EQ(test, mml_page_ref_count(page), by);
}

/*
 * Copy-on-write.
 */

/* The first of two who writes gets a copy, the second keeps the frame. */
static void mml_rmap_test_cow(struct kunit *test)
{
	struct mml_model *parent = mml_model(test, MML_TEST_FRAMES), *child;
	struct mml_page *page;

	mml_model_mmap(parent, 0, 4, MML_TEST_RW, MAP_FIXED);
	mml_model_write(parent, 0, 1, 1);
	page = mml_test_page(parent, 0);
	mml_expect_shared(page, test, 1);

	child = mml_model_fork(parent);
	KUNIT_EXPECT_PTR_EQ(test, mml_test_page(child, 0), page);
	KUNIT_EXPECT_FALSE(test, mml_pte_write(mml_model_pte(parent, 0)));
	KUNIT_EXPECT_FALSE(test, mml_pte_write(mml_model_pte(child, 0)));
	mml_expect_shared(page, test, 2);
	/* Each maps one, and there is one. */
	KUNIT_EXPECT_EQ(test, atomic_long_read(&parent->mm.anon_rss), 1);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&child->mm.anon_rss), 1);
	KUNIT_EXPECT_EQ(test, mml_counter_read(&parent->family->counter), 1 + 2 * (1 + MML_MODEL_TABLES));

	mml_model_fault(child, 0, 0);
	mml_model_fault(child, 0, MML_FAULT_WRITE);
	KUNIT_EXPECT_PTR_NE(test, mml_test_page(child, 0), page);
	KUNIT_EXPECT_TRUE(test, mml_pte_write(child->tlb[0]));
	mml_expect_shared(page, test, 1);
	mml_expect_shared(mml_test_page(child, 0), test, 1);
	mml_model_expect(child);
	mml_model_write(child, 0, 1, 2);
	mml_model_expect(parent);

	mml_model_fault(parent, 0, MML_FAULT_WRITE);
	KUNIT_EXPECT_PTR_EQ(test, mml_test_page(parent, 0), page);
	mml_model_expect(parent);
}

/* Who is left alone keeps the frame: the others have exited, unmapped it, or let it go. */
static void mml_rmap_test_reuse(struct kunit *test)
{
	struct mml_model *parent = mml_model(test, MML_TEST_FRAMES);
	struct mml_model *child, *unmapper, *quitter;
	struct mml_page *page;

	mml_model_mmap(parent, 0, 2, MML_TEST_RW, MAP_FIXED);
	mml_model_write(parent, 0, 1, 1);
	page = mml_test_page(parent, 0);
	child = mml_model_fork(parent);
	unmapper = mml_model_fork(child);
	quitter = mml_model_fork(parent);
	mml_expect_shared(page, test, 4);

	mml_model_exit(quitter);
	mml_expect_shared(page, test, 3);
	mml_model_munmap(unmapper, 0, 2);
	mml_expect_shared(page, test, 2);
	mml_model_dontneed(parent, 0, 1);
	mml_expect_shared(page, test, 1);
	mml_model_fault(child, 0, MML_FAULT_WRITE);
	KUNIT_EXPECT_PTR_EQ(test, mml_test_page(child, 0), page);
	mml_model_expect(child);
	mml_model_fault(parent, 0, 0);
	mml_model_expect(parent);
}

/* The zero page is nobody's: not shared, not counted, not even copied. */
static void mml_rmap_test_zero_page(struct kunit *test)
{
	struct mml_model *parent = mml_model(test, MML_TEST_FRAMES), *child;

	mml_model_mmap(parent, 0, 4, MML_TEST_RW, MAP_FIXED);
	mml_model_mmap(parent, 8, 4, MML_TEST_RW, MAP_FIXED);
	mml_model_fault(parent, 0, 0);
	mml_model_fault(parent, 1, 0);
	mml_model_write(parent, 2, 1, 1);
	mml_model_fault(parent, 8, 0);
	child = mml_model_fork(parent);
	KUNIT_EXPECT_TRUE(test, mml_pte_special(mml_model_pte(child, 0)));
	/* Of a vma in which nothing was written, the child finds it by itself. */
	KUNIT_EXPECT_FALSE(test, mml_pte_present(mml_model_pte(child, 8)));
	KUNIT_EXPECT_EQ(test, atomic_long_read(&child->mm.anon_rss), 1);
	mml_model_write(child, 0, 1, 2);
	mml_model_write(parent, 1, 1, 3);
	mml_model_expect(child);
	mml_model_expect(parent);
}

/* Rights come and go without a copy, where there is nobody else. */
static void mml_rmap_test_mprotect_keeps(struct kunit *test)
{
	struct mml_model *parent = mml_model(test, MML_TEST_FRAMES), *child;
	struct mml_page *page;

	mml_model_mmap(parent, 0, 2, MML_TEST_RW, MAP_FIXED);
	mml_model_write(parent, 0, 2, 1);
	child = mml_model_fork(parent);
	mml_model_mprotect(child, 0, 2, PROT_READ);
	mml_model_mprotect(child, 0, 2, MML_TEST_RW);
	/* Two map it: to be allowed is not to be alone. */
	mml_model_write(child, 0, 1, 2);
	mml_model_expect(parent);
	page = mml_test_page(child, 0);
	mml_model_mprotect(child, 0, 2, PROT_READ);
	mml_model_mprotect(child, 0, 2, MML_TEST_RW);
	mml_model_write(child, 0, 1, 3);
	KUNIT_EXPECT_PTR_EQ(test, mml_test_page(child, 0), page);
}

/* What is to be wiped, or not to be copied, is not shared. */
static void mml_rmap_test_not_forked(struct kunit *test)
{
	struct mml_model *parent = mml_model(test, MML_TEST_FRAMES), *child;

	mml_model_mmap(parent, 0, 4, MML_TEST_RW, MAP_FIXED);
	mml_model_mmap(parent, 8, 4, MML_TEST_RW, MAP_FIXED);
	mml_model_write(parent, 0, 4, 1);
	mml_model_write(parent, 8, 4, 2);
	KUNIT_EXPECT_EQ(test, 0, mml_madvise(&parent->mm, mml_model_addr(0), 4 * PAGE_SIZE,
					     MADV_WIPEONFORK));
	KUNIT_EXPECT_EQ(test, 0, mml_madvise(&parent->mm, mml_model_addr(8), 4 * PAGE_SIZE,
					     MADV_DONTFORK));
	child = mml_model_child(parent);
	KUNIT_ASSERT_EQ(test, 0, mml_dup_mmap(&child->mm, &parent->mm));
	KUNIT_EXPECT_EQ(test, child->mm.map_count, 1);
	KUNIT_EXPECT_EQ(test, mml_counter_read(&child->counter), 0);
	mml_expect_shared(mml_test_page(parent, 0), test, 1);
	mml_expect_shared(mml_test_page(parent, 8), test, 1);
}

/* Every allocation of a copy fails once; nothing changes, and then it is tried again. */
static void mml_rmap_test_cow_starved(struct kunit *test)
{
	enum mml_fault_result result = MML_FAULT_OOM;
	struct mml_model *parent = mml_model(test, MML_TEST_FRAMES);
	int nth;

	mml_model_mmap(parent, 0, 1, MML_TEST_RW, MAP_FIXED);
	mml_model_write(parent, 0, 1, 1);
	for (nth = 1; result != MML_FAULT_DONE && nth < MML_TEST_MANY_TIMES; nth++) {
		struct mml_model *child = mml_model_fork(parent);
		struct mml_page *page = mml_test_page(parent, 0);
		struct mml_fault fault = {
			.address = mml_model_addr(0),
			.flags = MML_FAULT_WRITE,
			.gfp = GFP_KERNEL,
			.window = child,
		};

		mml_fail_nth(parent->machine, nth);
		result = mml_handle_mm_fault(&child->mm, &fault);
		mml_fail_nth(parent->machine, 0);
		mml_model_expect(child);
		if (result != MML_FAULT_DONE) {
			KUNIT_EXPECT_EQ(test, result, MML_FAULT_OOM);
			KUNIT_EXPECT_PTR_EQ(test, mml_test_page(child, 0), page);
			mml_expect_shared(page, test, 2);
		}
		mml_model_exit(child);
		mml_expect_shared(page, test, 1);
	}
	KUNIT_EXPECT_EQ(test, result, MML_FAULT_DONE);
	KUNIT_EXPECT_GT(test, nth, 2);
}

/* A session's limit is for what it maps, shared or not. */
static void mml_rmap_test_limit(struct kunit *test)
{
	const int tables = 1 + MML_MODEL_TABLES, pages = 8;
	struct mml_model *parent = mml_model(test, MML_TEST_FRAMES), *child;

	mml_model_mmap(parent, 0, 16, MML_TEST_RW, MAP_FIXED);
	mml_model_write(parent, 0, pages, 1);
	child = mml_model_child(parent);
	child->counter.max = tables + pages - 1;
	KUNIT_EXPECT_EQ(test, -ENOMEM, mml_dup_mmap(&child->mm, &parent->mm));
	mml_model_exit(child);
	KUNIT_EXPECT_EQ(test, mml_counter_read(&parent->family->counter), tables + pages);

	child = mml_model_child(parent);
	child->counter.max = tables + pages;
	KUNIT_EXPECT_EQ(test, 0, mml_dup_mmap(&child->mm, &parent->mm));
	KUNIT_EXPECT_EQ(test, mml_counter_read(&child->counter), tables + pages);
	KUNIT_EXPECT_EQ(test, mml_counter_read(&parent->family->counter), 2 * tables + pages);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&parent->family->common.nr_anon), pages);
	memcpy(child->page, parent->page, sizeof(child->page));
	memcpy(child->tag, parent->tag, sizeof(child->tag));
	/* At its limit it can write to all that it has, which makes nothing more of it. */
	mml_model_write(child, 0, pages, 2);
	KUNIT_EXPECT_EQ(test, mml_counter_read(&child->counter), tables + pages);
	KUNIT_EXPECT_EQ(test, mml_counter_read(&parent->family->counter), 2 * (tables + pages));
	KUNIT_EXPECT_EQ(test, atomic_long_read(&parent->family->common.nr_anon), 2 * pages);
	mml_model_write(parent, 0, pages, 3);
	mml_model_exit(parent);
	KUNIT_EXPECT_EQ(test, mml_counter_read(&child->counter), tables + pages);
	KUNIT_EXPECT_EQ(test, mml_counter_read(&child->family->counter), tables + pages);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&child->family->common.nr_anon), pages);
}

/* When there is no frame for a copy, and the others go, the frame is one's own. */
static void mml_rmap_test_no_frame_for_a_copy(struct kunit *test)
{
	struct mml_model *parent = mml_model(test, MML_TEST_FRAMES), *child;
	struct mml_fault fault = {
		.address = mml_model_addr(0),
		.flags = MML_FAULT_WRITE,
		.gfp = GFP_KERNEL,
	};
	struct mml_page *page;

	mml_model_mmap(parent, 0, 4, MML_TEST_RW, MAP_FIXED);
	mml_model_write(parent, 0, 4, 1);
	page = mml_test_page(parent, 0);
	child = mml_model_fork(parent);
	parent->family->counter.max = mml_counter_read(&parent->family->counter);
	KUNIT_EXPECT_EQ(test, mml_handle_mm_fault(&child->mm, &fault), MML_FAULT_OOM);
	mml_expect_shared(page, test, 2);
	mml_model_expect(child);
	mml_model_expect(parent);
	mml_model_munmap(parent, 0, 1);
	KUNIT_EXPECT_EQ(test, mml_handle_mm_fault(&child->mm, &fault), MML_FAULT_DONE);
	mml_expect_shared(page, test, 1);
	mml_model_expect(child);
	mml_model_expect(parent);
}

/*
 * Walks.
 */

/* A walk finds each of a family, at the address where it has the page now. */
static void mml_rmap_test_walk(struct kunit *test)
{
	struct mml_model *parent = mml_model(test, MML_TEST_FRAMES), *child, *grandchild;
	int first = 0, moved = 0;
	struct mml_finder finder;
	struct mml_page *page;

	mml_model_mmap(parent, 0, 8, MML_TEST_RW, MAP_FIXED);
	mml_model_mmap(parent, 8, 1, PROT_NONE, MAP_FIXED);
	mml_model_write(parent, 0, 8, 1);
	page = mml_test_page(parent, 5);
	mml_find(page, &finder);
	KUNIT_EXPECT_EQ(test, finder.nr, 1);
	KUNIT_EXPECT_TRUE(test, mml_found(&finder, parent, 5));

	child = mml_model_fork(parent);
	grandchild = mml_model_fork(child);
	mml_model_mremap(child, &first, 8, 12, MREMAP_MAYMOVE);
	mml_model_mprotect(grandchild, 3, 3, PROT_READ);
	mml_model_mremap(grandchild, &moved, 2, 3, MREMAP_MAYMOVE);
	mml_find(page, &finder);
	KUNIT_EXPECT_EQ(test, finder.nr, 3);
	KUNIT_EXPECT_TRUE(test, mml_found(&finder, parent, 5));
	KUNIT_EXPECT_TRUE(test, mml_found(&finder, child, first + 5));
	KUNIT_EXPECT_TRUE(test, mml_found(&finder, grandchild, 5));
	mml_find(mml_test_page(parent, 1), &finder);
	KUNIT_EXPECT_EQ(test, finder.nr, 3);
	KUNIT_EXPECT_TRUE(test, mml_found(&finder, grandchild, moved + 1));

	/* It ends when it is told to. */
	memset(&finder, 0, sizeof(finder));
	finder.most = 2;
	KUNIT_EXPECT_EQ(test, mml_rmap_walk(page, mml_find_one, &finder), 2);

	/* What the child writes, it has alone, and it is not looked for elsewhere. */
	mml_model_write(child, first + 5, 1, 2);
	mml_find(mml_test_page(child, first + 5), &finder);
	KUNIT_EXPECT_EQ(test, finder.nr, 1);
	KUNIT_EXPECT_TRUE(test, mml_found(&finder, child, first + 5));
	mml_model_exit(parent);
	mml_find(page, &finder);
	KUNIT_EXPECT_EQ(test, finder.nr, 1);
	KUNIT_EXPECT_TRUE(test, mml_found(&finder, grandchild, 5));
}

/* Nobody maps it, or it is not anonymous memory: a walk finds nothing. */
static void mml_rmap_test_walk_nothing(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	struct mml_page *page, *other;

	mml_model_mmap(model, 0, 1, MML_TEST_RW, MAP_FIXED);
	mml_model_write(model, 0, 1, 1);
	page = mml_test_page(model, 0);
	mml_get_page(page);
	KUNIT_EXPECT_EQ(test, 0, mml_munmap(&model->mm, mml_model_addr(0), PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, mml_rmap_walk(page, NULL, NULL), 0);
	__mml_free_pages(model->machine, page, 0);
	mml_model_set(model, 0, 1, 0);
	mml_model_expect(model);

	other = mml_alloc_pages(model->machine, GFP_KERNEL, 0);
	KUNIT_ASSERT_NOT_NULL(test, other);
	KUNIT_EXPECT_EQ(test, mml_rmap_walk(other, NULL, NULL), 0);
	__mml_free_pages(model->machine, other, 0);
}

/* A thread that walks all the time. */
struct mml_walker {
	struct mml_model *idle;
	struct mml_page *page;
	int at;			/* where @idle has it */
	bool stop;
	unsigned long walks;
	unsigned long missed;
	struct completion done;
};

static int mml_walk(void *data)
{
	struct mml_walker *walker = data;
	struct mml_finder finder;

	do {
		mml_find(walker->page, &finder);
		if (!mml_found(&finder, walker->idle, walker->at))
			walker->missed++;
		walker->walks++;
		cond_resched();
	} while (!READ_ONCE(walker->stop));
	/* Not a step further: the module may go. */
	kthread_complete_and_exit(&walker->done, 0);
	return 0;
}

/* Let it walk once at least. */
static void mml_walk_once(struct mml_walker *walker)
{
	unsigned long seen = READ_ONCE(walker->walks), end = jiffies + 5 * HZ;

	while (READ_ONCE(walker->walks) == seen && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_NE(walker->idle->test, READ_ONCE(walker->walks), seen);
}

static void mml_walk_stop(void *data)
{
	struct mml_walker *walker = data;

	if (walker->stop)
		return;
	WRITE_ONCE(walker->stop, true);
	wait_for_completion(&walker->done);
	__mml_free_pages(walker->idle->machine, walker->page, 0);
}

/* Whatever relatives do meanwhile, a walk finds who does nothing. */
static void mml_rmap_test_walk_meanwhile(struct kunit *test)
{
	struct mml_model *idle = mml_model(test, MML_TEST_FRAMES), *child, *grandchild;
	struct mml_walker *walker = kunit_kzalloc(test, sizeof(*walker), GFP_KERNEL);
	int i, failed = 0;

	KUNIT_ASSERT_NOT_NULL(test, walker);
	mml_model_mmap(idle, 0, 8, MML_TEST_RW, MAP_FIXED);
	mml_model_write(idle, 0, 8, 1);
	*walker = (struct mml_walker){ .idle = idle, .page = mml_test_page(idle, 5), .at = 5 };
	init_completion(&walker->done);
	mml_get_page(walker->page);
	if (IS_ERR(kthread_run(mml_walk, walker, "mml_walker")))
		complete(&walker->done);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mml_walk_stop, walker));

	for (i = 0; i < MML_TEST_WALKED_OPS; i++) {
		mml_walk_once(walker);
		child = mml_model_fork(idle);
		mml_model_mprotect(child, 3, 3, PROT_READ);
		mml_model_mprotect(child, 3, 3, MML_TEST_RW);
		mml_model_mremap_to(child, 0, 8, 8, 0, 100);
		grandchild = mml_model_fork(child);
		mml_model_mremap_to(child, 102, 4, 4, MREMAP_DONTUNMAP, 10);
		mml_model_munmap(grandchild, 104, 1);
		/* A move that fails, with its tables made by halves. */
		mml_fail_nth(idle->machine, 1 + i % 12);
		failed += !!mml_mremap(&child->mm, &(unsigned long){ mml_model_addr(10) },
				       4 * PAGE_SIZE, 8 * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
				       mml_model_addr(MML_MODEL_HALF + 4));
		mml_fail_nth(idle->machine, 0);
		mml_model_exit(grandchild);
		mml_model_exit(child);
	}
	mml_walk_stop(walker);
	KUNIT_EXPECT_EQ(test, walker->missed, 0);
	KUNIT_EXPECT_GT(test, failed, MML_TEST_WALKED_OPS / 4);
	mml_model_expect(idle);
}

/*
 * A family in which each forks once and exits: its chains do not grow with its generations, for
 * who is born last takes an anon_vma that nobody uses any more.
 */
static void mml_rmap_test_generations(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES), *child;
	size_t links, most = 0;
	struct mml_vma *vma;
	int i;

	mml_model_mmap(model, 0, 2, MML_TEST_RW, MAP_FIXED);
	mml_model_write(model, 0, 2, 1);
	for (i = 0; i < MML_TEST_GENERATIONS; i++) {
		child = mml_model_fork(model);
		mml_model_exit(model);
		model = child;
		mml_model_write(model, 1, 1, i + 2);
		down_read(&model->mm.mmap_lock);
		vma = mml_vma_lookup(&model->mm, mml_model_addr(0));
		links = list_count_nodes(&vma->anon_vma_chain);
		up_read(&model->mm.mmap_lock);
		most = max(most, links);
	}
	KUNIT_EXPECT_GE(test, most, 2);
	KUNIT_EXPECT_LE(test, most, 3);
}

/*
 * A family of up to six: each does what it likes, has children, and exits. After each step the
 * counts of all frames are right, and all see what they wrote.
 */
static void mml_rmap_test_family(struct kunit *test)
{
	struct mml_model *family[MML_TEST_FAMILY] = {};
	struct mml_model **one, **other;
	struct mml_family *shared;
	unsigned long tables;
	struct rnd_state rnd;
	int i, forks = 0;

	mml_test_seed(test, &rnd);
	family[0] = mml_model(test, 2 * MML_TEST_FRAMES);
	shared = family[0]->family;
	for (i = 0; i < MML_TEST_FAMILY_OPS; i++) {
		do
			one = &family[mml_test_below(&rnd, MML_TEST_FAMILY)];
		while (!*one);
		other = &family[mml_test_below(&rnd, MML_TEST_FAMILY)];
		switch (mml_test_below(&rnd, 12)) {
		case 0:
			if (*other)
				break;
			*other = mml_model_fork(*one);
			forks++;
			break;
		case 1:
			if (!*other || other == one)
				break;
			mml_model_exit(*one);
			*one = NULL;
			break;
		default:
			mml_model_random_op(*one, &rnd, true);
		}
		for (tables = 0, other = family; other < family + MML_TEST_FAMILY; other++) {
			if (!*other)
				continue;
			mml_model_expect(*other);
			tables += atomic_long_read(&(*other)->mm.nr_ptes);
		}
		KUNIT_ASSERT_EQ(test, atomic_long_read(&shared->common.nr_anon),
				mml_counter_read(&shared->counter) - tables);
	}
	KUNIT_EXPECT_GT(test, forks, MML_TEST_FAMILY);
}

static struct kunit_case mml_rmap_cases[] = {
	KUNIT_CASE(mml_rmap_test_cow),
	KUNIT_CASE(mml_rmap_test_reuse),
	KUNIT_CASE(mml_rmap_test_zero_page),
	KUNIT_CASE(mml_rmap_test_mprotect_keeps),
	KUNIT_CASE(mml_rmap_test_not_forked),
	KUNIT_CASE(mml_rmap_test_cow_starved),
	KUNIT_CASE(mml_rmap_test_limit),
	KUNIT_CASE(mml_rmap_test_no_frame_for_a_copy),
	KUNIT_CASE(mml_rmap_test_walk),
	KUNIT_CASE(mml_rmap_test_walk_nothing),
	KUNIT_CASE(mml_rmap_test_walk_meanwhile),
	KUNIT_CASE(mml_rmap_test_generations),
	KUNIT_CASE(mml_rmap_test_family),
	{}
};

static struct kunit_suite mml_rmap_suite = {
	.name = "mml_rmap",
	.test_cases = mml_rmap_cases,
};
kunit_test_suite(mml_rmap_suite);
