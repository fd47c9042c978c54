/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What only machines with an option do at each allocation and each free: the ledger
 * (page_owner.c), poisoning and zeroing (page_poison.c).
 *
 * MML_SLOW_DEBUG of machine->slow is set, as long as the page allocator is set up on the
 * machine, if it has any of the three. Whoever takes another way around an allocation or
 * a free asks for no more than that.
 */
#ifndef _MML_BUDDY_DEBUG_H
#define _MML_BUDDY_DEBUG_H

#include <linux/gfp.h>
#include <linux/sched.h>

#include "mm_lab/machine.h"

/**
 * struct mml_page_owner - who has a frame, and who had it
 * @ts_nsec: when its block was allocated, by mml_clock()
 * @free_ts_nsec: when it was last freed; 0: never
 * @handle: stack of the allocation, in the stack depot; 0: there was no memory for it
 * @free_handle: stack of the last free
 * @gfp_mask: what the block was asked for with
 * @pid: of the thread that allocated it
 * @tgid: of its process
 * @free_pid: of the thread that last freed it
 * @free_tgid: of its process
 * @comm: name of the thread that allocated it
 * @order: of the block
 * @mobility: the migratetype it was asked for with
 * @allocated: it is allocated, and this frame is its head; if not, all this is the past
 *
 * All fields are protected by the ledger's lock. @ts_nsec is 0 if the frame never was in
 * an allocated block. While a block is allocated only its head's record is of today.
 */
struct mml_page_owner {
	u64 ts_nsec;
	u64 free_ts_nsec;
	u32 handle;
	u32 free_handle;
	gfp_t gfp_mask;
	pid_t pid;
	pid_t tgid;
	pid_t free_pid;
	pid_t free_tgid;
	char comm[TASK_COMM_LEN];
	u8 order;
	u8 mobility;
	bool allocated;
};

static_assert(sizeof(struct mml_page_owner) <= 64);

/* Are frees filled with a pattern, which allocations look for? */
static inline bool mml_page_poisoning(const struct mml_machine *machine)
{
	return machine->options & BIT(MML_OPTION_PAGE_POISON) && mml_has_memory(machine);
}

/* Is what is free zeroed? As in the kernel, poisoning takes precedence. */
static inline bool mml_want_init_on_free(const struct mml_machine *machine)
{
	return machine->options & BIT(MML_OPTION_INIT_ON_FREE) &&
	       mml_has_memory(machine) && !mml_page_poisoning(machine);
}

/* debug.c */
int mml_debug_init(struct mml_machine *machine);
void mml_debug_exit(struct mml_machine *machine);
void mml_post_alloc_hook(struct mml_machine *machine, struct mml_page *page,
			 unsigned int order, gfp_t gfp);
void mml_free_pages_prepare(struct mml_machine *machine, struct mml_page *page,
			    unsigned int order);

/* page_owner.c */
int mml_page_owners_init(struct mml_machine *machine);
void mml_page_owners_exit(struct mml_machine *machine);
void mml_set_page_owner(struct mml_machine *machine, const struct mml_page *page,
			unsigned int order, gfp_t gfp);
void mml_split_page_owner(struct mml_machine *machine, unsigned long pfn,
			  unsigned int order);
void mml_reset_page_owner(struct mml_machine *machine, const struct mml_page *page,
			  unsigned int order);
bool mml_get_page_owner(const struct mml_machine *machine, unsigned long pfn,
			struct mml_page_owner *owner);
void mml_dump_page_owner(const struct mml_machine *machine, unsigned long pfn);
void mml_dump_block_owner(const struct mml_machine *machine, unsigned long pfn);
void mml_lost_blocks(struct mml_machine *machine,
		     const struct mml_page_ops * const *page_ops);
extern const struct file_operations mml_page_owner_fops;

/* page_poison.c */
void mml_fill_free_pages(const struct mml_machine *machine);
void mml_fill_pages(const struct mml_machine *machine, const struct mml_page *page,
		    unsigned int order);
void mml_check_poison(struct mml_machine *machine, const struct mml_page *page,
		      unsigned int order);
const char *mml_poison_error(const u8 *mem, size_t bytes);

/* plant.c */
extern const struct file_operations mml_plant_misuse_fops;

#endif /* _MML_BUDDY_DEBUG_H */
