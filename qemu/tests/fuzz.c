// SPDX-License-Identifier: GPL-2.0
/*
 * A fuzzer for /dev/mm_lab: what hostile users may try, at random.
 *
 *	fuzz [--seed N] [--calls N] [--processes N] [--threads N] [--kill CALLS]
 *	fuzz --list		the commands that it knows
 *
 * Some processes, each with some threads, call the commands of fuzz-table.h with
 * arguments that are right or wrong in one or two fields, of the right or a wrong size,
 * at good and bad addresses and in the window itself, on files of the right and of
 * wrong kinds, closed, duplicated or inherited by fork. Meanwhile they touch their
 * windows, map, unmap and inherit them, let the kernel change them, close files, fork
 * and exec. One in four has no CAP_SYS_ADMIN. A parent kills one of them every so many
 * calls (--kill; on average; 0: never), alone or with its children, and starts another.
 * Files and numbers that one made are used by all its threads, and the numbers of
 * machines and jobs by all processes.
 *
 * It proves nothing if all it gets is EINVAL. So a table says what each command
 * returned how often; each must have worked and have been refused, and may fail only
 * with what the table in fuzz-table.h and any_errnos below allow. Calls are counted in
 * shared memory when they begin and when they return: the difference is what death
 * interrupted.
 *
 * A process's seed comes from the one printed and from its number; what it does depends
 * on that and on how it is scheduled. With --processes 1 --threads 1 --kill 0 a run
 * repeats itself.
 *
 * A new command: see fuzz-table.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "fuzz-table.h"
#include "lab.h"

#define NR_COMMANDS	ARRAY_SIZE(commands)
#define UNKNOWN		NR_COMMANDS	/* the row of numbers that no command has */
#define NR_ERRNOS	134

/* Limits of the options. */
#define MOST_PROCESSES	16u
#define MOST_THREADS	16u

/* Files that a process has at once, of each kind, and descriptors in all. */
#define NR_KINDS	4u
#define NR_SLOTS	4u
#define NR_FOREIGN	4u
#define NR_DESCRIPTORS	48u

/* A session's window is that of its slot; what is mapped there lies over two tables. */
#define WINDOW_OF(slot)	(WINDOW + (slot) * (64UL << 30))
#define WINDOW_BYTES	(1UL << 30)
#define AREA_OF(slot)	(WINDOW_OF(slot) + 2 * MIB - 100 * PAGE)
#define AREA_PAGES	160u

#define HOME_BYTES	(16 * MIB)
#define ARGUMENT_ROOM	(16 * KIB + 64)	/* the largest size in a command's number */
#define NR_REMEMBERED	16u
#define NOBODY		65534
#define OWN_NAME	"fuzz"		/* machines' names begin with it */

/* How often a command must work and be refused: once in so many calls of all. */
#define ONCE_IN		20000u

/* What any command may fail with, whatever its arguments. */
static const int any_errnos[] = { EINVAL, EFAULT, E2BIG, ENOTTY, ENXIO, EBADF };

/* What all processes share. */
struct shared {
	uint64_t begun, limit;
	uint64_t count[NR_COMMANDS + 1][NR_ERRNOS];
	uint64_t touches, segfaults, buses, windows, forks, execs, bad_deaths;
	uint32_t machine[NR_REMEMBERED], job[NR_REMEMBERED];
};

/* What the threads of a process share. */
struct process {
	int fd[NR_KINDS][NR_SLOTS];
	int foreign[NR_FOREIGN];
	unsigned int first_own_fd;
	uint64_t address[NR_REMEMBERED];
	uint32_t handle[NR_REMEMBERED], cache[NR_REMEMBERED];
	unsigned char *edge;		/* the end of a page before one that cannot be touched */
	unsigned char *read_only;
	bool is_child;
};

struct thread {
	uint32_t state;
	int scratch;
	unsigned char argument[ARGUMENT_ROOM] __attribute__((aligned(8)));
};

struct call {
	const struct command *command;
	unsigned int row;
	unsigned int kind, slot;	/* of the file, if it is one of the lab's */
	int fd;
	unsigned long number;
	unsigned char *where;		/* the argument */
};

static struct shared *shared;
static struct process self;
static struct thread threads[MOST_THREADS];

static unsigned int all_weights;
static uint32_t seed;
static uint64_t calls = 1000000;
static unsigned int nr_processes = 3, nr_threads = 2;
static uint32_t kill_calls = 4000;
static struct machine home;

/*
 * Numbers.
 */

static uint32_t below(struct thread *t, uint32_t limit)
{
	return random_below(&t->state, limit);
}

static bool one_in(struct thread *t, uint32_t n)
{
	return !below(t, n);
}

