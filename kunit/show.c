// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_show: an address space as text. smaps, line by line, and its sum; shares of frames that
 * relatives have, too; what is known of pages that came along; the marks of the most there was; and
 * the walk to a page.
 */
#include <linux/seq_file.h>

#include "kunit/model.h"

#define MML_TEST_FRAMES		1024
#define MML_TEST_TEXT		(256 * 1024)
#define MML_TEST_OPS		150
#define MML_TEST_RW		(PROT_READ | PROT_WRITE)

/* What @show prints of @model; the text goes with the test. */
static const char *mml_show_text(struct mml_model *model,
				 void (*show)(struct seq_file *seq, struct mml_mm *mm))
{
	struct seq_file seq = { .size = MML_TEST_TEXT };

	seq.buf = kunit_kzalloc(model->test, MML_TEST_TEXT, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(model->test, seq.buf);
	show(&seq, &model->mm);
	KUNIT_ASSERT_LT(model->test, seq.count, MML_TEST_TEXT);
	return seq.buf;
}

/* What follows the first "@name:" at the beginning of a line of @text; NULL if there is none. */
static const char *mml_show_find(const char *text, const char *name)
{
	const size_t len = strlen(name);

	while (text && (strncmp(text, name, len) || text[len] != ':')) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return text ? text + len + 1 : NULL;
}

/* The number there; -1 if there is none. */
static long mml_show_number(const char *text, const char *name)
{
	long number = -1;

	text = mml_show_find(text, name);
	if (text)
		sscanf(text, " %ld", &number);
	return number;
}

/* The sum of all such numbers, and how many there are. */
static long mml_show_sum(const char *text, const char *name, int *lines)
{
	long sum = 0;

	for (*lines = 0; mml_show_find(text, name); ++*lines) {
		sum += mml_show_number(text, name);
		text = mml_show_find(text, name);
	}
	return sum;
}

/* A number of the sums that smaps_rollup prints of @model. */
static long mml_show_rollup(struct mml_model *model, const char *name)
{
	return mml_show_number(mml_show_text(model, mml_mm_show_smaps_rollup), name);
}

static long mml_show_status(struct mml_model *model, const char *name)
{
	return mml_show_number(mml_show_text(model, mml_mm_show_status), name);
}

/* Every line, as the kernel has it. The third page maps the zero page, which is nobody's. */
static void mml_show_test_smaps(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);

	mml_model_mmap(model, 0, 8, MML_TEST_RW, MAP_FIXED);
	mml_model_write(model, 0, 2, 1);
	mml_model_fault(model, 2, 0);
	KUNIT_EXPECT_STREQ(test, mml_show_text(model, mml_mm_show_smaps),
			   "ffffff80000-ffffff88000 rw-p 00000000 00:00 0\x20\n"
			   "Size:                 32 kB\n"
			   "KernelPageSize:        4 kB\n"
			   "MMUPageSize:           4 kB\n"
			   "Rss:                   8 kB\n"
			   "Pss:                   8 kB\n"
			   "Pss_Dirty:             8 kB\n"
			   "Shared_Clean:          0 kB\n"
			   "Shared_Dirty:          0 kB\n"
			   "Private_Clean:         0 kB\n"
			   "Private_Dirty:         8 kB\n"
			   "Referenced:            8 kB\n"
			   "Anonymous:             8 kB\n"
			   "KSM:                   0 kB\n"
			   "LazyFree:              0 kB\n"
			   "AnonHugePages:         0 kB\n"
			   "ShmemPmdMapped:        0 kB\n"
			   "FilePmdMapped:         0 kB\n"
			   "Shared_Hugetlb:        0 kB\n"
			   "Private_Hugetlb:       0 kB\n"
			   "Swap:                  0 kB\n"
			   "SwapPss:               0 kB\n"
			   "Locked:                0 kB\n"
			   "THPeligible:           0\n"
			   "VmFlags: rd wr mr mw me ac\x20\n");
}

static void mml_show_test_empty(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	const char *rollup = mml_show_text(model, mml_mm_show_smaps_rollup);

	KUNIT_EXPECT_STREQ(test, mml_show_text(model, mml_mm_show_smaps), "");
	KUNIT_EXPECT_EQ(test, 0, strncmp(rollup, "00000000-00000000 ---p 00000000 00:00 0 ", 40));
	KUNIT_EXPECT_EQ(test, mml_show_number(rollup, "Rss"), 0);
}

