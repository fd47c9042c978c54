// SPDX-License-Identifier: GPL-2.0
/*
 * Which system calls of a program are trapped: the seccomp filter.
 *
 * A seccomp filter sees the number of a call, its arguments (not what they point
 * to) and the address after its syscall instruction. Ours is a list of rules; a
 * rule is a system call and the conditions under which it is trapped; the first
 * rule whose conditions all hold decides, and a call that no rule wants goes on
 * to the kernel. Two conditions tell what is ours:
 *
 *   from libc    The call is made by this process's libc. What the library does
 *                itself passes, and so does what ld.so does, before and after.
 *   in window    The address is in the window, whoever makes the call. The
 *                kernel would refuse it: there is one mapping there, ours.
 *
 *   mmap             anonymous and private, not MAP_STACK, MAP_GROWSDOWN,
 *                    MAP_HUGETLB                                  from libc
 *   mmap             MAP_FIXED                                    in window
 *   munmap mprotect mremap madvise                                in window
 *   brk                                                           from libc
 *   rt_sigprocmask   to block or to set                           from libc
 *   rt_sigaction     to set, and anything about SIGSYS            from libc
 *   rt_sigsuspend ppoll pselect6 epoll_pwait epoll_pwait2
 *                    with a set of signals                        from libc
 *   exit_group                                                    from libc
 *   close dup2 dup3  of the session's descriptor (refused here)   from libc
 *   close_range      over the session's descriptor                from libc
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

/* Instructions: 24 rules of up to 22 each are well below it. */
#define FILTER_MAX		512

/* A jump to the end of the rule, until filter_end_rule() knows where that is. */
#define FAIL			0xff

/**
 * struct filter - a filter that is being written
 * @insn: its instructions
 * @len: how many there are
 * @rule: where the current rule begins
 */
