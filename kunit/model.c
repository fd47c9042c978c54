// SPDX-License-Identifier: GPL-2.0
/*
 * The model of an address space. Each mml_model_*() call goes to the mm and to the
 * model, and compares: the errno, the place, and then everything, page by page:
 *
 *	look-up finds the vma of each page, and its ends are where the model's byte
 *	changes: so vmas are split and merged exactly where they should be
 *	a PTE that is present allows no more than its vma, and its frame holds what
 *	was written; where none is present, nothing was written
 *	what the real page table would say is a part of what the lab's says
 *	the counters and the machine agree on the frames in use, also on those that relatives
 *	share
 *
 * The model has the kernel's rules: mprotect() stops at the first hole, having
 * changed what is before it; mremap() that grows wants one vma; mappings without a
 * usable hint go as far up as there is room. It knows no limit of memory: machines
 * have more frames than the range has pages, where that matters.
 *
 * With model->nth set, the n-th allocation in each call fails; the call may then
 * fail with -ENOMEM and change nothing, or do without.
 */
#include "kunit/model.h"
#include "mm_lab/alloc.h"

#define MML_MODEL_RUN		32	/* pages of a random operation, at most */

/* What @pte leads to. */
static const u32 *mml_words(const struct mml_model *model, mml_pte_t pte)
{
	if (mml_pte_special(pte))
		return page_address(ZERO_PAGE(0));
	return mml_page_address(model->machine,
				mml_pfn_to_page(model->machine, mml_pte_pfn(pte)));
}

/*
 * The window: an array in the place of the real page table.
 */

static mml_pte_t *mml_model_tlb(struct mml_mm *mm, unsigned long addr)
{
	struct mml_model *model = container_of(mm, struct mml_model, mm);

	return &model->tlb[(addr - MML_MODEL_START) >> PAGE_SHIFT];
}

static int mml_model_insert(struct mml_mm *mm, struct mml_fault *fault,
			    struct mml_page *page, mml_pte_t pte)
{
	struct mml_model *model = fault->window;

	KUNIT_EXPECT_PTR_EQ(model->test, page, mml_pte_special(pte) ? NULL :
			    mml_pfn_to_page(mm->machine, mml_pte_pfn(pte)));
	*mml_model_tlb(mm, fault->address) = pte;
	if (model->inserting)
		model->inserting(model);
	return 0;
}

static void mml_model_revoke(struct mml_mm *mm, unsigned long start,
			     unsigned long end)
{
	for (; start < end; start += PAGE_SIZE)
		mml_model_tlb(mm, start)->val = 0;
}

static void mml_model_insert_around(struct mml_mm *mm, struct mml_fault *fault,
				    unsigned long start, unsigned int nr, const mml_pte_t *entry)
{
	for (; nr--; start += PAGE_SIZE, entry++)
		if (mml_pte_around(*entry) && !mml_pte_present(*mml_model_tlb(mm, start)))
			*mml_model_tlb(mm, start) = *entry;
}

static bool mml_model_accessed(struct mml_mm *mm, const struct mml_fault *fault,
			       unsigned long addr)
{
	return mml_model_tlb(mm, addr)->val & MML_PTE_ACCESSED;
}

static unsigned long mml_model_harvest(struct mml_mm *mm, unsigned long start,
				       unsigned long end, mml_pte_t *entry,
				       enum mml_harvest how)
{
	unsigned long used = 0;

	for (; start < end; start += PAGE_SIZE, entry++) {
		mml_pte_t *tlb = mml_model_tlb(mm, start), old = *tlb;

		if (how == MML_HARVEST_ALL || (how == MML_HARVEST_UNUSED &&
					       mml_pte_around(*entry) &&
					       !(tlb->val & MML_PTE_ACCESSED)))
			tlb->val = 0;
		if (!mml_pte_around(*entry) || !(old.val & MML_PTE_ACCESSED))
			continue;
		*entry = mml_pte_mkused(*entry);
		used++;
	}
	return used;
}

static u32 mml_model_number(const struct mml_mm *mm)
{
	return container_of(mm, struct mml_model, mm)->number;
}

