// SPDX-License-Identifier: GPL-2.0
/*
 * Which system calls of a program are trapped: the seccomp filter.
 *
 * A seccomp filter sees the number of a call, its arguments (not what they point
 * to) and the address after its syscall instruction. Ours goes through a table of
 * rules: a rule is a system call and the condition under which something is done
 * about it; the first that holds decides, and a call that no rule wants goes on to
 * the kernel. There are two tables:
 *
 *   window_rules   whoever makes the call. Its address is in the window, where
 *                  there is one mapping, ours, and the kernel would refuse it.
 *   libc_rules     calls made by this process's libc. What the library does itself
 *                  passes, and so does what ld.so does, before and after.
 *
 * Thread stacks (MAP_STACK) stay with the kernel: a thread's exit wakes a shared
 * futex in its stack, and the lab's memory cannot have such.
 *
 * A filter stays for ever: it is inherited over fork and exec, and every program
 * of a line of execs adds one. The old ones do no harm in a new program: its libc
 * is elsewhere, and nothing of it is in the window until it has a handler of its
 * own. (Only where addresses are not randomized can a static program have text
 * where a libc used to be.) That is also why mmap of the window itself must not
 * be trapped: MAP_FIXED_NOREPLACE is not MAP_FIXED.
 *
 * They add up, though: the kernel refuses more than 32768 instructions in a line,
 * which is after a hundred and fifty execs, and runs all of them at every call that
 * any looks into. So what no rule wants is let go on its number alone, which the
 * kernel notices and does not run the filter for.
 */
#include <errno.h>
#include <stddef.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "preload.h"
#include "preload-sys.h"

/* Newer than the headers of some systems. */
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2	441
#endif
#ifndef SYS_close_range
#define SYS_close_range		436
#endif

#define TRAP			(SECCOMP_RET_TRAP | MML_TRAP_COOKIE)
#define REFUSE(error)		(SECCOMP_RET_ERRNO | (error))

/**
 * enum condition - when a rule holds
 * @ALWAYS: with any arguments
 * @BITS: of the argument's lower half, the bits in @mask are @value
 * @POINTER: the argument is not NULL
 * @SESSION: the argument is the session's descriptor
 * @SESSION_BETWEEN: the session's descriptor is from the argument to the next one
 */
enum condition { ALWAYS, BITS, POINTER, SESSION, SESSION_BETWEEN };

/**
 * struct rule - what is done about a system call
 * @nr: its number
 * @when: the condition
 * @arg: index of the argument that it is about
 * @mask: for BITS
 * @value: for BITS
 * @action: what the filter returns
 */
struct rule {
	uint16_t nr;
	uint8_t when;
	uint8_t arg;
	uint32_t mask;
	uint32_t value;
	uint32_t action;
};

#define MAP_KIND	(MAP_TYPE | MAP_ANONYMOUS | MAP_STACK | MAP_HUGETLB)

/* All of them: their first argument is in the window, and the condition holds. */
static const struct rule window_rules[] = {
	{ SYS_mmap, BITS, 3, MAP_FIXED, MAP_FIXED, TRAP },
	{ SYS_munmap, ALWAYS, .action = TRAP },
	{ SYS_mprotect, ALWAYS, .action = TRAP },
	{ SYS_mremap, ALWAYS, .action = TRAP },
	{ SYS_madvise, ALWAYS, .action = TRAP },
	{ SYS_mincore, ALWAYS, .action = TRAP },
	{ SYS_msync, ALWAYS, .action = TRAP },
	{ SYS_mlock, ALWAYS, .action = TRAP },
	{ SYS_mlock2, ALWAYS, .action = TRAP },
	{ SYS_munlock, ALWAYS, .action = TRAP },
};

