// SPDX-License-Identifier: GPL-2.0
/*
 * Suite mml_vma_table: which vmas become one, and which are split, by a table.
 *
 * Each row of mml_rows[] is an address space, written as a line (see paper.c), a call, and the
 * line that comes of it, by hand. Both the lab and the paper have to come to that. And mml_slots[]
 * are vmas of two pages; of each three of them that can lie beside each other, each call of
 * mml_calls[] makes in the lab what it makes on paper: in a first process, and in a child of
 * fork.
 */
#include "kunit/model.h"
#include "kunit/paper.h"

#define MML_TABLE_FRAMES	512
#define MML_TABLE_SLOTS		3
#define MML_SLOT_PAGES		2
/* Where those come from that were moved: page 40 and so on. */
#define MML_SLOT_MOVED		40
/* No fewer can lie beside each other. */
#define MML_TABLE_ARRANGEMENTS	500

/* A call as a row has it. */
#define CALL(kind, args, ...)	{ #kind "(" args ")", MML_##kind, __VA_ARGS__ }
#define MMAP(...)		CALL(MMAP, #__VA_ARGS__, __VA_ARGS__)
#define MUNMAP(...)		CALL(MUNMAP, #__VA_ARGS__, __VA_ARGS__)
#define MPROTECT(...)		CALL(MPROTECT, #__VA_ARGS__, __VA_ARGS__)
#define MADVISE(...)		CALL(MADVISE, #__VA_ARGS__, __VA_ARGS__)
/* mremap: in place; to a place; and with MREMAP_DONTUNMAP. */
#define RESIZE(...)		CALL(RESIZE, #__VA_ARGS__, __VA_ARGS__)
#define MOVE(...)		CALL(MOVE, #__VA_ARGS__, __VA_ARGS__)
#define KEEP(first, nr, to)	CALL(KEEP, #first ", " #nr ", " #to, first, nr, nr, to)
#define STORE(...)		CALL(STORE, #__VA_ARGS__, __VA_ARGS__)


/*
 * The lab.
 */

/* What the lab has. */
static void mml_line_of_mm(struct mml_line *line, struct mml_mm *mm)
{
	struct mml_vma *vma;

	memset(line, 0, sizeof(*line));
	down_read(&mm->mmap_lock);
	for (vma = mml_find_vma(mm, 0); vma; vma = mml_find_vma(mm, vma->vm_end)) {
		struct mml_piece piece = {
			.first = (vma->vm_start - MML_MODEL_START) >> PAGE_SHIFT,
			.nr = mml_vma_pages(vma),
			.vm_flags = vma->vm_flags,
			.pgoff = vma->vm_pgoff - (MML_MODEL_START >> PAGE_SHIFT),
			.anon = (unsigned long)vma->anon_vma,
		};

		mml_line_piece(line, &piece);
	}
	up_read(&mm->mmap_lock);
}

static int mml_lab_write(struct mml_mm *mm, int first, int nr)
{
	u32 word = 1;
	int page;

	for (page = first; page < first + nr; page++)
		if (mml_access(mm, mml_model_addr(page), &word, sizeof(word), true) != sizeof(word))
			return -EFAULT;
	return 0;
}

static int mml_lab_call(struct mml_mm *mm, const struct mml_call *call)
{
	unsigned long addr = mml_model_addr(call->first), len = call->nr * PAGE_SIZE, flags;
	const struct mml_letter *letter;

	switch (call->kind) {
	case MML_MMAP:
		letter = mml_letter(call->arg);
		flags = letter->vm_flags & VM_NORESERVE ? MAP_NORESERVE : 0;
		return mml_mmap(mm, &addr, len, letter->prot,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | flags);
	case MML_MUNMAP:
		return mml_munmap(mm, addr, len);
	case MML_MPROTECT:
		return mml_mprotect(mm, addr, len, mml_letter(call->arg)->prot);
	case MML_MADVISE:
		return mml_madvise(mm, addr, len, call->arg);
	case MML_RESIZE:
		return mml_mremap(mm, &addr, len, call->arg * PAGE_SIZE, 0, 0);
	case MML_MOVE:
	case MML_KEEP:
		flags = call->kind == MML_KEEP ? MREMAP_DONTUNMAP : 0;
		return mml_mremap(mm, &addr, len, call->arg * PAGE_SIZE,
				  MREMAP_MAYMOVE | MREMAP_FIXED | flags, mml_model_addr(call->to));
	case MML_STORE:
		return mml_lab_write(mm, call->first, call->nr);
	}
	return -EOPNOTSUPP;
}