static void mml_model_shrink(struct mml_mm *mm)
{
	down_write(&mm->mmap_lock);
	mml_shrink_mm(mm, ULONG_MAX);
	up_write(&mm->mmap_lock);
}

static const struct mml_window_ops mml_model_window = {
	.insert = mml_model_insert,
	.insert_around = mml_model_insert_around,
	.accessed = mml_model_accessed,
	.revoke = mml_model_revoke,
	.harvest = mml_model_harvest,
	.number = mml_model_number,
	.shrink = mml_model_shrink,
};

/*
 * Life.
 */

/* Everything an mm has goes back when it exits. */
void mml_model_exit(struct mml_model *model)
{
	struct kunit *test = model->test;

	mml_exit_mmap(&model->mm);
	KUNIT_EXPECT_EQ(test, mml_counter_read(&model->counter), 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&model->mm.anon_rss), 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&model->mm.nr_around), 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&model->mm.nr_lazyfree), 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&model->mm.nr_ptes), 0);
	KUNIT_EXPECT_EQ(test, model->mm.map_count, 0);
	KUNIT_EXPECT_EQ(test, model->mm.total_vm, 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(model->tlb, 0, sizeof(model->tlb)));
	mml_model_set(model, 0, MML_MODEL_PAGES, 0);
}

static void mml_model_end_of_test(void *model)
{
	mml_model_exit(model);
}

/* An mm of @family on @machine that has no range yet, until the test ends. */
static struct mml_model *mml_model_of(struct kunit *test, struct mml_machine *machine,
				      struct mml_family *family)
{
	struct mml_model *model = kunit_kzalloc(test, sizeof(*model), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, model);
	model->test = test;
	model->machine = machine;
	model->family = family;
	model->number = ++family->members;
	mml_counter_init(&model->counter, ULONG_MAX, &family->counter);
	mml_mm_init(&model->mm, machine, &model->counter, &family->common, &mml_model_window);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, mml_model_end_of_test,
							   model));
	return model;
}

/* The first of a family. */
struct mml_model *mml_model_on(struct kunit *test, struct mml_machine *machine)
{
	struct mml_family *family = kunit_kzalloc(test, sizeof(*family), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, family);
	mml_counter_init(&family->counter, ULONG_MAX, NULL);
	mml_mm_common_init(&family->common);
	return mml_model_of(test, machine, family);
}

/* An empty address space of MML_MODEL_PAGES on a machine of its own. */
struct mml_model *mml_model(struct kunit *test, unsigned long frames)
{
	struct mml_model *model = mml_model_on(test, mml_test_machine(test, frames));

	KUNIT_ASSERT_EQ(test, 0, mml_mm_set_range(&model->mm, MML_MODEL_START,
						  mml_model_addr(MML_MODEL_PAGES)));
	return model;
}

/* An mm to be the child of @parent, which is prepared for that. */
struct mml_model *mml_model_child(struct mml_model *parent)
{
	mml_fork_prepare(&parent->mm);
	/* What is left is of the zero page. */
	mml_model_revoke(&parent->mm, MML_MODEL_START, mml_model_addr(MML_MODEL_PAGES));
	return mml_model_of(parent->test, parent->machine, parent->family);
}

/* The child of @parent, which is to be like it. */
struct mml_model *mml_model_fork(struct mml_model *parent)
{
	struct mml_model *child = mml_model_child(parent);

	KUNIT_ASSERT_EQ(parent->test, 0, mml_dup_mmap(&child->mm, &parent->mm));
	memcpy(child->page, parent->page, sizeof(child->page));
	memcpy(child->tag, parent->tag, sizeof(child->tag));
	mml_model_expect(child);
	mml_model_expect(parent);
	return child;
}

mml_pte_t mml_model_pte(struct mml_model *model, int page)
{
	mml_pte_t pte;

	down_read(&model->mm.mmap_lock);
	pte = mml_pte_get(&model->mm, mml_model_addr(page));
	up_read(&model->mm.mmap_lock);
	return pte;
}

/*
 * Comparing. What needs mmap_lock returns the first page that differs: an assertion
 * would end the test with the lock held.
 */