/* Of a frame that three map, each has a third; who writes has one of his own. */
static void mml_show_test_shares(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES), *child, *grandchild;

	mml_model_mmap(model, 0, 16, MML_TEST_RW, MAP_FIXED);
	mml_model_write(model, 0, 12, 1);
	child = mml_model_fork(model);
	KUNIT_EXPECT_EQ(test, mml_show_rollup(model, "Pss"), 24);
	KUNIT_EXPECT_EQ(test, mml_show_rollup(model, "Shared_Dirty"), 48);
	KUNIT_EXPECT_EQ(test, mml_show_rollup(model, "Referenced"), 48);
	KUNIT_EXPECT_EQ(test, mml_show_rollup(child, "Referenced"), 0);
	grandchild = mml_model_fork(child);
	KUNIT_EXPECT_EQ(test, mml_show_rollup(model, "Pss"), 15);
	mml_model_write(child, 0, 3, 2);
	KUNIT_EXPECT_EQ(test, mml_show_rollup(model, "Pss"), 3 * 2 + 9 * 4 / 3 - 1);
	KUNIT_EXPECT_EQ(test, mml_show_rollup(child, "Pss"), 3 * 4 + 9 * 4 / 3 - 1);
	KUNIT_EXPECT_EQ(test, mml_show_rollup(child, "Private_Dirty"), 12);
	KUNIT_EXPECT_EQ(test, mml_show_rollup(child, "Shared_Dirty"), 36);
	KUNIT_EXPECT_EQ(test, mml_show_rollup(child, "Pss_Anon"), mml_show_rollup(child, "Pss"));
	KUNIT_EXPECT_EQ(test, mml_show_rollup(child, "Pss_Dirty"), mml_show_rollup(child, "Pss"));
	mml_model_exit(grandchild);
	mml_model_exit(child);
	KUNIT_EXPECT_EQ(test, mml_show_rollup(model, "Private_Dirty"), 48);
	KUNIT_EXPECT_EQ(test, mml_show_rollup(model, "Shared_Dirty"), 0);
}

/* What was given up is clean and not referenced, until it is read and written. */
static void mml_show_test_lazyfree(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);

	mml_model_mmap(model, 0, 8, MML_TEST_RW, MAP_FIXED);
	mml_model_write(model, 0, 8, 1);
	KUNIT_EXPECT_EQ(test, 0, mml_madvise(&model->mm, MML_MODEL_START, 6 * PAGE_SIZE, MADV_FREE));
	KUNIT_EXPECT_EQ(test, mml_show_rollup(model, "LazyFree"), 24);
	KUNIT_EXPECT_EQ(test, mml_show_rollup(model, "Private_Clean"), 24);
	KUNIT_EXPECT_EQ(test, mml_show_rollup(model, "Pss_Dirty"), 8);
	KUNIT_EXPECT_EQ(test, mml_show_rollup(model, "Referenced"), 8);
	mml_model_fault(model, 0, 0);
	mml_model_fault(model, 1, MML_FAULT_WRITE);
	KUNIT_EXPECT_EQ(test, mml_show_rollup(model, "LazyFree"), 20);
	KUNIT_EXPECT_EQ(test, mml_show_rollup(model, "Private_Dirty"), 12);
	KUNIT_EXPECT_EQ(test, mml_show_rollup(model, "Referenced"), 16);
	KUNIT_EXPECT_EQ(test, mml_show_rollup(model, "Rss"), 32);
}

/* What came along is not resident before it is used, of which only CPUs know. */
static void mml_show_test_around(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);

	model->family->common.around_pages = 16;
	mml_model_mmap(model, 0, 64, MML_TEST_RW, MAP_FIXED);
	mml_model_fault(model, 5, MML_FAULT_WRITE);
	KUNIT_EXPECT_EQ(test, mml_show_rollup(model, "Rss"), 4);
	KUNIT_EXPECT_EQ(test, mml_show_rollup(model, "Private_Dirty"), 4);
	KUNIT_EXPECT_EQ(test, mml_show_status(model, "MmlAround"), 60);
	mml_model_poke(model, 7, 2, 1);
	KUNIT_EXPECT_EQ(test, mml_show_rollup(model, "Rss"), 12);
	KUNIT_EXPECT_EQ(test, mml_show_rollup(model, "Referenced"), 12);
	KUNIT_EXPECT_EQ(test, mml_show_status(model, "VmRSS"), 12);
}