/*
 * Both.
 */

/**
 * struct mml_table - an address space in the lab and on paper
 * @test: of which test
 * @parent: the first process's
 * @child: a child's, which begins anew with each fork
 * @model: of which the paper is
 * @paper: what it should be
 * @found: the line of @model
 * @wanted: the line of @paper
 * @before: the line before the call, for the log
 */
struct mml_table {
	struct kunit *test;
	struct mml_model *parent;
	struct mml_model *child;
	struct mml_model *model;
	struct mml_paper paper;
	struct mml_line found;
	struct mml_line wanted;
	char before[MML_LINE_TEXT];
};

static struct mml_table *mml_table(struct kunit *test)
{
	struct mml_table *table = kunit_kzalloc(test, sizeof(*table), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, table);
	table->test = test;
	table->parent = mml_model(test, MML_TABLE_FRAMES);
	table->child = mml_model_child(table->parent);
	return table;
}

/* An empty address space. The child of the last one exits first. */
static void mml_table_clear(struct mml_table *table)
{
	struct mml_mm *mm = &table->child->mm;

	mml_exit_mmap(mm);
	mml_mm_init(mm, mm->machine, mm->counter, mm->common, mm->window_ops);
	table->model = table->parent;
	KUNIT_ASSERT_EQ(table->test, 0, mml_munmap(&table->parent->mm, MML_MODEL_START,
						   MML_MODEL_PAGES * PAGE_SIZE));
	memset(&table->paper, 0, sizeof(table->paper));
}

static void mml_table_call(struct mml_table *table, const struct mml_call *call)
{
	int wanted = mml_paper_call(&table->paper, call);

	KUNIT_ASSERT_EQ_MSG(table->test, mml_lab_call(&table->model->mm, call), wanted, "%s: %s",
			    table->before, call->name);
}

/* Both are the same, and valid. */
static void mml_table_compare(struct mml_table *table, const char *name)
{
	struct mml_validation v = {};

	mml_line_of_mm(&table->found, &table->model->mm);
	mml_line_of_paper(&table->wanted, &table->paper);
	KUNIT_ASSERT_STREQ_MSG(table->test, table->found.text, table->wanted.text, "%s: %s",
			       table->before, name);
	mml_mm_validate(&table->model->mm, &v);
	KUNIT_ASSERT_EQ_MSG(table->test, v.violations, 0, "%s: %s", table->before, name);
}

static void mml_table_fork(struct mml_table *table)
{
	struct mml_mm *mm = &table->parent->mm;

	mml_fork_prepare(mm);
	mm->window_ops->revoke(mm, MML_MODEL_START, mml_model_addr(MML_MODEL_PAGES));
	KUNIT_ASSERT_EQ(table->test, 0, mml_dup_mmap(&table->child->mm, mm));
	table->model = table->child;
	mml_paper_fork(&table->paper);
	mml_table_compare(table, "fork");
}

/*
 * One vma of a line. Until it is what it should be, it allows everything, as none of a line does;
 * and it is not dumped while it is written if it is to have an anon_vma of its own: no neighbour
 * is its like then.
 */
static void mml_table_build_piece(struct mml_table *table, const struct mml_piece *piece, bool own)
{
	bool noreserve = piece->vm_flags & VM_NORESERVE;
	const struct mml_call calls[] = {
		MMAP(piece->pgoff, piece->nr, noreserve ? 'X' : 'x'),
		MADVISE(piece->pgoff, piece->nr, own ? MADV_DONTDUMP : MADV_DODUMP),
		STORE(piece->pgoff, piece->anon ? piece->nr : 0),
		MOVE(piece->pgoff, piece->nr, piece->nr, piece->first),
		MPROTECT(piece->first, piece->nr, mml_letter_of(piece->vm_flags)->name),
	};
	const struct mml_call undo = MADVISE(piece->first, piece->nr, MADV_DODUMP);
	const struct mml_mark *mark;
	int i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].kind != MML_MOVE || piece->first != piece->pgoff)
			mml_table_call(table, &calls[i]);
	for (mark = mml_marks; mark->name; mark++) {
		const struct mml_call advise = MADVISE(piece->first, piece->nr, mark->advice);

		if (piece->vm_flags & mark->vm_flag)
			mml_table_call(table, &advise);
	}
	if (!(piece->vm_flags & VM_DONTDUMP))
		mml_table_call(table, &undo);
}