/*
 * Does a vma end before @page, and another one begin, though both pages are mapped alike? They
 * may if different anon_vmas keep them apart, or what was moved, or what is accounted for; which
 * of these do when, the comparison with the kernel tells (qemu/tests/compare).
 */
static bool mml_model_joint(struct mml_model *model, int page)
{
	const struct mml_vma *lower, *upper;

	if (!page || !model->page[page] || model->page[page] != model->page[page - 1])
		return false;
	lower = mml_vma_lookup(&model->mm, mml_model_addr(page) - 1);
	upper = mml_vma_lookup(&model->mm, mml_model_addr(page));
	return lower && upper && lower != upper &&
	       (lower->anon_vma || upper->anon_vma || !mml_vma_continues(lower, upper) ||
		model->mm.unmerged);
}

/* The first page from @page on that is not mapped as @page is, or is of another vma. */
static int mml_model_run(struct mml_model *model, int page)
{
	int end = page;

	do
		end++;
	while (end < MML_MODEL_PAGES && model->page[end] == model->page[page] &&
	       !mml_model_joint(model, end));
	return end;
}

/* Without VM_ACCOUNT, which depends on what it was. */
static unsigned long mml_model_vm_flags(u8 byte)
{
	return (byte & PROT_READ ? VM_READ : 0) | (byte & PROT_WRITE ? VM_WRITE : 0) |
	       (byte & PROT_EXEC ? VM_EXEC : 0) |
	       (byte & MML_MODEL_NORESERVE ? VM_NORESERVE : 0);
}

/* Is [@first, @end), mapped alike, one vma, or none? */
static bool mml_model_run_found(struct mml_model *model, int first, int end)
{
	struct mml_vma *vma = mml_vma_lookup(&model->mm, mml_model_addr(first));
	struct mml_vma *found = vma;
	int page;

	if (!model->page[first]) {
		if (vma)
			return false;
		found = mml_find_vma(&model->mm, mml_model_addr(end));
	} else if (!vma || vma->vm_start != mml_model_addr(first) ||
		   vma->vm_end != mml_model_addr(end) ||
		   (vma->vm_flags & ~VM_ACCOUNT) !=
		   mml_model_vm_flags(model->page[first])) {
		return false;
	}
	for (page = first; page < end; page++)
		if (mml_vma_lookup(&model->mm, mml_model_addr(page)) != vma ||
		    mml_vma_lookup(&model->mm, mml_model_addr(page + 1) - 1) != vma ||
		    mml_find_vma(&model->mm, mml_model_addr(page)) != found)
			return false;
	return true;
}

static int mml_model_vmas_differ(struct mml_model *model)
{
	int first, end;

	for (first = 0; first < MML_MODEL_PAGES; first = end) {
		end = mml_model_run(model, first);
		if (!mml_model_run_found(model, first, end))
			break;
	}
	return first;
}

/* Does @pte allow no more than @byte? */
static bool mml_pte_within(mml_pte_t pte, u8 byte)
{
	return byte & MML_MODEL_MAPPED &&
	       (!mml_pte_write(pte) || byte & PROT_WRITE) &&
	       (!mml_pte_exec(pte) || byte & PROT_EXEC);
}

/* Does the real entry @tlb, if there is one, say a part of what @pte says? */
static bool mml_tlb_within(mml_pte_t tlb, mml_pte_t pte)
{
	if (!mml_pte_present(tlb))
		return true;
	return mml_pte_present(pte) && mml_pte_pfn(tlb).val == mml_pte_pfn(pte).val &&
	       mml_pte_special(tlb) == mml_pte_special(pte) &&
	       mml_pte_write(tlb) <= mml_pte_write(pte) &&
	       mml_pte_exec(tlb) <= mml_pte_exec(pte);
}

static bool mml_model_page_found(struct mml_model *model, int page)
{
	mml_pte_t pte = mml_pte_get(&model->mm, mml_model_addr(page));
	const u32 *words;

	if (!mml_tlb_within(model->tlb[page], pte))
		return false;
	if (!mml_pte_present(pte))
		return !model->tag[page];
	words = mml_words(model, pte);
	return mml_pte_within(pte, model->page[page]) &&
	       words[0] == model->tag[page] &&
	       words[PAGE_SIZE / sizeof(u32) - 1] == model->tag[page];
}