static const struct rule libc_rules[] = {
	/* What the lab is for. */
	{ SYS_mmap, BITS, 3, MAP_KIND, MAP_PRIVATE | MAP_ANONYMOUS, TRAP },
	{ SYS_brk, ALWAYS, .action = TRAP },
	{ SYS_mlockall, ALWAYS, .action = TRAP },
	{ SYS_munlockall, ALWAYS, .action = TRAP },

	/* What could block SIGSYS or take it away: see preload-signals.c. */
	{ SYS_rt_sigprocmask, POINTER, 1, .action = TRAP },
	{ SYS_rt_sigaction, POINTER, 1, .action = TRAP },
	{ SYS_rt_sigaction, BITS, 0, ~0u, SIGSYS, TRAP },
	{ SYS_rt_sigsuspend, POINTER, 0, .action = TRAP },
	{ SYS_ppoll, POINTER, 3, .action = TRAP },
	{ SYS_pselect6, POINTER, 5, .action = TRAP },
	{ SYS_epoll_pwait, POINTER, 4, .action = TRAP },
	{ SYS_epoll_pwait2, POINTER, 4, .action = TRAP },

	/* Daemons close every descriptor they do not know; the session has to stay. */
	{ SYS_close, SESSION, 0, .action = REFUSE(EBADF) },
	{ SYS_dup2, SESSION, 1, .action = REFUSE(EBUSY) },
	{ SYS_dup3, SESSION, 1, .action = REFUSE(EBUSY) },
	{ SYS_close_range, SESSION_BETWEEN, 0, .action = TRAP },

	/* The end of the process, for the figures that it leaves to its job. */
	{ SYS_exit_group, ALWAYS, .action = TRAP },
};

/* Jumps have 8 bits: to the end of a rule, and over the list of numbers. */
#define FILTER_MAX		256

/* A jump to the end of the rule, until end_rule() knows where that is. */
#define FAIL			0xff

/**
 * struct filter - a filter that is being written
 * @library: where libc is, and the session's descriptor
 * @insn: its instructions
 * @len: how many there are
 * @rule: where the current rule begins
 */
struct filter {
	const struct mml_library *library;
	struct sock_filter insn[FILTER_MAX];
	unsigned int len;
	unsigned int rule;
};

#define DATA_NR			offsetof(struct seccomp_data, nr)
#define DATA_ARCH		offsetof(struct seccomp_data, arch)
#define DATA_IP			offsetof(struct seccomp_data, instruction_pointer)
#define DATA_ARG(n)		(offsetof(struct seccomp_data, args) + 8 * (n))

/* BPF's words have 32 bits: a 64-bit value is looked at in two halves. */
#define LOW(offset)		(offset)
#define HIGH(offset)		((offset) + 4)

static void emit(struct filter *f, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	if (f->len < FILTER_MAX)
		f->insn[f->len] = (struct sock_filter){ code, jt, jf, k };
	f->len++;
}