/* Whatever is mapped, its vmas add up to the sum; of shares, each rounds its kB down. */
static void mml_show_test_sum(struct kunit *test)
{
	static const char *const exact[] = {
		"Rss", "Shared_Clean", "Shared_Dirty", "Private_Clean", "Private_Dirty",
		"Referenced", "Anonymous", "LazyFree",
	};
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES), *child;
	const char *smaps, *rollup;
	struct rnd_state rnd;
	int i, vmas;
	long sum;

	mml_test_seed(test, &rnd);
	for (i = 0; i < MML_TEST_OPS; i++)
		mml_model_random_op(model, &rnd, true);
	child = mml_model_fork(model);
	for (i = 0; i < MML_TEST_OPS / 10; i++)
		mml_model_random_op(child, &rnd, true);
	smaps = mml_show_text(child, mml_mm_show_smaps);
	rollup = mml_show_text(child, mml_mm_show_smaps_rollup);
	for (i = 0; i < ARRAY_SIZE(exact); i++) {
		sum = mml_show_sum(smaps, exact[i], &vmas);
		KUNIT_EXPECT_EQ_MSG(test, sum, mml_show_number(rollup, exact[i]), "%s", exact[i]);
		KUNIT_EXPECT_EQ(test, vmas, child->mm.map_count);
	}
	sum = mml_show_sum(smaps, "Pss", &vmas);
	KUNIT_EXPECT_LE(test, sum, mml_show_number(rollup, "Pss"));
	KUNIT_EXPECT_GE(test, sum + vmas, mml_show_number(rollup, "Pss"));
	KUNIT_EXPECT_EQ(test, mml_show_number(rollup, "Rss"), mml_show_status(child, "VmRSS"));
	KUNIT_EXPECT_EQ(test, mml_show_sum(smaps, "Size", &vmas), mml_show_status(child, "VmSize"));
}