static int mml_model_pages_differ(struct mml_model *model)
{
	int page = 0;

	while (page < MML_MODEL_PAGES && mml_model_page_found(model, page))
		page++;
	return page;
}

static void mml_model_expect_counts(struct mml_model *model)
{
	unsigned int pages = 0, runs = 0, page;
	struct kunit *test = model->test;

	down_read(&model->mm.mmap_lock);
	for (page = 0; page < MML_MODEL_PAGES; page++) {
		pages += !!model->page[page];
		runs += model->page[page] &&
			(!page || model->page[page] != model->page[page - 1] ||
			 mml_model_joint(model, page));
	}
	up_read(&model->mm.mmap_lock);
	KUNIT_ASSERT_EQ(test, model->mm.map_count, runs);
	KUNIT_ASSERT_EQ(test, model->mm.total_vm, pages);
}

static void mml_model_expect_frames(struct mml_model *model)
{
	struct kunit *test = model->test;

	KUNIT_ASSERT_EQ(test, mml_counter_read(&model->counter),
			atomic_long_read(&model->mm.anon_rss) +
			atomic_long_read(&model->mm.nr_ptes));
	KUNIT_ASSERT_EQ(test, mml_nr_free_pages(model->machine),
			model->machine->nr_present - mml_counter_read(&model->family->counter));
}

/* The mm is what the model says, and all invariants hold. */
void mml_model_expect(struct mml_model *model)
{
	struct mml_validation v = {};
	struct kunit *test = model->test;
	int vmas, pages;

	down_read(&model->mm.mmap_lock);
	vmas = mml_model_vmas_differ(model);
	pages = mml_model_pages_differ(model);
	up_read(&model->mm.mmap_lock);
	KUNIT_ASSERT_EQ_MSG(test, vmas, MML_MODEL_PAGES, "vma of page %d", vmas);
	KUNIT_ASSERT_EQ_MSG(test, pages, MML_MODEL_PAGES, "PTE of page %d", pages);

	mml_model_expect_counts(model);
	mml_model_expect_frames(model);
	mml_mm_validate(&model->mm, &v);
	KUNIT_ASSERT_EQ(test, v.violations, 0);
	KUNIT_ASSERT_EQ(test, mml_test_violations(model->machine), 0);
}

/*
 * What the model says of a range.
 */

void mml_model_set(struct mml_model *model, int first, int nr, u8 byte)
{
	memset(&model->page[first], byte, nr);
	memset(&model->tag[first], 0, nr * sizeof(model->tag[0]));
}

static bool mml_model_is_free(const struct mml_model *model, int first, int nr)
{
	return first >= 0 && first + nr <= MML_MODEL_PAGES &&
	       !memchr_inv(&model->page[first], 0, nr);
}

/* The place furthest up with room for @nr pages, or -1. */
static int mml_model_top(const struct mml_model *model, int nr)
{
	int first = MML_MODEL_PAGES - nr;

	while (first >= 0 && !mml_model_is_free(model, first, nr))
		first--;
	return first;
}

/*
 * The calls: on the mm, on the model, and compare.
 */

static void mml_model_begin(struct mml_model *model)
{
	model->nr_ptes = atomic_long_read(&model->mm.nr_ptes);
	if (model->nth)
		mml_fail_nth(model->machine, model->nth);
}

/*
 * A call returned @err. Returns: whether it did what it was called for. It may fail
 * otherwise than by @want for an injected want of memory only.
 */
static bool mml_model_end(struct mml_model *model, int err, int want)
{
	model->injected = mml_fail_nth_fired(model->machine);
	mml_fail_nth(model->machine, 0);
	if (model->injected && err == -ENOMEM) {
		KUNIT_ASSERT_EQ(model->test, atomic_long_read(&model->mm.nr_ptes),
				model->nr_ptes);
		return false;
	}
	KUNIT_ASSERT_EQ(model->test, err, want);
	return !err;
}

