// SPDX-License-Identifier: GPL-2.0
/*
 * An address space as a line, a character a page, and the model of one.
 *
 *	[ww1]..[rr][ww~2@40]
 *
 *	[ ]	a vma			.	a page where nothing is mapped
 *	w r	what it allows: see mml_letters[]
 *	~ ! ?	MADV_SEQUENTIAL, MADV_DONTFORK, MADV_DONTDUMP
 *	1 2	it was written: its anon_vma, those of a line numbered as they come
 *	@40	it continues to count the page numbers of page 40, from which it was moved
 *
 * The paper is the model: a cell a page, and a vma is a run of cells. A call changes cells; two
 * vmas become one when the border between them is wiped out. Its rules are those of Linux 6.12
 * (mm/vma.c, mm/mprotect.c, mm/mremap.c), whose functions are named where they are; it shares
 * no code with the lab. It knows no limits, and no want of memory.
 */
#include <linux/ctype.h>
#include <linux/mman.h>
#include <linux/mm.h>

#include "kunit/paper.h"

static const struct mml_letter mml_letters[] = {
	{ '-', PROT_NONE, 0 },
	{ 'r', PROT_READ, VM_READ },
	/* It was writable once, and written then. */
	{ 'R', PROT_READ, VM_READ | VM_ACCOUNT },
	{ 'w', PROT_READ | PROT_WRITE, VM_READ | VM_WRITE | VM_ACCOUNT },
	{ 'x', PROT_READ | PROT_WRITE | PROT_EXEC, VM_ACCESS_FLAGS | VM_ACCOUNT },
	/* The same with MAP_NORESERVE. */
	{ 'N', PROT_READ, VM_READ | VM_NORESERVE },
	{ 'n', PROT_READ | PROT_WRITE, VM_READ | VM_WRITE | VM_NORESERVE },
	{ 'X', PROT_READ | PROT_WRITE | PROT_EXEC, VM_ACCESS_FLAGS | VM_NORESERVE },
	{}
};

const struct mml_mark mml_marks[] = {
	{ '~', MADV_SEQUENTIAL, MADV_NORMAL, VM_SEQ_READ },
	{ '!', MADV_DONTFORK, MADV_DOFORK, VM_DONTCOPY },
	{ '?', MADV_DONTDUMP, MADV_DODUMP, VM_DONTDUMP },
	{}
};

#define MML_MARKS		(VM_SEQ_READ | VM_DONTCOPY | VM_DONTDUMP)

/*
 * Lines.
 */

const struct mml_letter *mml_letter_of(unsigned long vm_flags)
{
	const struct mml_letter *letter = mml_letters;

	while (letter->name && letter->vm_flags != (vm_flags & ~MML_MARKS))
		letter++;
	return letter;
}

const struct mml_letter *mml_letter(char name)
{
	const struct mml_letter *letter = mml_letters;

	while (letter->name != name)
		letter++;
	return letter;
}

static __printf(2, 3) void mml_line_add(struct mml_line *line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	line->len += vscnprintf(line->text + line->len, MML_LINE_TEXT - line->len, format, args);
	va_end(args);
}

static int mml_line_anon(struct mml_line *line, unsigned long anon)
{
	int i = 0;

	while (i < line->nr_anon && line->anon[i] != anon)
		i++;
	if (i == line->nr_anon)
		line->anon[line->nr_anon++] = anon;
	return i + 1;
}

void mml_line_piece(struct mml_line *line, const struct mml_piece *piece)
{
	const struct mml_letter *letter = mml_letter_of(piece->vm_flags);
	const struct mml_mark *mark;

	for (; line->page < piece->first; line->page++)
		mml_line_add(line, ".");
	mml_line_add(line, "[");
	for (; line->page < piece->first + piece->nr; line->page++)
		mml_line_add(line, "%c", letter->name ?: '*');
	for (mark = mml_marks; mark->name; mark++)
		if (piece->vm_flags & mark->vm_flag)
			mml_line_add(line, "%c", mark->name);
	if (!letter->name)
		mml_line_add(line, "{%lx}", piece->vm_flags);
	if (piece->anon)
		mml_line_add(line, "%d", mml_line_anon(line, piece->anon));
	if (piece->pgoff != piece->first)
		mml_line_add(line, "@%ld", piece->pgoff);
	mml_line_add(line, "]");
}

/* The number that begins at *@text. */
static int mml_parse_number(const char **text)
{
	int number = 0;

	while (isdigit(**text))
		number = 10 * number + *(*text)++ - '0';
	return number;
}