/* The vmas of @line that were written, or that were not. */
static void mml_table_build_some(struct mml_table *table, const char *line, bool written)
{
	unsigned long anon = 0;
	struct mml_piece piece;
	int page = 0;

	while (mml_parse_piece(&line, &page, &piece)) {
		if (!piece.anon == !written)
			mml_table_build_piece(table, &piece, piece.anon != anon);
		anon = piece.anon;
	}
}

/* Make what @line says. Returns: whether there can be such an address space. */
static bool mml_table_build(struct mml_table *table, const char *line)
{
	mml_table_clear(table);
	strscpy(table->before, line);
	mml_table_build_some(table, line, false);
	mml_table_build_some(table, line, true);
	mml_table_compare(table, "built");
	return !strcmp(table->wanted.text, line);
}

/*
 * The rows.
 */

struct mml_row {
	const char *before;
	struct mml_call call;
	const char *after;
	bool forked;
};

static const struct mml_row mml_rows[] = {
	/* The eight cases that the kernel numbers, and those of mmap() into a hole first. */
	{ "[ww]..[ww]", MMAP(2, 2, 'w'), "[wwwwww]" },
	{ "[ww]..[rr]", MMAP(2, 2, 'w'), "[wwww][rr]" },
	{ "[rr]..[ww]", MMAP(2, 2, 'w'), "[rr][wwww]" },
	{ "[rrrr][ww]", MPROTECT(2, 2, 'w'), "[rr][wwww]" },
	{ "[ww][rrrr]", MPROTECT(2, 2, 'w'), "[wwww][rr]" },
	{ "[ww][rr][ww]", MPROTECT(2, 2, 'w'), "[wwwwww]" },
	{ "[ww][rr][--]", MPROTECT(2, 2, 'w'), "[wwww][--]" },
	{ "[--][rr][ww]", MPROTECT(2, 2, 'w'), "[--][wwww]" },
	/* No neighbour is its like; and in the middle it has none. */
	{ "[rr][--][rr]", MPROTECT(2, 2, 'w'), "[rr][ww][rr]" },
	{ "[rrrrrr]", MPROTECT(2, 2, 'w'), "[rr][ww][rr]" },
	{ "[rrrr]", MPROTECT(0, 2, 'w'), "[ww][rr]" },
	{ "[rrrr]", MPROTECT(2, 2, 'w'), "[rr][ww]" },
	{ "[rr]..[rr]", MMAP(2, 2, 'w'), "[rr][ww][rr]" },
	{ "[rr].[rr]", MMAP(2, 1, 'r'), "[rrrrr]" },
	{ ".[rr]", MMAP(0, 1, 'r'), "[rrr]" },

	/* The same eight where something was written. */
	{ "[ww1]..[ww]", MMAP(2, 2, 'w'), "[wwwwww1]" },
	{ "[ww]..[ww1]", MMAP(2, 2, 'w'), "[wwwwww1]" },
	{ "[ww1]..[ww2]", MMAP(2, 2, 'w'), "[wwww1][ww2]" },
	{ "[ww1]..[RR2]", MMAP(2, 2, 'w'), "[wwww1][RR2]" },
	{ "[RR1]..[ww2]", MMAP(2, 2, 'w'), "[RR1][wwww2]" },
	{ "[rrrr][ww1]", MPROTECT(2, 2, 'w'), "[rr][wwww1]" },
	{ "[RRRR1][ww]", MPROTECT(2, 2, 'w'), "[RR1][ww1][ww]" },
	{ "[RRRR1][ww1]", MPROTECT(2, 2, 'w'), "[RR1][wwww1]" },
	{ "[RRRR1][ww2]", MPROTECT(2, 2, 'w'), "[RR1][ww1][ww2]" },
	{ "[ww1][rrrr]", MPROTECT(2, 2, 'w'), "[wwww1][rr]" },
	{ "[ww][RRRR1]", MPROTECT(2, 2, 'w'), "[ww][ww1][RR1]" },
	{ "[ww1][RRRR1]", MPROTECT(2, 2, 'w'), "[wwww1][RR1]" },
	{ "[ww1][RRRR2]", MPROTECT(2, 2, 'w'), "[ww1][ww2][RR2]" },
	{ "[ww1][rr][ww2]", MPROTECT(2, 2, 'w'), "[wwww1][ww2]" },
	{ "[ww1][rr][ww]", MPROTECT(2, 2, 'w'), "[wwwwww1]" },
	{ "[ww][rr][ww1]", MPROTECT(2, 2, 'w'), "[wwwwww1]" },
	{ "[ww1][RR1][ww1]", MPROTECT(2, 2, 'w'), "[wwwwww1]" },
	{ "[ww1][RR1][ww2]", MPROTECT(2, 2, 'w'), "[wwww1][ww2]" },
	{ "[ww1][RR2][ww2]", MPROTECT(2, 2, 'w'), "[ww1][wwww2]" },
	{ "[ww1][RR2][ww3]", MPROTECT(2, 2, 'w'), "[ww1][ww2][ww3]" },
	{ "[ww][RR1][ww]", MPROTECT(2, 2, 'w'), "[ww][ww1][ww]" },
	{ "[ww][RR1][ww1]", MPROTECT(2, 2, 'w'), "[ww][wwww1]" },
	{ "[ww1][RR1][ww]", MPROTECT(2, 2, 'w'), "[wwww1][ww]" },

	/* What counts as another's pages continues nothing. */
	{ "[ww1]..[ww2@40]", MMAP(2, 2, 'w'), "[wwww1][ww2@40]" },
	{ "[ww1@40]..[ww2]", MMAP(2, 2, 'w'), "[ww1@40][wwww2]" },
	{ "[ww1@40]..[ww2@50]", MMAP(2, 2, 'w'), "[ww1@40][ww][ww2@50]" },
	{ "[ww1@40]..[ww]", MMAP(2, 2, 'w'), "[ww1@40][wwww]" },
	{ "[ww1][RR2@40][ww3]", MPROTECT(2, 2, 'w'), "[ww1][ww2@40][ww3]" },
	{ "[ww][RR1@40][ww]", MPROTECT(2, 2, 'w'), "[ww][ww1@40][ww]" },
	{ "[RRRR1@40]", MPROTECT(1, 2, 'w'), "[R1@40][ww1@41][R1@43]" },

	/* Accounted for, or not. */
	{ "[ww]", MPROTECT(0, 2, 'r'), "[rr]" },
	{ "[ww1]", MPROTECT(0, 2, 'r'), "[RR1]" },
	{ "[RR1]", MMAP(2, 2, 'r'), "[RR1][rr]" },
	{ "[RR1][rr]", MPROTECT(0, 4, 'w'), "[wwww1]" },
	{ "[rr][RR1]", MPROTECT(0, 4, 'w'), "[ww][ww1]" },
	{ "[nn]", MPROTECT(0, 2, 'r'), "[NN]" },
	{ "[NN]", MPROTECT(0, 2, 'w'), "[nn]" },
	{ "[nn]..[ww]", MMAP(2, 2, 'w'), "[nn][wwww]" },
	{ "[nn]..[ww]", MMAP(2, 2, 'n'), "[nnnn][ww]" },
	{ "[NN][rr]", MPROTECT(0, 4, 'w'), "[nn][ww]" },
	{ "[ww1][--]", MPROTECT(0, 4, 'r'), "[RR1][rr]" },

	/* Several vmas in one call, and a hole. */
	{ "[ww][rr][--]", MPROTECT(0, 6, 'r'), "[rrrrrr]" },
	{ "[ww][rr][--]", MPROTECT(1, 4, 'r'), "[w][rrrr][-]" },
	{ "[ww][rr].[--]", MPROTECT(1, 6, '-'), "[w][---].[--]" },
	{ "[ww].[ww]", MPROTECT(0, 5, 'r'), "[rr].[ww]" },
	{ "[ww1][rr][ww2]", MPROTECT(0, 6, 'x'), "[xxxx1][xx2]" },
	{ "[ww1][rr][ww2]", MPROTECT(1, 4, 'x'), "[w1][xxx1][x2][w2]" },
	{ "[rr]", MPROTECT(0, 2, 'r'), "[rr]" },

	/* munmap() */
	{ "[wwwwww]", MUNMAP(2, 2), "[ww]..[ww]" },
	{ "[wwwwww1]", MUNMAP(2, 2), "[ww1]..[ww1]" },
	{ "[wwww1@40]", MUNMAP(1, 2), "[w1@40]..[w1@43]" },
	{ "[ww][rr][ww]", MUNMAP(1, 4), "[w]....[w]" },
	{ "[ww][rr][ww]", MUNMAP(2, 2), "[ww]..[ww]" },
	{ "[ww][rr]", MUNMAP(0, 4), "" },
	{ "[ww].[rr]", MUNMAP(1, 3), "[w]...[r]" },

	/* mmap() over others */
	{ "[ww][rr][ww]", MMAP(2, 2, 'w'), "[wwwwww]" },
	{ "[ww1][RR1][ww1]", MMAP(2, 2, 'w'), "[wwwwww1]" },
	{ "[ww1][RR2][ww3]", MMAP(2, 2, 'w'), "[wwww1][ww2]" },
	{ "[wwwwww1]", MMAP(2, 2, 'w'), "[wwwwww1]" },
	{ "[wwwwww1@40]", MMAP(2, 2, 'w'), "[ww1@40][ww][ww1@44]" },
	{ "[ww1@40][rr]", MMAP(0, 2, 'r'), "[rrrr]" },
	{ "[ww][rr][ww]", MMAP(1, 4, '-'), "[w][----][w]" },
	{ "[wwww1]", MMAP(0, 4, 'w'), "[wwww]" },

	/* madvise(): other flags, the same rules */
	{ "[wwwwww]", MADVISE(2, 2, MADV_SEQUENTIAL), "[ww][ww~][ww]" },
	{ "[ww~][ww]", MADVISE(2, 2, MADV_SEQUENTIAL), "[wwww~]" },
	{ "[ww~][ww][ww~]", MADVISE(0, 6, MADV_NORMAL), "[wwwwww]" },
	{ "[ww~1][ww][ww~2]", MADVISE(2, 2, MADV_SEQUENTIAL), "[wwww~1][ww~2]" },
	{ "[ww][ww~1][ww]", MADVISE(2, 2, MADV_NORMAL), "[ww][ww1][ww]" },
	{ "[ww1][ww~][ww]", MADVISE(2, 2, MADV_NORMAL), "[wwwwww1]" },
	{ "[ww~][rr]", MPROTECT(2, 2, 'w'), "[ww~][ww]" },
	{ "[ww~]..[ww~]", MMAP(2, 2, 'w'), "[ww~][ww][ww~]" },
	{ "[ww].[rr]", MADVISE(0, 5, MADV_DONTFORK), "[ww!].[rr!]" },
	{ "[ww~][ww!]", MADVISE(0, 4, MADV_SEQUENTIAL), "[ww~][ww~!]" },
	{ "[ww~!][ww~]", MADVISE(0, 2, MADV_DOFORK), "[wwww~]" },
	{ "[ww?][ww]", MADVISE(0, 4, MADV_DODUMP), "[wwww]" },
	{ "[wwww1@40]", MADVISE(2, 2, MADV_DONTDUMP), "[ww1@40][ww?1@42]" },

	/* mremap() in place */
	{ "[wwww]", RESIZE(0, 4, 2), "[ww]" },
	{ "[wwww]", RESIZE(0, 2, 1), "[w].[ww]" },
	{ "[ww][rr]", RESIZE(0, 4, 3), "[ww][r]" },
	{ "[ww]", RESIZE(0, 2, 4), "[wwww]" },
	{ "[ww1@40]", RESIZE(0, 2, 4), "[wwww1@40]" },
	{ "[ww]..[ww]", RESIZE(0, 2, 4), "[wwwwww]" },
	{ "[ww]..[rr]", RESIZE(0, 2, 4), "[wwww][rr]" },
	{ "[ww]..[ww]", RESIZE(0, 2, 3), "[www].[ww]" },
	{ "[ww]..[ww1]", RESIZE(0, 2, 4), "[wwwwww1]" },
	{ "[ww1]..[ww]", RESIZE(0, 2, 4), "[wwww1][ww]" },
	{ "[ww1]..[ww2]", RESIZE(0, 2, 4), "[wwww1][ww2]" },
	{ "[ww]..[ww1@40]", RESIZE(0, 2, 4), "[wwww][ww1@40]" },
	{ "[ww]..[ww]", RESIZE(0, 2, 5), "[ww]..[ww]" },
	{ "[wwww]", RESIZE(0, 2, 3), "[wwww]" },
	{ "[ww][rr]", RESIZE(0, 3, 5), "[ww][rr]" },

	/* mremap() to a place */
	{ "[ww]", MOVE(0, 2, 2, 4), "....[ww]" },
	{ "[ww1]", MOVE(0, 2, 2, 4), "....[ww1@0]" },
	{ "....[ww1@0]", MOVE(4, 2, 2, 0), "[ww1]" },
	{ "[ww]....[ww]", MOVE(0, 2, 2, 4), "....[wwww]" },
	{ "[ww]....[ww1]", MOVE(0, 2, 2, 4), "....[wwww1]" },
	{ "[ww1]....[ww]", MOVE(0, 2, 2, 4), "....[ww1@0][ww]" },
	{ "[ww]..[ww1]..[ww2]", MOVE(0, 2, 2, 6), "....[wwww1][ww2]" },
	{ "[ww]..[ww]..[ww1]", MOVE(0, 2, 2, 6), "....[wwwwww1]" },
	{ "[wwwwww]", MOVE(2, 2, 2, 8), "[ww]..[ww]..[ww]" },
	{ "[wwwwww1]", MOVE(2, 2, 2, 8), "[ww1]..[ww1]..[ww1@2]" },
	{ "[wwwwww]", MOVE(2, 2, 2, 6), "[ww]..[wwww]" },
	{ "[wwww]", MOVE(0, 2, 2, 4), "..[wwww]" },
	{ "[wwww]", MOVE(0, 2, 4, 4), "..[wwwwww]" },
	{ "[ww]", MOVE(0, 2, 4, 4), "....[wwww]" },
	{ "[wwww]", MOVE(0, 4, 2, 4), "....[ww]" },
	{ "[ww][rr]", MOVE(0, 2, 2, 2), "..[ww]" },
	{ "[ww][rrrr]", MOVE(0, 2, 2, 3), "..[r][ww][r]" },
	{ "[ww][rr]", MOVE(0, 4, 4, 6), "[ww][rr]" },
	{ "[ww1][RR2][ww3]", MOVE(0, 2, 2, 2), "..[ww1@0][ww2]" },
	{ "[ww1@4].....[ww2]", MOVE(0, 2, 2, 4), "....[ww1].[ww2]" },
	{ "[ww1@4].....[ww]", MOVE(0, 2, 3, 4), "....[www1][ww]" },

	/* mremap() that leaves the old place mapped */
	{ "[ww]", KEEP(0, 2, 4), "[ww]..[ww]" },
	{ "[ww]", KEEP(0, 2, 2), "[ww][ww]" },
	{ "..[ww]", KEEP(2, 2, 0), "[ww][ww]" },
	{ "[ww]....[ww]", KEEP(0, 2, 2), "[ww][ww]..[ww]" },
	{ "[ww]..[ww]", KEEP(0, 2, 2), "[ww][wwww]" },
	{ "[ww1]", KEEP(0, 2, 4), "[ww]..[ww1@0]" },
	{ "[ww1]", KEEP(0, 2, 2), "[ww][ww1@0]" },
	{ "[ww1@40]", KEEP(0, 2, 4), "[ww]..[ww1@40]" },
	{ "[wwww1]", KEEP(1, 2, 6), "[wwww1]..[ww1@1]" },
	{ "[wwww1@40]", KEEP(0, 2, 6), "[wwww1@40]..[ww1@40]" },

	/* The first write: whose anon_vma it gets */
	{ "[ww]", STORE(0, 1), "[ww1]" },
	{ "[RR1][ww]", STORE(2, 2), "[RR1][ww1]" },
	{ "[ww][RR1]", STORE(0, 1), "[ww1][RR1]" },
	{ "[RR1][ww][RR2]", STORE(2, 1), "[RR1][ww2][RR2]" },
	{ "[RR1].[ww]", STORE(3, 1), "[RR1].[ww2]" },
	{ "[RR~1][ww]", STORE(2, 1), "[RR~1][ww2]" },
	{ "[RR1@40][ww]", STORE(2, 1), "[RR1@40][ww2]" },
	{ "[ww][RR1@40]", STORE(0, 1), "[ww1][RR2@40]" },
	{ "[nn1][ww]", STORE(2, 1), "[nn1][ww2]" },
	{ "[ww][rr][ww1]", STORE(0, 1), "[ww1][rr][ww2]" },

	/* What a child got from its parent takes nobody in. */
	{ "[ww1]", MMAP(2, 2, 'w'), "[ww1][ww]", true },
	{ "..[ww1]", MMAP(0, 2, 'w'), "[ww][ww1]", true },
	{ "[ww]", MMAP(2, 2, 'w'), "[wwww]", true },
	{ "[ww1][rr]", MPROTECT(2, 2, 'w'), "[ww1][ww]", true },
	{ "[ww1]", MPROTECT(0, 1, 'r'), "[R1][w1]", true },
	{ "[ww1][RR1]", MPROTECT(2, 2, 'w'), "[ww1][ww2]", true },
	{ "[RR1][ww]", STORE(2, 1), "[RR1][ww2]", true },
	{ "[rr][ww]", STORE(2, 1), "[rr][ww1]", true },
	{ "[ww1]", RESIZE(0, 2, 4), "[wwww1]", true },
	{ "[ww]..[ww1]", RESIZE(0, 2, 4), "[wwww][ww1]", true },
	{ "[ww!1][rr]", MMAP(0, 2, 'r'), "[rrrr]", true },
	{ "[ww1]....[ww]", MOVE(0, 2, 2, 4), "....[ww1@0][ww]", true },
};