/* @first: where, or the hint; -1: none. Returns: what mml_mmap() did. */
int mml_model_mmap(struct mml_model *model, int first, int nr, unsigned long prot,
		   unsigned long flags)
{
	unsigned long addr = first < 0 ? 0 : mml_model_addr(first);
	int place = first, want = 0, err;

	if (!(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))) {
		if (!mml_model_is_free(model, first, nr))
			place = mml_model_top(model, nr);
		want = place < 0 ? -ENOMEM : 0;
	} else if (flags & MAP_FIXED_NOREPLACE && !mml_model_is_free(model, first, nr)) {
		want = -EEXIST;
	}

	mml_model_begin(model);
	err = mml_mmap(&model->mm, &addr, nr * PAGE_SIZE, prot,
		       flags | MAP_PRIVATE | MAP_ANONYMOUS);
	if (mml_model_end(model, err, want)) {
		KUNIT_ASSERT_EQ(model->test, addr, mml_model_addr(place));
		mml_model_set(model, place, nr, MML_MODEL_MAPPED | prot |
			      (flags & MAP_NORESERVE ? MML_MODEL_NORESERVE : 0));
	}
	mml_model_expect(model);
	return err;
}

int mml_model_munmap(struct mml_model *model, int first, int nr)
{
	int err;

	mml_model_begin(model);
	err = mml_munmap(&model->mm, mml_model_addr(first), nr * PAGE_SIZE);
	if (mml_model_end(model, err, 0))
		mml_model_set(model, first, nr, 0);
	mml_model_expect(model);
	return err;
}

int mml_model_mprotect(struct mml_model *model, int first, int nr,
		       unsigned long prot)
{
	int mapped = 0, i, err;

	while (mapped < nr && model->page[first + mapped])
		mapped++;
	mml_model_begin(model);
	err = mml_mprotect(&model->mm, mml_model_addr(first), nr * PAGE_SIZE, prot);
	if (mml_model_end(model, err, mapped < nr ? -ENOMEM : 0) || !model->injected)
		for (i = first; i < first + mapped; i++)
			model->page[i] = (model->page[i] & ~(PROT_READ | PROT_WRITE |
							     PROT_EXEC)) | prot;
	mml_model_expect(model);
	return err;
}

/*
 * Where mremap() puts what it grows: *@place. Returns: 0 or an errno. The model's vma
 * is the run of pages that are mapped alike.
 */
static int mml_model_place(struct mml_model *model, int first, int old_nr,
			   int new_nr, unsigned long flags, int *place)
{
	int end = mml_model_run(model, first);

	*place = first;
	if (!model->page[first])
		return -EFAULT;
	if (new_nr <= old_nr)
		return 0;
	if (first + old_nr > end)
		return -EFAULT;
	if (first + old_nr == end && mml_model_is_free(model, end, new_nr - old_nr))
		return 0;
	*place = flags & MREMAP_MAYMOVE ? mml_model_top(model, new_nr) : -1;
	return *place < 0 ? -ENOMEM : 0;
}

static void mml_model_moved(struct mml_model *model, int first, int old_nr, int place,
			    int new_nr)
{
	u8 byte = model->page[first];
	u32 tags[MML_MODEL_PAGES];

	if (new_nr <= old_nr) {
		mml_model_set(model, first + new_nr, old_nr - new_nr, 0);
		return;
	}
	memcpy(tags, &model->tag[first], old_nr * sizeof(u32));
	mml_model_set(model, first, old_nr, 0);
	mml_model_set(model, place, new_nr, byte);
	memcpy(&model->tag[place], tags, old_nr * sizeof(u32));
}

/* *@first: out: where it is now. */
int mml_model_mremap(struct mml_model *model, int *first, int old_nr, int new_nr,
		     unsigned long flags)
{
	unsigned long addr = mml_model_addr(*first);
	int place, want, err;

	down_read(&model->mm.mmap_lock);
	want = mml_model_place(model, *first, old_nr, new_nr, flags, &place);
	up_read(&model->mm.mmap_lock);
	mml_model_begin(model);
	err = mml_mremap(&model->mm, &addr, old_nr * PAGE_SIZE, new_nr * PAGE_SIZE,
			 flags, 0);
	if (mml_model_end(model, err, want)) {
		KUNIT_ASSERT_EQ(model->test, addr, mml_model_addr(place));
		mml_model_moved(model, *first, old_nr, place, new_nr);
		*first = place;
	}
	mml_model_expect(model);
	return err;
}