/* The next vma of a line, *@page being where *@text is. Returns: whether there is one. */
bool mml_parse_piece(const char **text, int *page, struct mml_piece *piece)
{
	const struct mml_mark *mark;

	for (; **text == '.'; (*text)++)
		(*page)++;
	if (*(*text)++ != '[')
		return false;
	*piece = (struct mml_piece){ .first = *page, .pgoff = *page };
	piece->vm_flags = mml_letter(**text)->vm_flags;
	for (; isalpha(**text) || **text == '-'; (*text)++)
		piece->nr++;
	*page += piece->nr;
	for (mark = mml_marks; mark->name; mark++) {
		if (**text != mark->name)
			continue;
		piece->vm_flags |= mark->vm_flag;
		(*text)++;
	}
	piece->anon = mml_parse_number(text);
	if (**text == '@') {
		(*text)++;
		piece->pgoff = mml_parse_number(text);
	}
	(*text)++;
	return true;
}

/* Does a vma begin at @page, or a hole, or another hole? */
static bool mml_paper_border(const struct mml_paper *paper, int page)
{
	return page <= 0 || page >= MML_PAPER_PAGES || !paper->cell[page].mapped ||
	       !paper->cell[page - 1].mapped || paper->cell[page].begins;
}

static int mml_paper_start(const struct mml_paper *paper, int page)
{
	while (!mml_paper_border(paper, page))
		page--;
	return page;
}

static int mml_paper_end(const struct mml_paper *paper, int page)
{
	do
		page++;
	while (!mml_paper_border(paper, page));
	return page;
}

void mml_line_of_paper(struct mml_line *line, const struct mml_paper *paper)
{
	int page, end;

	memset(line, 0, sizeof(*line));
	for (page = 0; page < MML_PAPER_PAGES; page = end) {
		const struct mml_cell *cell = &paper->cell[page];
		struct mml_piece piece = { page, 0, cell->vm_flags, cell->pgoff, cell->anon };

		end = mml_paper_end(paper, page);
		piece.nr = end - page;
		if (cell->mapped)
			mml_line_piece(line, &piece);
	}
}

/* The first page of [@first, @end) where nothing is mapped, or @end. */
static int mml_paper_hole(const struct mml_paper *paper, int first, int end)
{
	while (first < end && paper->cell[first].mapped)
		first++;
	return first;
}

static bool mml_paper_is_free(const struct mml_paper *paper, int first, int end)
{
	while (first < end && !paper->cell[first].mapped)
		first++;
	return first >= end;
}

static void mml_paper_give(struct mml_paper *paper, int page, unsigned long anon)
{
	int end = mml_paper_end(paper, page);

	for (page = mml_paper_start(paper, page); page < end; page++)
		paper->cell[page].anon = anon;
}

/* is_mergeable_anon_vma(); @neighbour: a page of the vma that is asked for its chain, or NULL */
static bool mml_paper_anon_mergeable(const struct mml_paper *paper, unsigned long anon1,
				     unsigned long anon2, const struct mml_cell *neighbour)
{
	if ((!anon1 || !anon2) &&
	    (!neighbour || (neighbour->anon && neighbour->anon > paper->inherited)))
		return true;
	return anon1 == anon2;
}

/* can_vma_merge_after(), and can_vma_merge_before(): across the border at @page */
static bool mml_paper_can_merge(const struct mml_paper *paper, int page,
				const struct mml_cell *neighbour)
{
	const struct mml_cell *lower = &paper->cell[page - 1], *upper = &paper->cell[page];

	return lower->mapped && upper->mapped && lower->vm_flags == upper->vm_flags &&
	       lower->pgoff + 1 == upper->pgoff &&
	       mml_paper_anon_mergeable(paper, lower->anon, upper->anon, neighbour);
}

static void mml_paper_join(struct mml_paper *paper, int page)
{
	unsigned long anon = paper->cell[page - 1].anon ?: paper->cell[page].anon;

	paper->cell[page].begins = false;
	mml_paper_give(paper, page, anon);
}