static void mml_row_desc(const struct mml_row *row, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s%s %s", row->before,
		 row->forked ? " in a child" : "", row->call.name);
}
KUNIT_ARRAY_PARAM(mml_row, mml_rows, mml_row_desc);

static void mml_vma_table_test_rows(struct kunit *test)
{
	const struct mml_row *row = test->param_value;
	struct mml_table *table = mml_table(test);

	KUNIT_ASSERT_TRUE(test, mml_table_build(table, row->before));
	if (row->forked)
		mml_table_fork(table);
	mml_table_call(table, &row->call);
	mml_table_compare(table, row->call.name);
	KUNIT_EXPECT_STREQ(test, table->found.text, row->after);
}

/*
 * All arrangements of three.
 */

/* Two pages each. #: an anon_vma of its own; =: that of the last one that has any; @: moved */
static const char * const mml_slots[] = {
	"..", "[rr]", "[ww]", "[nn]", "[ww~]", "[ww#]", "[ww=]", "[RR#]", "[RR=]", "[ww~#]",
	"[ww#@]", "[RR#@]",
};

/* On pages 2 to 8; two pages are free before, and more behind. */
static const struct mml_call mml_calls[] = {
	MMAP(4, 2, 'w'), MMAP(3, 4, 'w'), MMAP(2, 6, 'r'), MMAP(0, 2, 'w'), MMAP(8, 2, 'w'),
	MUNMAP(4, 2), MUNMAP(3, 4), MUNMAP(5, 1),
	MPROTECT(4, 2, 'w'), MPROTECT(4, 2, 'r'), MPROTECT(4, 2, 'x'), MPROTECT(5, 1, 'w'),
	MPROTECT(4, 1, 'r'), MPROTECT(3, 4, 'r'), MPROTECT(2, 6, 'w'), MPROTECT(2, 6, 'r'),
	MPROTECT(3, 2, '-'),
	MADVISE(4, 2, MADV_NORMAL), MADVISE(4, 2, MADV_SEQUENTIAL), MADVISE(3, 4, MADV_NORMAL),
	MADVISE(2, 6, MADV_NORMAL), MADVISE(5, 1, MADV_SEQUENTIAL), MADVISE(3, 4, MADV_DONTFORK),
	RESIZE(2, 2, 4), RESIZE(2, 4, 6), RESIZE(4, 2, 4), RESIZE(4, 2, 1), RESIZE(6, 2, 5),
	MOVE(2, 2, 2, 4), MOVE(2, 2, 2, 8), MOVE(4, 2, 2, 8), MOVE(4, 2, 2, 0), MOVE(6, 2, 4, 0),
	MOVE(3, 2, 2, 6), MOVE(4, 2, 1, 10), MOVE(6, 2, 2, 4),
	STORE(2, 1), STORE(4, 1), STORE(7, 1),
	/* The last: what they leave need not be merged, and the validator does not ask for it. */
	KEEP(4, 2, 8), KEEP(6, 2, 8), KEEP(2, 2, 0), KEEP(4, 1, 10), KEEP(2, 2, 6),
};
KUNIT_ARRAY_PARAM_DESC(mml_call, mml_calls, name);

