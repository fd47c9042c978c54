// SPDX-License-Identifier: GPL-2.0
/*
 * Machines: made, found by number, held, destroyed; and the engines set up on them.
 *
 * A machine is on the list mml_machines from the moment it is whole until it is
 * destroyed. Who uses one holds it (struct mml_hold: session files, sessions, jobs);
 * a held machine cannot be destroyed, and the refusal names its holders. A machine
 * made through the device is orphaned when its file is closed: it then goes with
 * its last holder.
 *
 * An engine that registers is set up on every machine that exists, and a new machine
 * gets every engine that is registered, in the order of their registration; both
 * undo what they did when one fails. They go in reverse.
 *
 * Kernel counterpart: none; one kernel has one memory.
 *
 * Locking, outermost first:
 *   mml_machines_lock	mutex: the lists of machines and engines. Never taken under
 *			mmap_lock, nor by what debugfs files call (removing such a
 *			file under it waits for its readers).
 *   engines_lock	rwsem, one a machine: held for reading while its engines are
 *			walked, for writing while one appears or disappears.
 *   holders_lock	spinlock, leaf (hold.c).
 *   shrinkers_lock	mutex, leaf (shrinker.c).
 *   mml_machines_list_lock  spinlock, leaf: who changes the list of machines holds it
 *			too, so that enabling a trace event need not wait for a machine
 *			that is being made.
 */
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/random.h>
#include <linux/ratelimit.h>
#include <linux/vmalloc.h>

#include "mm_lab/alloc.h"
#include "mm_lab/debugfs.h"
#include "mm_lab/engine.h"
#include "mm_lab/machine.h"
#include "mm_lab/session.h"
#include "mm_lab/vmstat.h"

static DEFINE_MUTEX(mml_machines_lock);
static DEFINE_SPINLOCK(mml_machines_list_lock);
static LIST_HEAD(mml_machines);		/* by number, ascending */
static LIST_HEAD(mml_engines);		/* in the order of registration */
static u32 mml_last_machine;		/* the last number given; 0 is the default's */
static unsigned int mml_decisions;	/* who wants decisions told */

/*
 * Engines on machines.
 */

/* From now on sessions, validators and statistics of @machine meet @engine; or not. */
static void mml_engine_enter(struct mml_machine *machine,
			     struct mml_engine *engine, bool on)
{
	int type;

	down_write(&machine->engines_lock);
	for (type = 0; type < MML_NR_PAGE_TYPES; type++)
		if (engine->page_ops[type])
			machine->page_ops[type] = on ? engine->page_ops[type] : NULL;
	machine->engine[engine->slot] = on ? engine : NULL;
	__assign_bit(engine->slot, &machine->engines, on);
	up_write(&machine->engines_lock);
}

/* @engine has been set up on @machine: let it be seen. */
static void mml_engine_attach(struct mml_machine *machine,
			      struct mml_engine *engine)
{
	lockdep_assert_held(&mml_machines_lock);

	mml_engine_enter(machine, engine, true);
	mml_debugfs_add(machine->debugfs, engine->machine_files, machine);
}

static void mml_engine_detach(struct mml_machine *machine,
			      struct mml_engine *engine)
{
	lockdep_assert_held(&mml_machines_lock);

	mml_debugfs_del(machine->debugfs, engine->machine_files);
	mml_engine_enter(machine, engine, false);
	engine->machine_exit(machine);
	machine->engine_data[engine->slot] = NULL;
}

/* The frames that are free, as far as an engine that is about to go can tell. */
static u64 mml_engine_free_frames(struct mml_machine *machine,
				  struct mml_engine *engine)
{
	unsigned long items[MML_NR_STAT_ITEMS] = {};

	if (engine->stat)
		engine->stat(machine, items);
	return items[MML_NR_FREE_PAGES];
}

/**
 * mml_engine_register - put an engine to work
 * @engine: filled in, in memory that stays until mml_engine_unregister()
 *
 * Sets the engine up on every machine; undone if one of them refuses, and not seen
 * by any session until none has.
 *
 * Context: module init, process context.
 * Return: 0; -EBUSY if the slot is taken; what machine_init returned.
 */