/* [@first, @end) is new, or changed: can_vma_merge_left(), can_vma_merge_right() */
static void mml_paper_merge(struct mml_paper *paper, int first, int end, bool left, bool right)
{
	struct mml_cell *prev = first ? &paper->cell[first - 1] : NULL;
	struct mml_cell *next = &paper->cell[end];

	left = left && prev && mml_paper_can_merge(paper, first, prev);
	right = right && mml_paper_can_merge(paper, end, next) &&
		(!left || mml_paper_anon_mergeable(paper, prev->anon, next->anon, NULL));
	if (left)
		mml_paper_join(paper, first);
	if (right)
		mml_paper_join(paper, end);
}

/* vma_modify(): [@first, @end), of one vma */
static void mml_paper_modify(struct mml_paper *paper, int first, int end, unsigned long vm_flags)
{
	int page;

	if (paper->cell[first].vm_flags == vm_flags)
		return;
	paper->cell[first].begins = true;
	paper->cell[end].begins = true;
	for (page = first; page < end; page++)
		paper->cell[page].vm_flags = vm_flags;
	mml_paper_merge(paper, first, end, true, true);
}

static void mml_paper_set(struct mml_paper *paper, int first, int nr, const struct mml_cell *cell)
{
	int i;

	for (i = 0; i < nr; i++) {
		paper->cell[first + i] = *cell;
		paper->cell[first + i].pgoff += i;
		paper->cell[first + i].begins = !i;
	}
	paper->cell[first + nr].begins = true;
}

static int mml_paper_munmap(struct mml_paper *paper, int first, int nr)
{
	mml_paper_set(paper, first, nr, &(struct mml_cell){});
	return 0;
}

static int mml_paper_mmap(struct mml_paper *paper, int first, int nr, unsigned long vm_flags)
{
	mml_paper_set(paper, first, nr, &(struct mml_cell){
		.mapped = true, .vm_flags = vm_flags, .pgoff = first,
	});
	mml_paper_merge(paper, first, first + nr, true, true);
	return 0;
}

/* mprotect_fixup(), but for the limits */
static unsigned long mml_paper_protect(const struct mml_cell *cell, unsigned long access)
{
	unsigned long vm_flags = (cell->vm_flags & ~VM_ACCESS_FLAGS) | access;

	if (vm_flags == cell->vm_flags)
		return vm_flags;
	if (access & VM_WRITE) {
		if (!(cell->vm_flags & (VM_ACCOUNT | VM_WRITE | VM_NORESERVE)))
			vm_flags |= VM_ACCOUNT;
	} else if (!cell->anon) {
		vm_flags &= ~VM_ACCOUNT;
	}
	return vm_flags;
}

static int mml_paper_mprotect(struct mml_paper *paper, int first, int nr, unsigned long access)
{
	int end = mml_paper_hole(paper, first, first + nr), page, next;

	for (page = first; page < end; page = next) {
		next = min(mml_paper_end(paper, page), end);
		mml_paper_modify(paper, page, next, mml_paper_protect(&paper->cell[page], access));
	}
	return end < first + nr ? -ENOMEM : 0;
}

static unsigned long mml_paper_advise(unsigned long vm_flags, int advice)
{
	const struct mml_mark *mark;

	for (mark = mml_marks; mark->name; mark++) {
		if (advice == mark->advice)
			return vm_flags | mark->vm_flag;
		if (advice == mark->undo)
			return vm_flags & ~mark->vm_flag;
	}
	return vm_flags;
}

static int mml_paper_madvise(struct mml_paper *paper, int first, int nr, int advice)
{
	int end = first + nr, err = 0, page, next;

	for (page = first; page < end; page = next) {
		next = min(mml_paper_end(paper, page), end);
		if (paper->cell[page].mapped)
			mml_paper_modify(paper, page, next,
					 mml_paper_advise(paper->cell[page].vm_flags, advice));
		else
			err = -ENOMEM;
	}
	return err;
}

/* A page written: find_mergeable_anon_vma() */
static void mml_paper_write(struct mml_paper *paper, int page)
{
	int first = mml_paper_start(paper, page), end = mml_paper_end(paper, page), i;
	int border[] = { end, first };
	unsigned long anon = 0;

	if (paper->cell[page].anon)
		return;
	for (i = 0; i < ARRAY_SIZE(border) && !anon; i++) {
		const struct mml_cell *upper = &paper->cell[border[i]], *lower = upper - 1;
		const struct mml_cell *old = i ? lower : upper;

		/* Page 0 has nobody before it. */
		if (border[i] && lower->mapped && upper->mapped && old->anon > paper->inherited &&
		    !((lower->vm_flags ^ upper->vm_flags) & ~VM_ACCESS_FLAGS) &&
		    lower->pgoff + 1 == upper->pgoff)
			anon = old->anon;
	}
	mml_paper_give(paper, page, anon ?: ++paper->nr_anon);
}