static uint64_t any_number(struct thread *t)
{
	const uint64_t high = below(t, UINT32_MAX);

	return high << 32 | below(t, UINT32_MAX);
}

/* Neighbours in number get unlike seeds. Return: not 0. */
static uint32_t mix(uint32_t number, uint32_t with)
{
	uint32_t x = number + with * 2654435769u;

	x = (x ^ x >> 16) * 0x85ebca6bu;
	x = (x ^ x >> 13) * 0xc2b2ae35u;
	return (x ^ x >> 16) | 1;
}

static void add(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/*
 * What is remembered. Threads race for it, as they do for the descriptors.
 */

static int own_fd(unsigned int kind, unsigned int slot)
{
	return __atomic_load_n(&self.fd[kind][slot], __ATOMIC_RELAXED);
}

/* A window for the session that is in this slot now. */
static void map_window(struct thread *t, unsigned int slot)
{
	static const uint64_t sizes[] = { PAGE, 3 * MIB, WINDOW_BYTES - PAGE, 64UL << 30 };
	const uint64_t bytes = one_in(t, 32) ? sizes[below(t, ARRAY_SIZE(sizes))] : WINDOW_BYTES;
	const uint64_t offset = one_in(t, 32) ? PAGE : 0;
	const int kind = one_in(t, 32) ? MAP_PRIVATE | MAP_NORESERVE : MAP_SHARED;
	const int prot = one_in(t, 32) ? (int)below(t, MODE_RWX + 1) : MODE_RWX;

	if (!one_in(t, 32))
		munmap((void *)WINDOW_OF(slot), WINDOW_BYTES);
	mmap((void *)WINDOW_OF(slot), bytes, prot, kind | MAP_FIXED_NOREPLACE,
	     own_fd(__builtin_ctz(FILE_SESSION), slot), (off_t)(WINDOW_OF(slot) + offset));
	add(&shared->windows);
}

static void remember_file(struct thread *t, unsigned int kind, int fd)
{
	const unsigned int slot = below(t, NR_SLOTS);
	const int old = __atomic_exchange_n(&self.fd[kind][slot], fd, __ATOMIC_RELAXED);

	if (old >= (int)self.first_own_fd && !one_in(t, 64))
		close(old);
	if (1u << kind == FILE_SESSION && !one_in(t, 32))
		map_window(t, slot);
}

static void remember_number(struct thread *t, uint32_t *list, uint32_t number)
{
	__atomic_store_n(&list[below(t, NR_REMEMBERED)], number, __ATOMIC_RELAXED);
}

static uint32_t remembered(struct thread *t, const uint32_t *list)
{
	return __atomic_load_n(&list[below(t, NR_REMEMBERED)], __ATOMIC_RELAXED);
}

static uint64_t remembered_address(struct thread *t)
{
	return __atomic_load_n(&self.address[below(t, NR_REMEMBERED)], __ATOMIC_RELAXED);
}

static void remember_field(struct thread *t, const struct field *field, uint64_t value)
{
	switch (field->kind) {
	case NEW_FILE:
		remember_file(t, (unsigned int)__builtin_ctzll(field->low), (int)value);
		break;
	case NEW_MACHINE:
		remember_number(t, shared->machine, (uint32_t)value);
		break;
	case NEW_JOB:
		remember_number(t, shared->job, (uint32_t)value);
		break;
	case NEW_HANDLE:
		remember_number(t, self.handle, (uint32_t)value);
		break;
	case NEW_CACHE:
		remember_number(t, self.cache, (uint32_t)value);
		break;
	case ADDRESS:
		__atomic_store_n(&self.address[below(t, NR_REMEMBERED)], value, __ATOMIC_RELAXED);
		break;
	default:
		break;
	}
}

/* The kernel copies to and from the window for us: an error and no signal. */
static bool window_write(struct thread *t, void *where, size_t size)
{
	return pwrite(t->scratch, t->argument, size, 0) == (ssize_t)size &&
	       pread(t->scratch, where, size, 0) == (ssize_t)size;
}

static bool window_read(struct thread *t, const void *where, size_t size)
{
	return pwrite(t->scratch, where, size, 0) == (ssize_t)size &&
	       pread(t->scratch, t->argument, size, 0) == (ssize_t)size;
}

/* A call worked: what has it made? */
static void remember(struct thread *t, const struct call *call)
{
	const struct command *command = call->command;

	if (call->row == UNKNOWN)
		return;
	if (call->where != t->argument &&
	    !window_read(t, call->where, _IOC_SIZE(command->number)))
		return;
	for (const struct field *field = command->field; field->kind; field++) {
		uint64_t value = 0;

		if (field->size <= sizeof(value)) {
			memcpy(&value, t->argument + field->offset, field->size);
			remember_field(t, field, value);
		}
	}
}

/*
 * Arguments.
 */

static uint32_t some_machine(struct thread *t)
{
	switch (below(t, 8)) {
	case 0:
		return MML_MACHINE_DEFAULT;
	case 1:
	case 2:
		return remembered(t, shared->machine);
	default:
		return home.id;
	}
}

static uint64_t some_address(struct thread *t, const struct call *call)
{
	switch (below(t, 16)) {
	case 0:
		return 0;
	case 1:
		return remembered_address(t);
	default:
		return AREA_OF(call->slot) + below(t, AREA_PAGES) * PAGE;
	}
}

static uint64_t some_length(struct thread *t, uint32_t most)
{
	return (1 + below(t, one_in(t, 8) ? AREA_PAGES : most)) * PAGE - (one_in(t, 8) ? 1 : 0);
}

static uint64_t some_advice(struct thread *t)
{
	static const int known[] = {
		MADV_DONTNEED, MADV_DONTNEED, MADV_FREE, MADV_NORMAL, MADV_RANDOM,
		MADV_SEQUENTIAL, MADV_WILLNEED, MADV_HUGEPAGE, MADV_COLD, MADV_MERGEABLE,
	};

	return (uint64_t)known[below(t, ARRAY_SIZE(known))];
}

static uint64_t valid_value(struct thread *t, const struct call *call, const struct field *field)
{
	const uint64_t low = field->low, high = field->high;

	switch (field->kind) {
	case PAD:
		return 0;
	case NUMBER:
		return low + below(t, (uint32_t)(high - low + 1));
	case ORDER:
		return MIN((uint64_t)__builtin_ctz(below(t, UINT32_MAX) | 1u << high), high);
	case BITS:
		return low | (below(t, UINT32_MAX) & high);
	case CACHE_FLAGS:
		return below(t, UINT32_MAX) & (one_in(t, 4) ? low | high : high);
	case PROTECTION:
		return one_in(t, 3) ? below(t, MODE_RWX + 1) : MODE_RW;
	case ADVICE:
		return some_advice(t);
	case MACHINE:
		return low && one_in(t, 8) ? low : some_machine(t);
	case OWN_MACHINE:
		if (1u << call->kind != FILE_CONTROL)
			return 0;
		return low && one_in(t, 2) ? low : some_machine(t);
	case JOB:
		return one_in(t, 2) ? 0 : remembered(t, shared->job);
	case HANDLE:
		return remembered(t, self.handle);
	case CACHE:
		return remembered(t, self.cache);
	case BYTES:
		return (low + below(t, (uint32_t)(high - low))) * PAGE;
	case LIMIT:
		return one_in(t, 16) ? (64 + below(t, 1024)) * PAGE : 0;
	case ADDRESS:
		return some_address(t, call);
	case LENGTH:
		return some_length(t, (uint32_t)high);
	default:
		return any_number(t);
	}
}

static uint64_t wrong_value(struct thread *t, const struct call *call)
{
	const uint64_t list[] = {
		0, 1, 2, PAGE - 1, PAGE + 1, 1UL << 31, 1UL << 32, 1UL << 47, 1UL << 63,
		UINT32_MAX, UINT32_MAX - PAGE + 1, UINT64_MAX, UINT64_MAX - PAGE + 1,
		WINDOW_OF(call->slot), WINDOW_OF(call->slot) - PAGE, AREA_OF(call->slot) + 8,
		WINDOW_OF(call->slot) + WINDOW_BYTES, WINDOW_OF(call->slot) + WINDOW_BYTES - PAGE,
		any_number(t), 1UL << below(t, 64), below(t, 64),
	};

	return list[below(t, ARRAY_SIZE(list))];
}

static void fill_name(struct thread *t, unsigned char *name, size_t size, bool wrong)
{
	memset(name, wrong ? 'x' : 0, size);
	if (!wrong && !one_in(t, 4))
		snprintf((char *)name, size, OWN_NAME "%u", below(t, 6));
}

static void fill_distances(struct thread *t, unsigned char *distance, bool wrong)
{
	memset(distance, wrong ? (int)below(t, 256) : 0, MML_MAX_NODES * MML_MAX_NODES);
	if (wrong || one_in(t, 2))
		return;
	for (unsigned int i = 0; i < MML_MAX_NODES * MML_MAX_NODES; i++)
		distance[i] = i % (MML_MAX_NODES + 1) ? (unsigned char)(11 + below(t, 245)) : 10;
}

/* @wrong: a text that cannot be read, or one without an end. */
static void fill_slab_debug(struct thread *t, unsigned char *text, size_t size, bool wrong)
{
	static const char *const right[] = {
		"FZPU", "F", "U", "OZP", "-", ";;", "Z,fuzz*", "-;FZ,fuzz1,fuzz2", "FZPU;-,kmalloc-*",
		",", "P,[", "F,\\", "F,*;Z,?", "O;FU,dma-*",
	};
	static const char *const wrongs[] = {
		"A", "fzpu", "F Z", "F;x,fuzz1", "F\n", "\377", "%s", "Z;;*",
	};
	const unsigned int choice = below(t, 16);

	memset(text, wrong ? 'F' : 0, size);
	if (wrong && choice < ARRAY_SIZE(wrongs))
		memcpy(text, wrongs[choice], strlen(wrongs[choice]) + 1);
	else if (!wrong && choice < ARRAY_SIZE(right) && one_in(t, 2))
		memcpy(text, right[choice], strlen(right[choice]));
}

static void fill_field(struct thread *t, const struct call *call, const struct field *field,
		       bool wrong)
{
	unsigned char *at = t->argument + field->offset;
	uint64_t value;

	if (field->kind == NAME) {
		fill_name(t, at, field->size, wrong);
		return;
	}
	if (field->kind == DISTANCES) {
		fill_distances(t, at, wrong);
		return;
	}
	if (field->kind == SLAB_DEBUG) {
		fill_slab_debug(t, at, field->size, wrong);
		return;
	}
	value = wrong ? wrong_value(t, call) : valid_value(t, call, field);
	memset(at, (int)value, field->size);
	memcpy(at, &value, MIN(field->size, sizeof(value)));
}

static void fill(struct thread *t, const struct call *call)
{
	const unsigned int wrongs = one_in(t, 3) ? 1 + below(t, 2) : 0;
	const size_t beyond = _IOC_SIZE(call->command->number);
	unsigned int fields = 0;

	for (const struct field *field = call->command->field; field->kind; field++, fields++)
		fill_field(t, call, field, false);
	for (unsigned int i = 0; i < wrongs; i++)
		fill_field(t, call, &call->command->field[below(t, fields)], true);
	memset(t->argument + beyond, one_in(t, 2) ? 0 : 0xff, 64);
}

/*
 * Calls.
 */

static const struct command *some_command(struct thread *t)
{
	unsigned int at = below(t, all_weights);

	for (const struct command *command = commands; ; command++) {
		if (at < command->weight)
			return command;
		at -= command->weight;
	}
}

static void choose_file(struct thread *t, struct call *call)
{
	unsigned int tries = 4;

	do {
		do
			call->kind = below(t, NR_KINDS);
		while (!(call->command->files & 1u << call->kind));
		call->slot = below(t, NR_SLOTS);
		call->fd = own_fd(call->kind, call->slot);
	} while (call->fd < 0 && tries--);
	switch (below(t, 64)) {
	case 0:
		call->fd = self.foreign[below(t, NR_FOREIGN)];
		break;
	case 1:
		call->fd = own_fd(below(t, NR_KINDS), below(t, NR_SLOTS));
		break;
	}
}

/* Mostly the command's own number, with its size. */
static void choose_number(struct thread *t, struct call *call)
{
	const unsigned long right = call->command->number, size = _IOC_SIZE(right);
	unsigned long now = size;

	call->number = right;
	switch (below(t, 64)) {
	case 0:
		now = below(t, (uint32_t)size);
		break;
	case 1:
		now = size + 1 + below(t, 64);
		break;
	case 2:
		now = one_in(t, 4) ? _IOC_SIZEMASK : size + 8;
		break;
	case 3:
		call->number ^= 1UL << below(t, 32);
		call->row = UNKNOWN;
		break;
	case 4:
		call->number = one_in(t, 2) ? below(t, UINT32_MAX) :
			       _IOC(_IOC_DIR(right), MML_IOC_TYPE, below(t, 256), size);
		call->row = UNKNOWN;
		break;
	}
	if (now != size)
		call->number = _IOC(_IOC_DIR(right), _IOC_TYPE(right), _IOC_NR(right), now);
}

static unsigned char *bad_address(struct thread *t)
{
	static const uintptr_t list[] = {
		0, 1, PAGE - 1, 0x800000000000, 0xdead000000000000, 0xffff888000000000,
		0xffffffff81000000, UINTPTR_MAX, UINTPTR_MAX - 7,
	};

	return (unsigned char *)list[below(t, ARRAY_SIZE(list))];
}

static unsigned char *place_in_window(struct thread *t, const struct call *call, size_t size)
{
	unsigned char *where = (unsigned char *)AREA_OF(call->slot) + below(t, AREA_PAGES) * PAGE;

	/* Over the end of a page, or inside it. */
	where += one_in(t, 4) ? PAGE - below(t, (uint32_t)size) : below(t, PAGE / 8) * 8;
	window_write(t, where, size);
	return where;
}

static unsigned char *choose_place(struct thread *t, const struct call *call)
{
	const size_t size = _IOC_SIZE(call->command->number);
	unsigned char *where = t->argument;

	switch (below(t, 64)) {
	case 0:
		return bad_address(t);
	case 1:
		return self.read_only;
	case 2:
		where = self.edge - below(t, (uint32_t)size + 1);
		memcpy(where, t->argument, (size_t)(self.edge - where));
		return where;
	case 3:
		where += below(t, 8);
		memmove(where, t->argument, size);
		return where;
	case 4:
	case 5:
	case 6:
		return place_in_window(t, call, size);
	default:
		return where;
	}
}

/* Return: whether there was a call to make. */
static bool count_begun(void)
{
	return __atomic_fetch_add(&shared->begun, 1, __ATOMIC_RELAXED) < shared->limit;
}

static void give_up_descriptors(void)
{
	close_range(self.first_own_fd, ~0u, 0);
}

/* Return: false, and nothing was done, if there have been enough. */
static bool make_call(struct thread *t, struct call *call)
{
	int err;

	if (!count_begun())
		return false;
	err = -lab_ioctl(call->fd, call->number, call->where);
	add(&shared->count[call->row][MIN(err, (int)NR_ERRNOS - 1)]);
	if (!err)
		remember(t, call);
	else if (err == EMFILE)
		give_up_descriptors();
	return true;
}

static bool call_something(struct thread *t)
{
	struct call call = { .command = some_command(t) };

	call.row = (unsigned int)(call.command - commands);
	choose_file(t, &call);
	fill(t, &call);
	choose_number(t, &call);
	call.where = choose_place(t, &call);
	return make_call(t, &call);
}

/* Nothing wrong with it: a process begins with some sessions, and perhaps a machine. */
static void call_rightly(struct thread *t, unsigned long number)
{
	struct call call = { .number = number, .where = t->argument };

	while (commands[call.row].number != number)
		call.row++;
	call.command = &commands[call.row];
	call.kind = (unsigned int)__builtin_ctz(call.command->files);
	call.fd = own_fd(call.kind, 0);
	for (const struct field *field = call.command->field; field->kind; field++)
		fill_field(t, &call, field, false);
	make_call(t, &call);
}

/*
 * What else hostile users do.
 */

static void touch_some(struct thread *t)
{
	const uint64_t start = one_in(t, 3) ? AREA_OF(below(t, NR_SLOTS)) : remembered_address(t);

	for (unsigned int i = 1 + below(t, 8); i; i--) {
		const struct caught got = probe(one_in(t, 2) ? READ : WRITE,
						start + below(t, 16 * PAGE));

		add(got.sig == SIGSEGV ? &shared->segfaults :
		    got.sig ? &shared->buses : &shared->touches);
		if (got.sig)
			break;		/* signals are slow */
	}
}

/* The kernel's own calls, on a part of the window or all of it. */
static void change_window(struct thread *t)
{
	const unsigned int slot = below(t, NR_SLOTS);
	const uint64_t addr = AREA_OF(slot) + below(t, AREA_PAGES) * PAGE;
	void *part = (void *)addr, *all = (void *)WINDOW_OF(slot);

	switch (below(t, 8)) {
	case 0:
		munmap(all, WINDOW_BYTES);
		call_rightly(t, MML_IOC_SESSION_OPEN);
		break;
	case 1:
		munmap(part, PAGE);
		break;
	case 2:
		mprotect(part, PAGE, PROT_READ);
		break;
	case 3:
		mremap(part, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
		break;
	case 4:
		madvise(part, PAGE, MADV_DONTNEED);
		break;
	case 5:
		msync(part, PAGE, MS_SYNC);
		break;
	case 6:
		if (read(self.foreign[0], part, below(t, 3 * PAGE)) < 0)
			add(&shared->segfaults);
		break;
	default:
		if (one_in(t, 4))
			map_window(t, slot);
	}
}

/* A descriptor that is closed goes on being used, by number. */
static void change_descriptors(struct thread *t)
{
	const int fd = own_fd(1 + below(t, NR_KINDS - 1), below(t, NR_SLOTS));

	if (one_in(t, 2)) {
		for (unsigned int i = below(t, 16); i; i--)
			dup(fd);
	} else if (fd >= (int)self.first_own_fd) {
		close(fd);
	}
}

static void reap_children(void)
{
	int status;

	while (waitpid(-1, &status, WNOHANG) > 0) {
		if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
			add(&shared->bad_deaths);
	}
}

static bool act(struct thread *t);

/* A child has the windows, as copies, and the descriptors, which it shares. */
static void fork_one(struct thread *t)
{
	const uint32_t state = mix(t->state, 1);
	const unsigned int acts = below(t, 200);
	pid_t pid;

	reap_children();
	if (self.is_child)
		return;
	pid = fork();
	if (pid) {
		add(&shared->forks);
		return;
	}
	self.is_child = true;
	t->state = state;
	for (unsigned int i = 0; i < acts && act(t); i++)
		;
	if (one_in(t, 8)) {
		add(&shared->execs);
		execl("/bin/true", "true", NULL);
	}
	_exit(0);
}

/* Return: false if there have been enough calls. */
static bool act(struct thread *t)
{
	if (one_in(t, 6))
		touch_some(t);
	if (one_in(t, 400))
		change_window(t);
	if (one_in(t, 500))
		change_descriptors(t);
	if (one_in(t, 2000))
		fork_one(t);
	return call_something(t);
}

/*
 * A process.
 */

static void *thread_main(void *arg)
{
	struct thread *t = arg;

	if (t == threads)
		call_rightly(t, MML_IOC_MACHINE_CREATE);
	for (unsigned int i = 0; i < 1 + NR_SLOTS / nr_threads; i++)
		call_rightly(t, MML_IOC_SESSION_OPEN);
	while (act(t))
		;
	return NULL;
}

static void become_nobody(void)
{
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		_exit(98);
}

static void *anonymous_pages(unsigned int pages)
{
	void *memory = mmap(NULL, pages * PAGE, MODE_RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		_exit(97);
	return memory;
}

static void open_files(void)
{
	const struct rlimit limit = { NR_DESCRIPTORS, NR_DESCRIPTORS };
	int pipes[2];

	memset(self.fd, 0xff, sizeof(self.fd));
	close_range(STDERR_FILENO + 1, ~0u, 0);
	for (unsigned int i = 0; i < NR_SLOTS; i++)
		self.fd[0][i] = open(MML_DEVICE, O_RDWR | O_CLOEXEC);
	self.foreign[0] = open("/dev/zero", O_RDWR | O_CLOEXEC);
	self.foreign[1] = pipe(pipes) ? -1 : pipes[0];
	self.foreign[2] = -1;
	self.foreign[3] = 1000000;
	for (unsigned int i = 0; i < nr_threads; i++)
		threads[i].scratch = memfd_create("fuzz", MFD_CLOEXEC);
	self.first_own_fd = (unsigned int)threads[nr_threads - 1].scratch + 1;
	if (own_fd(0, NR_SLOTS - 1) < 0 || threads[nr_threads - 1].scratch < 0 ||
	    setrlimit(RLIMIT_NOFILE, &limit))
		_exit(96);
}

static int process_main(void *arg)
{
	const uint32_t own_seed = (uint32_t)(uintptr_t)arg;
	pthread_t thread[MOST_THREADS];
	unsigned char *pages = anonymous_pages(3);

	setpgid(0, 0);
	open_files();
	self.edge = pages + PAGE;
	mprotect(self.edge, PAGE, PROT_NONE);
	self.read_only = pages + 2 * PAGE;
	mprotect(self.read_only, PAGE, PROT_READ);
	if (own_seed % 8 >= 6)
		become_nobody();
	for (unsigned int i = 0; i < nr_threads; i++)
		threads[i].state = mix(own_seed, i);
	for (unsigned int i = 1; i < nr_threads; i++)
		pthread_create(&thread[i], NULL, thread_main, &threads[i]);
	thread_main(&threads[0]);
	for (unsigned int i = 1; i < nr_threads; i++)
		pthread_join(thread[i], NULL);
	return 0;
}

/*
 * The parent of all.
 */

/* What the parent knows of the processes. */
static struct {
	pid_t pid[MOST_PROCESSES];
	bool shot[MOST_PROCESSES];
	unsigned int started, killed, starved;
} family;

static bool enough(void)
{
	return __atomic_load_n(&shared->begun, __ATOMIC_RELAXED) >= shared->limit;
}

static void start_missing(void)
{
	for (unsigned int i = 0; i < nr_processes && !enough(); i++) {
		if (!family.pid[i])
			family.pid[i] = child_start(process_main,
						    (void *)(uintptr_t)mix(seed, ++family.started));
	}
}

/* With its children, or alone: they live on for a while. */
static void kill_one(uint32_t *state)
{
	const unsigned int i = random_below(state, nr_processes);
	const pid_t pid = family.pid[i];

	if (pid && !kill(random_below(state, 4) ? -pid : pid, SIGKILL))
		family.shot[i] = true;
}

static void note_death(pid_t pid, int status)
{
	if (WIFSIGNALED(status) ? WTERMSIG(status) != SIGKILL : WEXITSTATUS(status)) {
		diag("process %d ended with status 0x%x", pid, status);
		add(&shared->bad_deaths);
	}
	for (unsigned int i = 0; i < nr_processes; i++) {
		if (family.pid[i] != pid)
			continue;
		if (WIFSIGNALED(status))
			(*(family.shot[i] ? &family.killed : &family.starved))++;
		family.pid[i] = 0;
		family.shot[i] = false;
	}
}

/* The children of those who died come to us. Return: whether there is any left. */
static bool reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		note_death(pid, status);
	return pid == 0 || errno != ECHILD;
}

/* By calls and not by time, so that as much comes of a process on a slow kernel. */
static void wait_for_calls(uint64_t until)
{
	while (!enough() && __atomic_load_n(&shared->begun, __ATOMIC_RELAXED) < until) {
		reap();
		start_missing();
		sleep_ms(5);
	}
}

static void run_all(void)
{
	uint64_t told = now_ms();
	uint32_t state = seed;

	while (!enough()) {
		wait_for_calls(shared->begun + 1 +
			       random_below(&state, kill_calls ? 2 * kill_calls : 1000));
		if (kill_calls)
			kill_one(&state);
		if (now_ms() - told > 10000) {
			told = now_ms();
			diag("%" PRIu64 " calls", shared->begun);
		}
	}
	while (reap())
		sleep_ms(10);
}

/*
 * What came of it.
 */

static uint64_t row_sum(unsigned int row)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < NR_ERRNOS; i++)
		sum += shared->count[row][i];
	return sum;
}