int mml_engine_register(struct mml_engine *engine)
{
	struct mml_engine *other;
	struct mml_machine *machine;
	int err = 0;

	mml_alloc_table_register(engine->alloc_table);
	mutex_lock(&mml_machines_lock);
	list_for_each_entry(other, &mml_engines, node)
		if (other->slot == engine->slot)
			err = -EBUSY;
	if (err)
		goto out;

	list_for_each_entry(machine, &mml_machines, node) {
		err = engine->machine_init(machine);
		if (err)
			goto undo;
	}
	list_for_each_entry(machine, &mml_machines, node)
		mml_engine_attach(machine, engine);
	list_add_tail(&engine->node, &mml_engines);
	goto out;
undo:
	pr_err("%s cannot be set up on machine %u: error %d\n", engine->name,
	       machine->id, err);
	list_for_each_entry_continue_reverse(machine, &mml_machines, node) {
		engine->machine_exit(machine);
		machine->engine_data[engine->slot] = NULL;
	}
out:
	mutex_unlock(&mml_machines_lock);
	if (err)
		mml_alloc_table_unregister(engine->alloc_table);
	return err;
}
EXPORT_SYMBOL_NS_GPL(mml_engine_register, MM_LAB);

/**
 * mml_engine_unregister - take an engine out of work
 * @engine: a registered one; no session is open, for sessions pin their engines
 *
 * Context: module exit, process context.
 */
void mml_engine_unregister(struct mml_engine *engine)
{
	struct mml_machine *machine;

	mutex_lock(&mml_machines_lock);
	list_for_each_entry_reverse(machine, &mml_machines, node) {
		if (engine->lost &&
		    mml_engine_free_frames(machine, engine) < machine->nr_present)
			engine->lost(machine, machine->page_ops);
		mml_engine_detach(machine, engine);
	}
	list_del(&engine->node);
	mutex_unlock(&mml_machines_lock);
	mml_alloc_table_unregister(engine->alloc_table);
}
EXPORT_SYMBOL_NS_GPL(mml_engine_unregister, MM_LAB);

/**
 * mml_machine_stat - what the engines know, in frames
 * @machine: the machine
 * @items: out: MML_NR_STAT_ITEMS of them
 *
 * Context: process, may sleep.
 */
void mml_machine_stat(struct mml_machine *machine, unsigned long *items)
{
	int slot;

	memset(items, 0, MML_NR_STAT_ITEMS * sizeof(*items));
	down_read(&machine->engines_lock);
	for (slot = 0; slot < MML_NR_SLOTS; slot++)
		if (machine->engine[slot] && machine->engine[slot]->stat)
			machine->engine[slot]->stat(machine, items);
	up_read(&machine->engines_lock);
}

/**
 * mml_validate - check every invariant of a machine
 * @machine: the machine
 * @v: counts; v->machine is set to @machine
 *
 * Context: process, may sleep.
 */
void mml_validate(struct mml_machine *machine, struct mml_validation *v)
{
	int slot;

	v->machine = machine;
	mml_check(v, !mml_machine_broken(machine), "it is marked broken");
	down_read(&machine->engines_lock);
	for (slot = 0; slot < MML_NR_SLOTS; slot++)
		if (machine->engine[slot] && machine->engine[slot]->validate)
			machine->engine[slot]->validate(machine, v);
	up_read(&machine->engines_lock);
}
EXPORT_SYMBOL_NS_GPL(mml_validate, MM_LAB);

/**
 * mml_decisions_tell - somebody wants the decisions of all machines, also of those that
 *	will be made, as events
 *
 * Context: process, may sleep.
 * Return: 0, as TRACE_EVENT_FN wants it.
 */