/* mremap() in place: vma_to_resize(), vma_merge_extend() */
static int mml_paper_resize(struct mml_paper *paper, int first, int nr, int new_nr)
{
	int end = first + nr, new_end = first + new_nr;
	struct mml_cell cell = paper->cell[end - 1];

	if (!paper->cell[first].mapped)
		return -EFAULT;
	if (new_nr <= nr)
		return mml_paper_munmap(paper, new_end, nr - new_nr);
	if (mml_paper_end(paper, first) < end)
		return -EFAULT;
	if (mml_paper_end(paper, first) > end || !mml_paper_is_free(paper, end, new_end))
		return -ENOMEM;
	cell.pgoff++;
	mml_paper_set(paper, end, new_nr - nr, &cell);
	paper->cell[end].begins = false;
	mml_paper_merge(paper, first, new_end, false, true);
	return 0;
}

/* move_vma(), copy_vma(): [@first, @first + @nr), which is of one vma, to @to, where nothing is */
static void mml_paper_copy(struct mml_paper *paper, int first, int nr, int new_nr, int to,
			   bool keep)
{
	int start = mml_paper_start(paper, first), end = mml_paper_end(paper, first);
	struct mml_cell cell = paper->cell[first];
	bool distinct = keep && !cell.anon;
	int i;

	if (!cell.anon)
		cell.pgoff = to;
	mml_paper_set(paper, to, new_nr, &cell);
	mml_paper_merge(paper, to, to + new_nr, !(distinct && end == to),
			!(distinct && start == to + new_nr));
	if (!keep) {
		mml_paper_munmap(paper, first, nr);
	} else if (start == first && end == first + nr) {
		for (i = first; i < end; i++) {
			paper->cell[i].anon = 0;
			paper->cell[i].pgoff = i;
		}
	}
}

/* mremap_to(), MREMAP_FIXED */
static int mml_paper_move(struct mml_paper *paper, int first, int nr, int new_nr, int to,
			  bool keep)
{
	if (!paper->cell[first].mapped)
		return -EFAULT;
	if (first + nr > to && to + new_nr > first)
		return -EINVAL;
	mml_paper_munmap(paper, to, new_nr);
	if (nr > new_nr) {
		mml_paper_munmap(paper, first + new_nr, nr - new_nr);
		nr = new_nr;
	}
	if (mml_paper_end(paper, first) < first + nr)
		return -EFAULT;
	mml_paper_copy(paper, first, nr, new_nr, to, keep);
	return 0;
}

/* dup_mmap(), anon_vma_fork(): each vma that was written gets an anon_vma of its own. */
void mml_paper_fork(struct mml_paper *paper)
{
	int page, end;

	for (page = 0; page < MML_PAPER_PAGES; page = end) {
		end = mml_paper_end(paper, page);
		if (paper->cell[page].vm_flags & VM_DONTCOPY)
			mml_paper_munmap(paper, page, end - page);
		else if (paper->cell[page].anon)
			mml_paper_give(paper, page, ++paper->nr_anon);
	}
	paper->inherited = paper->nr_anon;
}

int mml_paper_call(struct mml_paper *paper, const struct mml_call *call)
{
	int page;

	switch (call->kind) {
	case MML_MMAP:
		return mml_paper_mmap(paper, call->first, call->nr,
				      mml_letter(call->arg)->vm_flags);
	case MML_MUNMAP:
		return mml_paper_munmap(paper, call->first, call->nr);
	case MML_MPROTECT:
		return mml_paper_mprotect(paper, call->first, call->nr,
					  mml_letter(call->arg)->vm_flags & VM_ACCESS_FLAGS);
	case MML_MADVISE:
		return mml_paper_madvise(paper, call->first, call->nr, call->arg);
	case MML_RESIZE:
		return mml_paper_resize(paper, call->first, call->nr, call->arg);
	case MML_MOVE:
	case MML_KEEP:
		return mml_paper_move(paper, call->first, call->nr, call->arg, call->to,
				      call->kind == MML_KEEP);
	case MML_STORE:
		for (page = call->first; page < call->first + call->nr; page++) {
			if (!(paper->cell[page].vm_flags & VM_WRITE))
				return -EFAULT;
			mml_paper_write(paper, page);
		}
		return 0;
	}
	return -EOPNOTSUPP;
}