static void print_row(unsigned int row)
{
	const uint64_t *count = shared->count[row];
	char line[512];
	int at;

	at = snprintf(line, sizeof(line), "%-24s %8" PRIu64 " %8" PRIu64 " ok",
		      row == UNKNOWN ? "(no command)" : commands[row].name, row_sum(row), count[0]);
	for (int i = 1; i < (int)NR_ERRNOS && at < (int)sizeof(line); i++) {
		if (count[i])
			at += snprintf(line + at, sizeof(line) - (size_t)at, ", %" PRIu64 " %s",
				       count[i], strerrorname_np(i) ?: "?");
	}
	diag("%s", line);
}

static bool is_in(int number, const int *list, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (list[i] == number)
			return true;
	}
	return false;
}

/* Return: how often the command itself said no, rather than the dispatch or the VFS. */
static uint64_t refusals(unsigned int row)
{
	static const int by_others[] = { ENOTTY, EBADF, ENXIO };
	uint64_t sum = row_sum(row) - shared->count[row][0];

	for (size_t i = 0; i < ARRAY_SIZE(by_others); i++) {
		if (!is_in(by_others[i], commands[row].errnos, MOST_ERRNOS))
			sum -= shared->count[row][by_others[i]];
	}
	return sum;
}

static bool only_known_errnos(unsigned int row)
{
	bool known = true;

	for (int i = 1; i < (int)NR_ERRNOS; i++) {
		if (!shared->count[row][i] || is_in(i, any_errnos, ARRAY_SIZE(any_errnos)) ||
		    is_in(i, commands[row].errnos, MOST_ERRNOS))
			continue;
		diag("%s may not fail with %s", commands[row].name, strerrorname_np(i) ?: "?");
		known = false;
	}
	return known;
}