/* Flags of a vma, which tell what of it is locked, data, or code. */
static void mml_show_test_flags(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	const char *smaps;

	mml_model_mmap(model, 0, 4, MML_TEST_RW, MAP_FIXED);
	mml_model_mmap(model, 8, 8, PROT_READ | PROT_EXEC, MAP_FIXED);
	mml_model_write(model, 0, 2, 1);
	KUNIT_EXPECT_EQ(test, 0, mml_mlock2(&model->mm, mml_model_addr(0), 4 * PAGE_SIZE,
					    MLOCK_ONFAULT));
	down_write(&model->mm.mmap_lock);
	mml_vma_lookup(&model->mm, mml_model_addr(8))->vm_flags |= VM_DONTCOPY | VM_SHARED;
	up_write(&model->mm.mmap_lock);
	smaps = mml_show_text(model, mml_mm_show_smaps);
	KUNIT_EXPECT_EQ(test, mml_show_number(smaps, "Locked"), 8);
	KUNIT_EXPECT_NOT_NULL(test, strstr(smaps, "VmFlags: rd wr mr mw me lo lf ac\x20\n"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(smaps, "VmFlags: rd ex sh mr mw me ms dc\x20\n"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(smaps, " r-xs 00000000 00:00 0\x20\n"));
	KUNIT_EXPECT_EQ(test, mml_show_status(model, "VmLck"), 16);
	KUNIT_EXPECT_EQ(test, mml_show_status(model, "VmData"), 16);
	KUNIT_EXPECT_EQ(test, mml_show_status(model, "VmLib"), 32);
	down_write(&model->mm.mmap_lock);
	mml_vma_lookup(&model->mm, mml_model_addr(8))->vm_flags &= ~(VM_DONTCOPY | VM_SHARED);
	up_write(&model->mm.mmap_lock);
}

/* The most there was stays when it is less. A move has both places for a moment: that is not it. */
static void mml_show_test_peaks(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	int first = 0;

	mml_model_mmap(model, 0, 32, MML_TEST_RW, MAP_FIXED);
	mml_model_write(model, 0, 20, 1);
	KUNIT_EXPECT_EQ(test, mml_show_status(model, "VmPeak"), 128);
	KUNIT_EXPECT_EQ(test, mml_show_status(model, "VmHWM"), 80);
	mml_model_mremap_to(model, first, 32, 32, MREMAP_MAYMOVE | MREMAP_FIXED, 64);
	KUNIT_EXPECT_EQ(test, mml_show_status(model, "VmPeak"), 128);
	mml_model_munmap(model, 64, 16);
	KUNIT_EXPECT_EQ(test, mml_show_status(model, "VmSize"), 64);
	KUNIT_EXPECT_EQ(test, mml_show_status(model, "VmPeak"), 128);
	KUNIT_EXPECT_EQ(test, mml_show_status(model, "VmRSS"), 16);
	KUNIT_EXPECT_EQ(test, mml_show_status(model, "VmHWM"), 80);
	mml_model_mmap(model, 128, 50, MML_TEST_RW, MAP_FIXED);
	mml_model_write(model, 128, 50, 1);
	KUNIT_EXPECT_EQ(test, mml_show_status(model, "VmPeak"), 264);
	mml_model_dontneed(model, 128, 50);
	KUNIT_EXPECT_EQ(test, mml_show_status(model, "VmHWM"), 216);
	KUNIT_EXPECT_EQ(test, mml_show_status(model, "VmRSS"), 16);
}

/* What came along and was used counts, even of what does not go: CPUs are asked. */
static void mml_show_test_peak_around(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);

	model->family->common.around_pages = 16;
	mml_model_mmap(model, 0, 64, MML_TEST_RW, MAP_FIXED);
	mml_model_poke(model, 0, 40, 1);
	mml_model_dontneed(model, 0, 8);
	KUNIT_EXPECT_EQ(test, mml_show_status(model, "VmHWM"), 160);
	KUNIT_EXPECT_EQ(test, mml_show_status(model, "VmRSS"), 128);
}

static unsigned int mml_show_walk(struct mml_model *model, long page, struct mml_walk_step *step)
{
	unsigned int nr;

	down_write(&model->mm.mmap_lock);
	nr = mml_walk_tables(&model->mm, mml_model_addr(page), step);
	up_write(&model->mm.mmap_lock);
	return nr;
}

/* How far a walk comes, and by which entries: the two halves have but the top in common. */
static void mml_show_test_walk(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	struct mml_walk_step low[MML_PT_LEVELS], high[MML_PT_LEVELS];
	int i;

	mml_model_mmap(model, 0, MML_MODEL_PAGES, MML_TEST_RW, MAP_FIXED);
	KUNIT_EXPECT_EQ(test, mml_show_walk(model, 0, low), 0);
	mml_model_fault(model, MML_MODEL_HALF - 1, MML_FAULT_WRITE);
	KUNIT_ASSERT_EQ(test, mml_show_walk(model, MML_MODEL_HALF - 1, low), MML_PT_LEVELS);
	KUNIT_EXPECT_EQ(test, mml_show_walk(model, MML_MODEL_HALF, high), 1);
	KUNIT_EXPECT_FALSE(test, mml_pte_present(high[0].entry));
	KUNIT_EXPECT_EQ(test, high[0].table.val, low[0].table.val);
	KUNIT_EXPECT_EQ(test, high[0].index, low[0].index + 1);
	for (i = 0; i < MML_PT_LEVELS; i++) {
		KUNIT_EXPECT_EQ(test, low[i].level, MML_PT_LEVELS - 1 - i);
		KUNIT_EXPECT_EQ(test, low[i].index, i ? MML_PTRS_PER_TABLE - 1 : 31);
		KUNIT_EXPECT_TRUE(test, mml_pte_present(low[i].entry));
		if (i)
			KUNIT_EXPECT_EQ(test, mml_pte_pfn(low[i - 1].entry).val, low[i].table.val);
	}
	KUNIT_EXPECT_EQ(test, low[3].entry.val,
			mml_model_pte(model, MML_MODEL_HALF - 1).val);
	KUNIT_EXPECT_EQ(test, mml_show_walk(model, 0, low), MML_PT_LEVELS);
	KUNIT_EXPECT_EQ(test, low[3].entry.val, 0);
}

/* The page of which the text is to be. */
static long mml_walk_page;

static void mml_show_walk_of_page(struct seq_file *seq, struct mml_mm *mm)
{
	mml_mm_show_walk(seq, mm, mml_model_addr(mml_walk_page) + 0x123);
}

static const char *mml_walk_text(struct mml_model *model, long page)
{
	mml_walk_page = page;
	return mml_show_text(model, mml_show_walk_of_page);
}

/* What is at the end of it. */
static void mml_show_test_walk_text(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES), *child;
	char line[192];

	model->family->common.around_pages = 16;
	KUNIT_EXPECT_STREQ(test, mml_walk_text(model, 0),
			   "address: ffffff80123\nvma: none\npage: none\n");
	mml_model_mmap(model, 0, 32, MML_TEST_RW, MAP_FIXED);
	KUNIT_EXPECT_STREQ(test, mml_walk_text(model, 0),
			   "address: ffffff80123\nvma: ffffff80000-ffffffa0000 rw-p\npage: none\n");
	mml_model_fault(model, 20, 0);
	KUNIT_EXPECT_NOT_NULL(test, strstr(mml_walk_text(model, 20),
					   " present user accessed special nx\npage: zero\n"));
	KUNIT_EXPECT_NOT_NULL(test, strstr(mml_walk_text(model, 21),
					   " entry 0000000000000000\npage: none\n"));
	mml_model_write(model, 0, 1, 1);
	child = mml_model_fork(model);
	snprintf(line, sizeof(line), "page: frame %u mapcount 2 refcount 2 state used owner anonymous\n"
		 "mapped: session 1 address ffffff80000\nmapped: session 2 address ffffff80000\n",
		 mml_pte_pfn(mml_model_pte(model, 0)).val);
	KUNIT_EXPECT_NOT_NULL(test, strstr(mml_walk_text(child, 0), line));
	mml_model_exit(child);
	KUNIT_EXPECT_EQ(test, 0, mml_madvise(&model->mm, MML_MODEL_START, PAGE_SIZE, MADV_FREE));
	KUNIT_EXPECT_NOT_NULL(test, strstr(mml_walk_text(model, 0),
					   " mapcount 1 refcount 1 state lazyfree "));
	mml_model_fault(model, 3, MML_FAULT_WRITE);
	KUNIT_EXPECT_NOT_NULL(test, strstr(mml_walk_text(model, 4), " state around "));
	mml_model_poke(model, 4, 1, 1);
	KUNIT_EXPECT_NOT_NULL(test, strstr(mml_walk_text(model, 4), " state used "));
}