static void load(struct filter *f, uint32_t offset)
{
	emit(f, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

static void jump(struct filter *f, uint16_t test, uint32_t k, uint8_t jt, uint8_t jf)
{
	emit(f, BPF_JMP | test | BPF_K, k, jt, jf);
}

/* The argument's lower half, but for bits not in @mask, is @value. */
static void when_bits(struct filter *f, unsigned int arg, uint32_t mask, uint32_t value)
{
	load(f, LOW(DATA_ARG(arg)));
	emit(f, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
	jump(f, BPF_JEQ, value, 0, FAIL);
}

static void when_pointer(struct filter *f, unsigned int arg)
{
	load(f, LOW(DATA_ARG(arg)));
	jump(f, BPF_JSET, ~0u, 2, 0);
	load(f, HIGH(DATA_ARG(arg)));
	jump(f, BPF_JSET, ~0u, 0, FAIL);
}

static void when_session_between(struct filter *f, unsigned int arg)
{
	load(f, LOW(DATA_ARG(arg)));
	jump(f, BPF_JGT, f->library->session, FAIL, 0);
	load(f, LOW(DATA_ARG(arg + 1)));
	jump(f, BPF_JGE, f->library->session, 0, FAIL);
}

static void when(struct filter *f, const struct rule *rule)
{
	switch (rule->when) {
	case BITS:
		when_bits(f, rule->arg, rule->mask, rule->value);
		break;
	case POINTER:
		when_pointer(f, rule->arg);
		break;
	case SESSION:
		when_bits(f, rule->arg, ~0u, f->library->session);
		break;
	case SESSION_BETWEEN:
		when_session_between(f, rule->arg);
		break;
	}
}

/* The window begins and ends where the lower half of an address is 0. */
_Static_assert((uint32_t)MML_WINDOW_ADDR == 0 && (uint32_t)MML_WINDOW_END == 0,
	       "when_in_window() compares upper halves only");

static void when_in_window(struct filter *f, unsigned int arg)
{
	load(f, HIGH(DATA_ARG(arg)));
	jump(f, BPF_JGE, MML_WINDOW_ADDR >> 32, 0, FAIL);
	jump(f, BPF_JGE, MML_WINDOW_END >> 32, FAIL, 0);
}

static void begin_rule(struct filter *f, uint32_t nr)
{
	f->rule = f->len;
	load(f, DATA_NR);
	jump(f, BPF_JEQ, nr, 0, FAIL);
}

/* What the rule does, and where it goes if it does not hold: behind it. */
static void end_rule(struct filter *f, uint32_t action)
{
	emit(f, BPF_RET | BPF_K, action, 0, 0);
	for (unsigned int i = f->rule; i < f->len && f->len <= FILTER_MAX; i++) {
		struct sock_filter *insn = &f->insn[i];

		if (BPF_CLASS(insn->code) != BPF_JMP)
			continue;
		if (insn->jt == FAIL)
			insn->jt = f->len - i - 1;
		if (insn->jf == FAIL)
			insn->jf = f->len - i - 1;
	}
}

static void allow(struct filter *f)
{
	emit(f, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

/* A program for 32 bits has other numbers, and no libc of ours. */
static void only_this_architecture(struct filter *f)
{
	load(f, DATA_ARCH);
	jump(f, BPF_JEQ, AUDIT_ARCH_X86_64, 1, 0);
	allow(f);
}

/* Allows what has no rule. */
static void only_calls_of(struct filter *f, const struct rule *rules, unsigned int count)
{
	load(f, DATA_NR);
	for (unsigned int i = 0; i < count; i++)
		jump(f, BPF_JEQ, rules[i].nr, count - i, 0);
	allow(f);
}

/* Allows what does not have libc_start <= ip <= libc_end: ip is one behind. */
static void only_from_libc(struct filter *f)
{
	const uint64_t start = f->library->libc_start, end = f->library->libc_end;

	load(f, HIGH(DATA_IP));
	jump(f, BPF_JGT, start >> 32, 4, 0);
	jump(f, BPF_JEQ, start >> 32, 0, 2);
	load(f, LOW(DATA_IP));
	jump(f, BPF_JGE, (uint32_t)start, 1, 0);
	allow(f);

	load(f, HIGH(DATA_IP));
	jump(f, BPF_JGT, end >> 32, 3, 0);
	jump(f, BPF_JEQ, end >> 32, 0, 3);
	load(f, LOW(DATA_IP));
	jump(f, BPF_JGT, (uint32_t)end, 0, 1);
	allow(f);
}

static void write_filter(struct filter *f)
{
	only_this_architecture(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(window_rules); i++) {
		begin_rule(f, window_rules[i].nr);
		when_in_window(f, 0);
		when(f, &window_rules[i]);
		end_rule(f, window_rules[i].action);
	}
	only_calls_of(f, libc_rules, ARRAY_SIZE(libc_rules));
	only_from_libc(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(libc_rules); i++) {
		begin_rule(f, libc_rules[i].nr);
		when(f, &libc_rules[i]);
		end_rule(f, libc_rules[i].action);
	}
	allow(f);
}

/**
 * mml_filter_install - trap this process's calls from now on
 * @library: where libc is, and the session's descriptor
 *
 * The handler of SIGSYS must be there. Forbids the process to gain privileges by
 * exec, as the kernel asks for.
 *
 * Return: 0 or -errno.
 */
long mml_filter_install(const struct mml_library *library)
{
	static struct filter filter;
	struct sock_fprog program;
	long ret;

	filter.len = 0;
	filter.library = library;
	write_filter(&filter);
	if (filter.len > FILTER_MAX)
		return -E2BIG;

	program.len = filter.len;
	program.filter = filter.insn;
	ret = mml_sys(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (!mml_sys_failed(ret))
		ret = mml_sys(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
	return ret;
}