static void test_counts(uint64_t ms)
{
	const uint64_t least = calls / ONCE_IN;
	const uint64_t deaths = (family.killed + family.starved) * nr_threads + shared->forks;
	uint64_t returned = 0;

	for (unsigned int row = 0; row <= UNKNOWN; row++) {
		print_row(row);
		returned += row_sum(row);
	}
	diag("%" PRIu64 " touches, %" PRIu64 " SIGSEGV, %" PRIu64 " SIGBUS, %" PRIu64
	     " windows, %" PRIu64 " forks, %" PRIu64 " exec", shared->touches,
	     shared->segfaults, shared->buses, shared->windows, shared->forks, shared->execs);
	diag("%u processes, %u killed, %u died for want of frames; %" PRIu64 ".%" PRIu64 " s",
	     family.started, family.killed, family.starved, ms / 1000, ms / 100 % 10);
	test(returned <= calls && calls - returned <= deaths,
	     "%" PRIu64 " calls were begun, %" PRIu64 " returned, death interrupted the others",
	     calls, returned);
	for (unsigned int row = 0; row < NR_COMMANDS; row++) {
		const bool known = only_known_errnos(row);

		test(known && shared->count[row][0] >= least && refusals(row) >= least,
		     "%s worked and was refused, %" PRIu64 " times at least, as documented",
		     commands[row].name, least);
	}
	test_is((long)shared->bad_deaths, 0, "nobody died of anything but SIGKILL");
}