/* A frame of shared memory is clean when it was only read, and was not given up. */
static void mml_show_test_walk_shared(struct kunit *test)
{
	struct mml_model *model = mml_model(test, MML_TEST_FRAMES);
	unsigned long addr = mml_model_addr(0);
	struct mml_fault fault = { .address = addr, .gfp = GFP_KERNEL };
	char line[192];

	KUNIT_ASSERT_EQ(test, 0, mml_mmap(&model->mm, &addr, PAGE_SIZE, MML_TEST_RW,
					  MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED));
	KUNIT_ASSERT_EQ(test, mml_handle_mm_fault(&model->mm, &fault), MML_FAULT_DONE);
	snprintf(line, sizeof(line), "page: frame %u mapcount 1 refcount 2 state used owner shared\n"
		 "mapped: session 1 address ffffff80000\n", mml_pte_pfn(mml_model_pte(model, 0)).val);
	KUNIT_EXPECT_NOT_NULL(test, strstr(mml_walk_text(model, 0), line));
	KUNIT_EXPECT_EQ(test, mml_show_rollup(model, "Pss_Shmem"), 4);
	KUNIT_EXPECT_EQ(test, mml_show_rollup(model, "Anonymous"), 0);
	KUNIT_EXPECT_EQ(test, mml_show_status(model, "RssShmem"), 4);
}

static struct kunit_case mml_show_cases[] = {
	KUNIT_CASE(mml_show_test_smaps),
	KUNIT_CASE(mml_show_test_empty),
	KUNIT_CASE(mml_show_test_shares),
	KUNIT_CASE(mml_show_test_lazyfree),
	KUNIT_CASE(mml_show_test_around),
	KUNIT_CASE(mml_show_test_sum),
	KUNIT_CASE(mml_show_test_flags),
	KUNIT_CASE(mml_show_test_peaks),
	KUNIT_CASE(mml_show_test_peak_around),
	KUNIT_CASE(mml_show_test_walk),
	KUNIT_CASE(mml_show_test_walk_text),
	KUNIT_CASE(mml_show_test_walk_shared),
	{}
};

static struct kunit_suite mml_show_suite = {
	.name = "mml_show",
	.test_cases = mml_show_cases,
};

kunit_test_suite(mml_show_suite);
