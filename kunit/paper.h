/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An address space on paper: see paper.c.
 */
#ifndef _MML_KUNIT_PAPER_H
#define _MML_KUNIT_PAPER_H

#include <linux/types.h>

#define MML_PAPER_PAGES		64
#define MML_LINE_TEXT		256

/* What a letter stands for; the last has no name. */
struct mml_letter {
	char name;
	unsigned long prot;
	unsigned long vm_flags;
};

/* An advice that is a flag of a vma, and what takes it back; the last has no name. */
struct mml_mark {
	char name;
	int advice;
	int undo;
	unsigned long vm_flag;
};

extern const struct mml_mark mml_marks[];

enum mml_call_kind {
	MML_MMAP, MML_MUNMAP, MML_MPROTECT, MML_MADVISE, MML_RESIZE, MML_MOVE, MML_KEEP, MML_STORE,
};

/**
 * struct mml_call - a call, or a write
 * @name: for the log
 * @kind: which
 * @first: page
 * @nr: pages
 * @arg: a letter; or an advice; or a new number of pages
 * @to: page to which it is moved
 */
struct mml_call {
	const char *name;
	enum mml_call_kind kind;
	int first;
	int nr;
	int arg;
	int to;
};

/* A vma, as either side has it. @anon: what tells its anon_vma from others; 0: none. */
struct mml_piece {
	int first;
	int nr;
	unsigned long vm_flags;
	long pgoff;
	unsigned long anon;
};

struct mml_line {
	char text[MML_LINE_TEXT];
	int len;
	int page;
	unsigned long anon[MML_PAPER_PAGES];
	int nr_anon;
};

/* A page. @anon: the number of its vma's anon_vma, or 0; @begins: not the vma of the page before */
struct mml_cell {
	bool mapped;
	bool begins;
	unsigned long vm_flags;
	long pgoff;
	unsigned long anon;
};

/* @inherited: the last of the anon_vmas that fork made: those have ancestors. */
struct mml_paper {
	struct mml_cell cell[MML_PAPER_PAGES + 1];
	unsigned long nr_anon;
	unsigned long inherited;
};

/* Lines. */
const struct mml_letter *mml_letter(char name);
const struct mml_letter *mml_letter_of(unsigned long vm_flags);
void mml_line_piece(struct mml_line *line, const struct mml_piece *piece);
void mml_line_of_paper(struct mml_line *line, const struct mml_paper *paper);
bool mml_parse_piece(const char **text, int *page, struct mml_piece *piece);

/* Calls. */
int mml_paper_call(struct mml_paper *paper, const struct mml_call *call);
void mml_paper_fork(struct mml_paper *paper);

#endif /* _MML_KUNIT_PAPER_H */