/* One slot of a line: its anon_vma, and where it was moved from, become numbers. */
static int mml_slot(char *line, int size, const char *slot, int place, int *anon)
{
	int len = 0;

	for (; *slot; slot++) {
		if (*slot == '#')
			len += scnprintf(line + len, size - len, "%d", ++*anon);
		else if (*slot == '=')
			len += scnprintf(line + len, size - len, "%d", *anon);
		else if (*slot == '@')
			len += scnprintf(line + len, size - len, "@%d",
					 MML_SLOT_MOVED + 2 * MML_SLOT_PAGES * place);
		else
			len += scnprintf(line + len, size - len, "%c", *slot);
	}
	return len;
}

/* The arrangement @number as a line; its digits, the last first, are slots. */
static void mml_arrangement(char *line, int size, int number)
{
	int len = scnprintf(line, size, ".."), anon = 0, place;

	for (place = 0; place < MML_TABLE_SLOTS; place++, number /= ARRAY_SIZE(mml_slots))
		len += mml_slot(line + len, size - len, mml_slots[number % ARRAY_SIZE(mml_slots)],
				place, &anon);
	/* Behind the last vma a line has no dots. */
	while (len && line[len - 1] == '.')
		line[--len] = 0;
}

/* Each arrangement that there can be: how many. */
static int mml_table_all(struct mml_table *table, const struct mml_call *call, bool forked)
{
	int number, all = int_pow(ARRAY_SIZE(mml_slots), MML_TABLE_SLOTS), cases = 0;
	char line[MML_LINE_TEXT / 4];

	for (number = 0; number < all; number++) {
		mml_arrangement(line, sizeof(line), number);
		if (!mml_table_build(table, line))
			continue;
		if (forked)
			mml_table_fork(table);
		mml_table_call(table, call);
		mml_table_compare(table, call->name);
		cases++;
		cond_resched();
	}
	return cases;
}

static void mml_vma_table_test_all(struct kunit *test)
{
	struct mml_table *table = mml_table(test);
	int first, child;

	first = mml_table_all(table, test->param_value, false);
	child = mml_table_all(table, test->param_value, true);
	kunit_info(test, "%d cases, and %d in a child", first, child);
	KUNIT_EXPECT_GE(test, first, MML_TABLE_ARRANGEMENTS);
	KUNIT_EXPECT_EQ(test, first, child);
}

static struct kunit_case mml_vma_table_cases[] = {
	KUNIT_CASE_PARAM(mml_vma_table_test_rows, mml_row_gen_params),
	KUNIT_CASE_PARAM(mml_vma_table_test_all, mml_call_gen_params),
	{}
};

static struct kunit_suite mml_vma_table_suite = {
	.name = "mml_vma_table",
	.test_cases = mml_vma_table_cases,
};
kunit_test_suite(mml_vma_table_suite);