/*
 * The same with MREMAP_FIXED, or MREMAP_DONTUNMAP besides, to @to, which does not overlap. What
 * is there goes, also if the call fails then.
 */
int mml_model_mremap_to(struct mml_model *model, int first, int old_nr, int new_nr,
			unsigned long flags, int to)
{
	unsigned long addr = mml_model_addr(first);
	int nr = min(old_nr, new_nr), want = 0, err;
	u8 byte = model->page[first];
	u32 tags[MML_MODEL_PAGES];

	down_read(&model->mm.mmap_lock);
	if (!byte || mml_model_run(model, first) < first + nr)
		want = -EFAULT;
	up_read(&model->mm.mmap_lock);
	err = mml_mremap(&model->mm, &addr, old_nr * PAGE_SIZE, new_nr * PAGE_SIZE,
			 flags | MREMAP_MAYMOVE | MREMAP_FIXED, mml_model_addr(to));
	KUNIT_ASSERT_EQ(model->test, err, want);
	if (byte) {
		mml_model_set(model, to, new_nr, 0);
		mml_model_set(model, first + nr, old_nr - nr, 0);
	}
	if (!err) {
		KUNIT_ASSERT_EQ(model->test, addr, mml_model_addr(to));
		memcpy(tags, &model->tag[first], nr * sizeof(u32));
		mml_model_set(model, first, nr, flags & MREMAP_DONTUNMAP ? byte : 0);
		mml_model_set(model, to, new_nr, byte);
		memcpy(&model->tag[to], tags, nr * sizeof(u32));
	}
	mml_model_expect(model);
	return err;
}

int mml_model_dontneed(struct mml_model *model, int first, int nr)
{
	bool hole = memchr(&model->page[first], 0, nr);
	int err;

	err = mml_madvise(&model->mm, mml_model_addr(first), nr * PAGE_SIZE,
			  MADV_DONTNEED);
	KUNIT_ASSERT_EQ(model->test, err, hole ? -ENOMEM : 0);
	memset(&model->tag[first], 0, nr * sizeof(model->tag[0]));
	mml_model_expect(model);
	return err;
}

/* What an access to a page with @byte comes to: x86 cannot forbid reading alone. */
static enum mml_fault_result mml_model_verdict(u8 byte, unsigned int flags)
{
	unsigned long need = PROT_READ | PROT_WRITE | PROT_EXEC;

	if (!byte)
		return MML_FAULT_MAPERR;
	if (flags & MML_FAULT_WRITE)
		need = PROT_WRITE;
	else if (flags & MML_FAULT_EXEC)
		need = PROT_EXEC;
	return byte & need ? MML_FAULT_DONE : MML_FAULT_ACCERR;
}

/* Access a page as the process would, through the window. */
void mml_model_fault(struct mml_model *model, int page, unsigned int flags)
{
	struct mml_fault fault = {
		.address = mml_model_addr(page),
		.flags = flags,
		.gfp = GFP_KERNEL,
		.window = model,
	};

	KUNIT_ASSERT_EQ(model->test, mml_handle_mm_fault(&model->mm, &fault),
			mml_model_verdict(model->page[page], flags));
}

/* Write @tag to the ends of each of @nr pages, where that is allowed. */
void mml_model_write(struct mml_model *model, int first, int nr, u32 tag)
{
	int page, done;

	for (page = first; page < first + nr; page++) {
		bool allowed = model->page[page] & PROT_WRITE;
		int want = allowed ? sizeof(tag) : -EFAULT;

		done = mml_access(&model->mm, mml_model_addr(page), &tag, sizeof(tag),
				  true);
		KUNIT_ASSERT_EQ(model->test, done, want);
		done = mml_access(&model->mm, mml_model_addr(page + 1) - sizeof(tag),
				  &tag, sizeof(tag), true);
		KUNIT_ASSERT_EQ(model->test, done, want);
		if (allowed)
			model->tag[page] = tag;
	}
	mml_model_expect(model);
}