int mml_decisions_tell(void)
{
	struct mml_machine *machine;

	spin_lock(&mml_machines_list_lock);
	mml_decisions++;
	list_for_each_entry(machine, &mml_machines, node)
		set_bit(MML_SLOW_DECISIONS, &machine->slow);
	spin_unlock(&mml_machines_list_lock);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(mml_decisions_tell, MM_LAB);

/**
 * mml_decisions_hush - undo one mml_decisions_tell()
 *
 * Context: process, may sleep.
 */
void mml_decisions_hush(void)
{
	struct mml_machine *machine;

	spin_lock(&mml_machines_list_lock);
	if (!--mml_decisions)
		list_for_each_entry(machine, &mml_machines, node)
			clear_bit(MML_SLOW_DECISIONS, &machine->slow);
	spin_unlock(&mml_machines_list_lock);
}
EXPORT_SYMBOL_NS_GPL(mml_decisions_hush, MM_LAB);

/**
 * mml_random - a random number of this machine's own sequence
 * @machine: the machine
 *
 * Context: any but NMI.
 * Return: 32 random bits; the same sequence for the same seed, unless it is 0.
 */
u32 mml_random(struct mml_machine *machine)
{
	unsigned long flags;
	u32 r;

	spin_lock_irqsave(&machine->rnd_lock, flags);
	r = prandom_u32_state(&machine->rnd);
	spin_unlock_irqrestore(&machine->rnd_lock, flags);
	return r;
}
EXPORT_SYMBOL_NS_GPL(mml_random, MM_LAB);

/*
 * Making one.
 */

static struct mml_machine *mml_machine_by_id(u32 id)
{
	struct mml_machine *machine;

	lockdep_assert_held(&mml_machines_lock);

	list_for_each_entry(machine, &mml_machines, node)
		if (machine->id == id)
			return machine;
	return NULL;
}

static struct mml_machine *mml_machine_kept_as(const char *name)
{
	struct mml_machine *machine;

	lockdep_assert_held(&mml_machines_lock);

	list_for_each_entry(machine, &mml_machines, node)
		if (test_bit(MML_MACHINE_STATE_KEPT, &machine->state) &&
		    !strcmp(machine->name, name))
			return machine;
	return NULL;
}

/* Memory that a test brought along. */
static int mml_slice_of_pages(struct mml_slice *slice,
			      const struct mml_machine_spec *spec)
{
	*slice = (struct mml_slice){
		.backend = MML_BACKEND_PAGES,
		.nr = spec->frames,
		.nr_present = spec->frames,
	};
	if (spec->runs)
		return mml_sections_build(slice, spec->runs, spec->nr_runs);
	slice->base_pfn = page_to_pfn(spec->pages);
	return 0;
}

static int mml_machine_memory(struct mml_machine *machine,
			      const struct mml_machine_spec *spec)
{
	struct mml_slice *slice = &machine->slice;
	int err;

	err = spec->backend == MML_BACKEND_PAGES ? mml_slice_of_pages(slice, spec) :
		mml_slice_take(slice, spec->backend, spec->frames);
	if (err)
		return err;

	machine->nr_frames = slice->nr;
	machine->nr_present = slice->nr_present;
	machine->sections = slice->sections;
	machine->base_pfn = slice->base_pfn;
	if (slice->base_pfn)
		machine->base = __va(PFN_PHYS(slice->base_pfn));
	err = mml_memmap_alloc(machine);
	if (err)
		mml_slice_give(slice);
	return err;
}

static void mml_machine_memory_free(struct mml_machine *machine)
{
	mml_memmap_free(machine);
	mml_slice_give(&machine->slice);
}

/* Queued by mml_mark_broken(), which may be called where nothing may wait. */
static void mml_machine_retire(struct work_struct *work)
{
	struct mml_machine *machine = container_of(work, struct mml_machine, retire);
	int slot;

	down_read(&machine->engines_lock);
	for (slot = 0; slot < MML_NR_SLOTS; slot++)
		if (machine->engine[slot] && machine->engine[slot]->broken)
			machine->engine[slot]->broken(machine);
	up_read(&machine->engines_lock);
}

/* Returns: an ERR_PTR, -ENOMEM or -EINVAL, if it cannot be had. */
static struct mml_machine *mml_machine_alloc(const struct mml_machine_spec *spec)
{
	struct mml_machine *machine = mml_kzalloc(NULL, sizeof(*machine), GFP_KERNEL);
	int err = -ENOMEM;

	if (!machine)
		return ERR_PTR(err);
	machine->vm_events = mml_alloc_percpu(NULL, struct mml_vm_event_state);
	if (!machine->vm_events)
		goto no_events;
	if (mml_machine_memory(machine, spec))
		goto no_memory;
	err = mml_topology_init(machine, &spec->topology);
	if (err)
		goto no_topology;

	strscpy(machine->name, spec->name);
	machine->state = spec->state;
	machine->options = spec->options;
	machine->seed = spec->seed;
	strscpy(machine->slab_debug, spec->slab_debug ?: "");
	spin_lock_init(&machine->rnd_lock);
	prandom_seed_state(&machine->rnd, spec->seed ?: get_random_u64());
	INIT_WORK(&machine->retire, mml_machine_retire);
	init_rwsem(&machine->engines_lock);
	spin_lock_init(&machine->holders_lock);
	INIT_LIST_HEAD(&machine->holders);
	ratelimit_default_init(&machine->naming);
	ratelimit_set_flags(&machine->naming, RATELIMIT_MSG_ON_RELEASE);
	spin_lock_init(&machine->explainer.lock);
	spin_lock_init(&machine->jobs_lock);
	INIT_LIST_HEAD(&machine->jobs);
	mutex_init(&machine->shrinkers_lock);
	INIT_LIST_HEAD(&machine->shrinkers);
	return machine;

no_topology:
	mml_machine_memory_free(machine);
no_memory:
	free_percpu(machine->vm_events);
no_events:
	kfree(machine);
	return ERR_PTR(err);
}

static void mml_machine_free(struct mml_machine *machine)
{
	cancel_work_sync(&machine->retire);
	mml_fail_nth(machine, 0);
	mutex_destroy(&machine->shrinkers_lock);
	mml_machine_memory_free(machine);
	free_percpu(machine->vm_events);
	kfree(machine);
}

/*
 * Take the engines off @machine. Returns: frames that were free at the end. Which are
 * not is told by who knows, before that goes; then types' owners may be gone already.
 */
static u64 mml_machine_strip(struct mml_machine *machine)
{
	const struct mml_page_ops *page_ops[MML_NR_PAGE_TYPES];
	struct mml_engine *engine;
	u64 free = 0;

	memcpy(page_ops, machine->page_ops, sizeof(page_ops));
	list_for_each_entry_reverse(engine, &mml_engines, node) {
		if (machine->engine[engine->slot] != engine)
			continue;
		free += mml_engine_free_frames(machine, engine);
		if (engine->lost && free < machine->nr_present)
			engine->lost(machine, page_ops);
		mml_engine_detach(machine, engine);
	}
	return free;
}

static int mml_machine_equip(struct mml_machine *machine)
{
	struct mml_engine *engine;
	int err;

	list_for_each_entry(engine, &mml_engines, node) {
		err = engine->machine_init(machine);
		if (err)
			return err;
		mml_engine_attach(machine, engine);
	}
	return 0;
}

/**
 * mml_machine_create - make a machine
 * @spec: of what
 *
 * Context: process, may sleep, may take a second (see mml_slice_take()).
 * Return: the machine, held by nobody; an ERR_PTR: -EINVAL for a size or for nodes that
 * cannot be, -EEXIST if it is to be kept under a name that a kept one has, -ENOMEM, or what
 * an engine returned.
 */
struct mml_machine *mml_machine_create(const struct mml_machine_spec *spec)
{
	bool kept = spec->state & BIT(MML_MACHINE_STATE_KEPT);
	struct mml_machine *machine;
	int err;

	if (spec->frames < MML_MIN_FRAMES || spec->frames > MML_MAX_FRAMES) {
		mml_report(NULL, "asked for a machine of %lu frames, possible are %lu to %lu: ask for %lu KiB or more",
			   spec->frames, MML_MIN_FRAMES, MML_MAX_FRAMES,
			   MML_MIN_FRAMES << (PAGE_SHIFT - 10));
		return ERR_PTR(-EINVAL);
	}

	mutex_lock(&mml_machines_lock);
	err = -EEXIST;
	if (kept && *spec->name && mml_machine_kept_as(spec->name))
		goto unlock;
	machine = mml_machine_alloc(spec);
	err = PTR_ERR_OR_ZERO(machine);
	if (err)
		goto unlock;
	machine->id = spec->is_default ? MML_MACHINE_DEFAULT : ++mml_last_machine;
	mml_inject_mark(machine);
	mml_debugfs_machine_add(machine);
	err = mml_machine_equip(machine);
	if (err)
		goto undo;
	spin_lock(&mml_machines_list_lock);
	if (mml_decisions)
		set_bit(MML_SLOW_DECISIONS, &machine->slow);
	list_add_tail(&machine->node, &mml_machines);
	spin_unlock(&mml_machines_list_lock);
	mutex_unlock(&mml_machines_lock);
	return machine;
undo:
	mml_debugfs_machine_del(machine);
	mml_machine_strip(machine);
	mml_machine_free(machine);
unlock:
	mutex_unlock(&mml_machines_lock);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_NS_GPL(mml_machine_create, MM_LAB);

/*
 * Destroying one.
 */

/*
 * Destroy @machine, unless it is held. With the lock that is needed to find it
 * nobody can come to hold it meanwhile: who holds again holds already.
 */
static int mml_machine_go(struct mml_machine *machine,
			  struct mml_verdict *verdict, bool tell)
{
	struct mml_validation v = {};
	bool serves;
	u64 lost;

	lockdep_assert_held(&mml_machines_lock);

	if (mml_machine_held(machine, tell))
		return -EBUSY;

	spin_lock(&mml_machines_list_lock);
	list_del(&machine->node);
	spin_unlock(&mml_machines_list_lock);
	mml_debugfs_machine_del(machine);
	mml_validate(machine, &v);
	serves = machine->engines;
	lost = machine->nr_present - mml_machine_strip(machine);
	if (!serves)
		lost = 0;
	if (lost)
		pr_err("machine %u goes without %llu of its %lu frames, which nobody gave back\n",
		       machine->id, lost, machine->nr_present);
	if (verdict)
		*verdict = (struct mml_verdict){
			.frames = machine->nr_present,
			.frames_lost = lost,
			.violations = v.violations,
			.checks = v.checks,
		};
	mml_machine_free(machine);
	return 0;
}

/**
 * mml_machine_destroy - destroy a machine that nobody but the caller can destroy
 * @machine: the machine, made by the caller, not orphaned
 * @verdict: out: what was found; may be NULL
 *
 * Context: process, may sleep.
 * Return: 0; -EBUSY if it is held: the kernel log names who holds it.
 */
int mml_machine_destroy(struct mml_machine *machine, struct mml_verdict *verdict)
{
	int err;

	mml_sessions_flush();
	mutex_lock(&mml_machines_lock);
	err = mml_machine_go(machine, verdict, true);
	mutex_unlock(&mml_machines_lock);
	return err;
}
EXPORT_SYMBOL_NS_GPL(mml_machine_destroy, MM_LAB);

/**
 * mml_machine_destroy_id - destroy a machine by its number
 * @id: its number
 * @own: the caller is the file that made it; others can destroy kept ones only
 * @verdict: out: what was found; may be NULL
 *
 * Context: process, may sleep.
 * Return: 0; -ENXIO: no such machine; -EPERM: it belongs to a machine file;
 * -EBUSY: it is held: the kernel log names who holds it.
 */
int mml_machine_destroy_id(u32 id, bool own, struct mml_verdict *verdict)
{
	struct mml_machine *machine;
	int err;

	mml_sessions_flush();
	mutex_lock(&mml_machines_lock);
	machine = mml_machine_by_id(id);
	if (!machine)
		err = -ENXIO;
	else if (!own && !test_bit(MML_MACHINE_STATE_KEPT, &machine->state))
		err = -EPERM;
	else
		err = mml_machine_go(machine, verdict, true);
	mutex_unlock(&mml_machines_lock);
	return err;
}

/* It is not to be kept after all. Process context, may sleep. */
void mml_machine_unkeep(u32 id)
{
	struct mml_machine *machine;

	mutex_lock(&mml_machines_lock);
	machine = mml_machine_by_id(id);
	if (machine)
		clear_bit(MML_MACHINE_STATE_KEPT, &machine->state);
	mutex_unlock(&mml_machines_lock);
}

/*
 * Nobody owns or holds @machine any more: it goes. A broken one stays, as a kept one,
 * for inspection.
 */
static void mml_machine_abandon(struct mml_machine *machine)
{
	lockdep_assert_held(&mml_machines_lock);

	if (mml_machine_broken(machine)) {
		if (!test_and_set_bit(MML_MACHINE_STATE_KEPT, &machine->state))
			pr_info("machine %u is broken and stays for inspection: destroy it by its number\n",
				machine->id);
		return;
	}
	mml_machine_go(machine, NULL, false);
}

/**
 * mml_machine_orphan - its file is closed: let it go with its last holder
 * @id: its number; nothing happens if it is kept, or gone
 *
 * Context: process, may sleep.
 */
void mml_machine_orphan(u32 id)
{
	struct mml_machine *machine;

	mutex_lock(&mml_machines_lock);
	machine = mml_machine_by_id(id);
	if (machine && !test_bit(MML_MACHINE_STATE_KEPT, &machine->state)) {
		spin_lock(&machine->holders_lock);
		set_bit(MML_MACHINE_STATE_ORPHAN, &machine->state);
		spin_unlock(&machine->holders_lock);
		mml_machine_abandon(machine);
	}
	mutex_unlock(&mml_machines_lock);
}

/* The module goes: all that is left is kept, and not held. */
void mml_machines_exit(void)
{
	struct mml_machine *machine, *next;

	mutex_lock(&mml_machines_lock);
	list_for_each_entry_safe_reverse(machine, next, &mml_machines, node)
		WARN_ON_ONCE(mml_machine_go(machine, NULL, true));
	mutex_unlock(&mml_machines_lock);
}

/*
 * Holding one.
 */

/**
 * mml_machine_hold - find a machine by its number, and hold it
 * @id: its number
 * @hold: of the holder
 * @what: kind of holder, for messages
 *
 * Context: process, may sleep; not under mmap_lock.
 * Return: the machine, or NULL if there is none.
 */
struct mml_machine *mml_machine_hold(u32 id, struct mml_hold *hold,
				     const char *what)
{
	struct mml_machine *machine;

	mutex_lock(&mml_machines_lock);
	machine = mml_machine_by_id(id);
	if (machine)
		mml_machine_hold_again(machine, hold, what);
	mutex_unlock(&mml_machines_lock);
	return machine;
}
EXPORT_SYMBOL_NS_GPL(mml_machine_hold, MM_LAB);

static void mml_machine_reap(u32 id)
{
	struct mml_machine *machine;

	mutex_lock(&mml_machines_lock);
	machine = mml_machine_by_id(id);
	if (machine && test_bit(MML_MACHINE_STATE_ORPHAN, &machine->state))
		mml_machine_abandon(machine);
	mutex_unlock(&mml_machines_lock);
}

/**
 * mml_machine_unhold - let go of a machine
 * @machine: the machine, not to be touched afterwards
 * @hold: given to mml_machine_hold() or mml_machine_hold_again()
 *
 * Context: process, may sleep; not under mmap_lock.
 */
void mml_machine_unhold(struct mml_machine *machine, struct mml_hold *hold)
{
	u32 id = machine->id;

	if (mml_machine_unhold_again(machine, hold))
		mml_machine_reap(id);
}
EXPORT_SYMBOL_NS_GPL(mml_machine_unhold, MM_LAB);

/*
 * Looking at one, or at all.
 */

/* Is there a machine with that number? Process context, may sleep. */
bool mml_machine_exists(u32 id)
{
	struct mml_machine *machine;

	mutex_lock(&mml_machines_lock);
	machine = mml_machine_by_id(id);
	mutex_unlock(&mml_machines_lock);
	return machine;
}

/* Call @fn for each machine; it takes none of the lab's mutexes. */
void mml_machines_each(void (*fn)(struct mml_machine *machine))
{
	struct mml_machine *machine;

	mutex_lock(&mml_machines_lock);
	list_for_each_entry(machine, &mml_machines, node)
		fn(machine);
	mutex_unlock(&mml_machines_lock);
}

static void mml_machine_describe(struct mml_machine *machine, struct mml_info *info)
{
	unsigned long items[MML_NR_STAT_ITEMS];

	mml_machine_stat(machine, items);
	*info = (struct mml_info){
		.machine = machine->id,
		.page_size = PAGE_SIZE,
		.backend = machine->slice.backend,
		.state = mml_machine_broken(machine) ? MML_MACHINE_BROKEN :
						       MML_MACHINE_LIVE,
		.holders = READ_ONCE(machine->nr_holders),
		.frames = machine->nr_present,
		.spanned = machine->nr_frames,
		.free_frames = items[MML_NR_FREE_PAGES],
		.seed = machine->seed,
		.reports = atomic64_read(&machine->reports),
		.engines = machine->engines,
	};
	strscpy(info->name, machine->name);
	strscpy(info->backend_name, mml_backend_name(machine->slice.backend));
	strscpy(info->region, machine->slice.region);
}

/**
 * mml_machine_info - describe a machine
 * @info: in: which one; out: its description
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL for unknown flags; -ENXIO if there is no such machine.
 */
int mml_machine_info(struct mml_info *info)
{
	bool next = info->flags & MML_INFO_NEXT;
	struct mml_machine *machine;
	int err = -ENXIO;

	if (info->flags & ~MML_INFO_NEXT || info->pad)
		return -EINVAL;

	mutex_lock(&mml_machines_lock);
	list_for_each_entry(machine, &mml_machines, node) {
		if (next ? machine->id < info->machine : machine->id != info->machine)
			continue;
		mml_machine_describe(machine, info);
		err = 0;
		break;
	}
	mutex_unlock(&mml_machines_lock);
	return err;
}

/**
 * mml_machine_validate - check every invariant of one machine
 * @id: its number
 * @v: counts
 *
 * Context: process, may sleep.
 * Return: 0, or -ENXIO if there is no such machine.
 */
int mml_machine_validate(u32 id, struct mml_validation *v)
{
	struct mml_machine *machine;

	mutex_lock(&mml_machines_lock);
	machine = mml_machine_by_id(id);
	if (machine)
		mml_validate(machine, v);
	mutex_unlock(&mml_machines_lock);
	return machine ? 0 : -ENXIO;
}

/**
 * mml_machine_explain - why something last failed on a machine
 * @a: in: the machine's number and the kind; out: the rest
 *
 * Context: process, may sleep.
 * Return: 0, or -ENXIO if there is no such machine.
 */
int mml_machine_explain(struct mml_explain *a)
{
	struct mml_machine *machine;

	mutex_lock(&mml_machines_lock);
	machine = mml_machine_by_id(a->machine);
	if (machine)
		mml_explain_get(machine, a);
	mutex_unlock(&mml_machines_lock);
	return machine ? 0 : -ENXIO;
}

/**
 * mml_validate_all - check every invariant of the regions and of every machine
 * @v: counts
 *
 * Context: process, may sleep.
 */
void mml_validate_all(struct mml_validation *v)
{
	struct mml_machine *machine;

	v->machine = NULL;
	mml_regions_validate(v);
	mutex_lock(&mml_machines_lock);
	list_for_each_entry(machine, &mml_machines, node)
		mml_validate(machine, v);
	mutex_unlock(&mml_machines_lock);
}