struct filter {
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

static void begin_rule(struct filter *f, uint32_t nr)
{
	f->rule = f->len;
	load(f, DATA_NR);
	jump(f, BPF_JEQ, nr, 0, FAIL);
}

/* What the rule does, and where its conditions go that do not hold: behind it. */
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

/* The word at @offset, of which only @mask is looked at, is @value. */
static void when_word(struct filter *f, uint32_t offset, uint32_t mask, uint32_t value)
{
	load(f, offset);
	emit(f, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
	jump(f, BPF_JEQ, value, 0, FAIL);
}

/* An argument of 32 bits is, and is not, @value. */
static void when_arg(struct filter *f, unsigned int n, uint32_t value)
{
	when_word(f, LOW(DATA_ARG(n)), ~0u, value);
}

static void when_arg_not(struct filter *f, unsigned int n, uint32_t value)
{
	load(f, LOW(DATA_ARG(n)));
	jump(f, BPF_JEQ, value, FAIL, 0);
}

/* A pointer is given. */
static void when_pointer(struct filter *f, unsigned int n)
{
	load(f, LOW(DATA_ARG(n)));
	jump(f, BPF_JSET, ~0u, 2, 0);
	load(f, HIGH(DATA_ARG(n)));
	jump(f, BPF_JSET, ~0u, 0, FAIL);
}

/* The window begins and ends where the lower half of an address is 0. */
_Static_assert((uint32_t)MML_WINDOW_ADDR == 0 && (uint32_t)MML_WINDOW_END == 0,
	       "when_in_window() compares upper halves only");

static void when_in_window(struct filter *f, unsigned int n)
{
	load(f, HIGH(DATA_ARG(n)));
	jump(f, BPF_JGE, MML_WINDOW_ADDR >> 32, 0, FAIL);
	jump(f, BPF_JGE, MML_WINDOW_END >> 32, FAIL, 0);
}

/* libc_start <= ip <= libc_end, for ip is behind the instruction. */
static void when_from_libc(struct filter *f, const struct mml_library *library)
{
	const uint64_t start = library->libc_start, end = library->libc_end;

	load(f, HIGH(DATA_IP));
	jump(f, BPF_JGT, start >> 32, 3, 0);
	jump(f, BPF_JEQ, start >> 32, 0, FAIL);
	load(f, LOW(DATA_IP));
	jump(f, BPF_JGE, (uint32_t)start, 0, FAIL);

	load(f, HIGH(DATA_IP));
	jump(f, BPF_JGT, end >> 32, FAIL, 0);
	jump(f, BPF_JEQ, end >> 32, 0, 2);
	load(f, LOW(DATA_IP));
	jump(f, BPF_JGT, (uint32_t)end, FAIL, 0);
}

#define TRAP			(SECCOMP_RET_TRAP | MML_TRAP_COOKIE)
#define REFUSE(error)		(SECCOMP_RET_ERRNO | (error))

static void memory_rules(struct filter *f, const struct mml_library *library)
{
	static const uint16_t of_address[] = { SYS_munmap, SYS_mprotect, SYS_mremap, SYS_madvise };
	const uint32_t kind = MAP_TYPE | MAP_ANONYMOUS | MAP_STACK | MAP_GROWSDOWN | MAP_HUGETLB;

	begin_rule(f, SYS_mmap);
	when_word(f, LOW(DATA_ARG(3)), kind, MAP_PRIVATE | MAP_ANONYMOUS);
	when_from_libc(f, library);
	end_rule(f, TRAP);

	begin_rule(f, SYS_mmap);
	when_word(f, LOW(DATA_ARG(3)), MAP_FIXED, MAP_FIXED);
	when_in_window(f, 0);
	end_rule(f, TRAP);

	for (unsigned int i = 0; i < sizeof(of_address) / sizeof(*of_address); i++) {
		begin_rule(f, of_address[i]);
		when_in_window(f, 0);
		end_rule(f, TRAP);
	}

	begin_rule(f, SYS_brk);
	when_from_libc(f, library);
	end_rule(f, TRAP);
}

static void signal_rules(struct filter *f, const struct mml_library *library)
{
	begin_rule(f, SYS_rt_sigprocmask);
	when_arg_not(f, 0, SIG_UNBLOCK);
	when_pointer(f, 1);
	when_from_libc(f, library);
	end_rule(f, TRAP);

	begin_rule(f, SYS_rt_sigaction);
	when_pointer(f, 1);
	when_from_libc(f, library);
	end_rule(f, TRAP);

	begin_rule(f, SYS_rt_sigaction);
	when_arg(f, 0, SIGSYS);
	when_from_libc(f, library);
	end_rule(f, TRAP);

	for (unsigned int i = 0; i < MML_MASKED_CALLS; i++) {
		begin_rule(f, mml_masked_calls[i].nr);
		when_pointer(f, mml_masked_calls[i].arg);
		when_from_libc(f, library);
		end_rule(f, TRAP);
	}
}

/* Daemons close every descriptor they do not know; the session has to stay. */
static void session_rules(struct filter *f, const struct mml_library *library)
{
	begin_rule(f, SYS_close);
	when_arg(f, 0, library->session);
	when_from_libc(f, library);
	end_rule(f, REFUSE(EBADF));

	begin_rule(f, SYS_dup2);
	when_arg(f, 1, library->session);
	when_from_libc(f, library);
	end_rule(f, REFUSE(EBUSY));

	begin_rule(f, SYS_dup3);
	when_arg(f, 1, library->session);
	when_from_libc(f, library);
	end_rule(f, REFUSE(EBUSY));

	begin_rule(f, SYS_close_range);
	load(f, LOW(DATA_ARG(0)));
	jump(f, BPF_JGT, library->session, FAIL, 0);
	load(f, LOW(DATA_ARG(1)));
	jump(f, BPF_JGE, library->session, 0, FAIL);
	when_from_libc(f, library);
	end_rule(f, TRAP);
}

/* The rest of the process's life, for the record it leaves: see mml_trap_exit() */
static void exit_rules(struct filter *f, const struct mml_library *library)
{
	begin_rule(f, SYS_exit_group);
	when_from_libc(f, library);
	end_rule(f, TRAP);
}

/* A program for 32 bits has other numbers, and no libc of ours. */
static void write_filter(struct filter *f, const struct mml_library *library)
{
	load(f, DATA_ARCH);
	jump(f, BPF_JEQ, AUDIT_ARCH_X86_64, 1, 0);
	emit(f, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);

	memory_rules(f, library);
	signal_rules(f, library);
	session_rules(f, library);
	exit_rules(f, library);

	emit(f, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
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
	write_filter(&filter, library);
	if (filter.len > FILTER_MAX)
		return -E2BIG;

	program.len = filter.len;
	program.filter = filter.insn;
	ret = mml_sys(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (!mml_sys_failed(ret))
		ret = mml_sys(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
	return ret;
}