/* Those that were to be kept are destroyed. Return: how many of the fuzzer's there are. */
static unsigned int machines_left(void)
{
	unsigned int left = 0;
	struct mml_info info;

	for (uint32_t next = 0; !lab_info(next, MML_INFO_NEXT, &info); next = info.machine + 1) {
		struct mml_machine_destroy destroy = { .machine = info.machine };

		if (info.machine <= home.id)
			continue;
		if (lab_ioctl(lab_control(), MML_IOC_MACHINE_DESTROY, &destroy))
			left++;
	}
	return left;
}

static void test_gone(uint64_t free_before, int held)
{
	const uint64_t limit = now_ms() + 3000;
	unsigned int left;
	struct mml_info info;

	while ((left = machines_left()) && now_ms() < limit)
		sleep_ms(50);
	test_is(left, 0, "all machines that were made are gone");
	test(free_frames_become(MML_MACHINE_DEFAULT, free_before),
	     "machine 0 has its frames back");
	test_is(lab_info(home.id, 0, &info), 0, "the machine they were on is there");
	diag("%" PRIu64 " reports of misuse on it", (uint64_t)info.reports);
	test_valid("after all of that");
	close(held);
	machine_end(&home);
}

/* The sequence number of the kernel log's newest line. */
static uint64_t log_position(void)
{
	static const char mark[] = "mm_lab test: fuzz is here\n";
	const int fd = open("/dev/kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	uint64_t position = 0;
	char line[1024];
	ssize_t length;

	if (fd < 0 || lseek(fd, 0, SEEK_END) < 0 || write(fd, mark, strlen(mark)) < 0)
		bail("the kernel log cannot be read: %s", strerror(errno));
	while ((length = read(fd, line, sizeof(line) - 1)) > 0 || (length < 0 && errno == EPIPE)) {
		if (length > 0) {
			line[length] = '\0';
			position = strtoull(strchr(line, ',') + 1, NULL, 10);
		}
	}
	close(fd);
	return position;
}

/*
 * The order of things: what is held must be there first. A session of our own keeps
 * machine 0 from being destroyed, which anybody with CAP_SYS_ADMIN may do.
 */
static void fuzz(void)
{
	const int held = session_new(MML_MACHINE_DEFAULT);
	const uint64_t free_before = free_frames(MML_MACHINE_DEFAULT);
	const uint64_t log = log_position(), start = now_ms();
	uint64_t ms, lines;

	home = machine_new(HOME_BYTES);
	run_all();
	ms = now_ms() - start;
	lines = log_position() - log;
	test_counts(ms);
	diag("%" PRIu64 " lines in the kernel log", lines);
	test(lines < 200 + ms / 10, "the kernel log was not flooded: %" PRIu64 " lines", lines);
	test_gone(free_before, held);
}

/*
 * Options.
 */

/* A byte of a struct that no field has, or that two have, is a gap of the table. */
static void check_table(void)
{
	for (size_t i = 0; i < NR_COMMANDS; i++) {
		unsigned int end = 0;

		for (const struct field *field = commands[i].field; field->kind; field++) {
			if (field->offset != end)
				bail("%s: what is before %s?", commands[i].name, field->name);
			end += field->size;
		}
		if (end != _IOC_SIZE(commands[i].number))
			bail("%s: what is after byte %u?", commands[i].name, end);
		all_weights += commands[i].weight;
	}
}

static void list_commands(void)
{
	for (size_t i = 0; i < NR_COMMANDS; i++)
		puts(commands[i].name);
	exit(0);
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "calls", required_argument, NULL, 'c' },
		{ "processes", required_argument, NULL, 'p' },
		{ "threads", required_argument, NULL, 't' },
		{ "kill", required_argument, NULL, 'k' },
		{ "list", no_argument, NULL, 'l' },
		{ 0 },
	};
	int option;

	seed = (uint32_t)now_ms() | 1;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		const unsigned long value = optarg ? strtoul(optarg, NULL, 0) : 0;

		if (option == 's')
			seed = (uint32_t)value;
		else if (option == 'c')
			calls = value;
		else if (option == 'p')
			nr_processes = (unsigned int)value;
		else if (option == 't')
			nr_threads = (unsigned int)value;
		else if (option == 'k')
			kill_calls = (uint32_t)value;
		else if (option == 'l')
			list_commands();
		else
			exit(2);
	}
	if (!nr_processes || nr_processes > MOST_PROCESSES || !nr_threads ||
	    nr_threads > MOST_THREADS || !seed || !calls)
		bail("--processes and --threads are 1 to 16, --seed and --calls not 0");
}

int main(int argc, char **argv)
{
	begin_tests();
	check_table();
	parse(argc, argv);
	diag("seed %u: %" PRIu64 " calls, %u processes of %u threads", seed, calls, nr_processes,
	     nr_threads);
	catch_faults();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	shared = mmap(NULL, sizeof(*shared), MODE_RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		bail("no shared memory: %s", strerror(errno));
	shared->limit = calls;
	fuzz();
	return done_testing();
}