/*
 * A CPU writes @tag to the ends of @nr pages, where that is allowed: through what the real page table
 * would say, which nobody hears of, and by a fault where that does not do.
 */
void mml_model_poke(struct mml_model *model, int first, int nr, u32 tag)
{
	int page;

	for (page = first; page < first + nr; page++) {
		mml_pte_t *tlb = &model->tlb[page];
		u32 *words;

		if (!mml_pte_write(*tlb))
			mml_model_fault(model, page, MML_FAULT_WRITE);
		if (!(model->page[page] & PROT_WRITE))
			continue;
		KUNIT_ASSERT_TRUE(model->test, mml_pte_write(*tlb));
		tlb->val |= MML_PTE_ACCESSED | MML_PTE_DIRTY;
		words = (u32 *)mml_words(model, *tlb);
		words[0] = tag;
		words[PAGE_SIZE / sizeof(u32) - 1] = tag;
		model->tag[page] = tag;
	}
	mml_model_expect(model);
}

/* Access @nr pages in one random way. */
static void mml_model_random_touch(struct mml_model *model, struct rnd_state *rnd,
				   int first, int nr)
{
	static const unsigned int flags[] = { 0, MML_FAULT_WRITE, MML_FAULT_EXEC };
	int i = mml_test_below(rnd, ARRAY_SIZE(flags) + 2), page;

	if (i == ARRAY_SIZE(flags)) {
		mml_model_write(model, first, nr, prandom_u32_state(rnd));
		return;
	}
	if (i > ARRAY_SIZE(flags)) {
		mml_model_poke(model, first, nr, prandom_u32_state(rnd));
		return;
	}
	for (page = first; page < first + nr; page++)
		mml_model_fault(model, page, flags[i]);
	mml_model_expect(model);
}

/*
 * mremap() to a random place, or none if it would overlap. MREMAP_DONTUNMAP, after which vmas
 * need not be merged, only in a child of fork, of whose vmas that holds already.
 */
static void mml_model_random_mremap_to(struct mml_model *model, struct rnd_state *rnd, int first,
				       int nr)
{
	bool keep = model->mm.unmerged && mml_test_below(rnd, 2);
	int to = mml_test_below(rnd, MML_MODEL_PAGES);
	int new_nr = keep ? nr : 1 + mml_test_below(rnd, MML_MODEL_RUN);

	if (to + new_nr <= MML_MODEL_PAGES && (to >= first + nr || to + new_nr <= first))
		mml_model_mremap_to(model, first, nr, new_nr, keep ? MREMAP_DONTUNMAP : 0, to);
}

/* One random call on a random range; @touch: or an access to its pages. */
void mml_model_random_op(struct mml_model *model, struct rnd_state *rnd, bool touch)
{
	static const unsigned long how[] = { MAP_FIXED, MAP_FIXED_NOREPLACE, 0, 0 };
	int first = mml_test_below(rnd, MML_MODEL_PAGES);
	int nr = 1 + mml_test_below(rnd, min(MML_MODEL_RUN, MML_MODEL_PAGES - first));
	unsigned long prot = mml_test_below(rnd, PROT_READ + PROT_WRITE + PROT_EXEC + 1);
	int op = mml_test_below(rnd, touch ? 15 : 9);

	switch (op) {
	case 0 ... 3:
		mml_model_mmap(model, op == 3 ? -1 : first, nr, prot, how[op] |
			       (mml_test_below(rnd, 4) ? 0 : MAP_NORESERVE));
		break;
	case 4:
		mml_model_munmap(model, first, nr);
		break;
	case 5:
		mml_model_mprotect(model, first, nr, prot);
		break;
	case 6:
		mml_model_mremap(model, &first, nr, 1 + mml_test_below(rnd, MML_MODEL_RUN),
				 mml_test_below(rnd, 2) ? MREMAP_MAYMOVE : 0);
		break;
	case 7:
		mml_model_dontneed(model, first, nr);
		break;
	case 8:
		mml_model_random_mremap_to(model, rnd, first, nr);
		break;
	default:
		mml_model_random_touch(model, rnd, first, nr);
	}
}
