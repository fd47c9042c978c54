// SPDX-License-Identifier: GPL-2.0
/*
 * An operation on a side: it is made, and a line says what came of it, in words that are the
 * same wherever things are.
 */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "compare.h"

/* What a mincore can be told of; one of more has nowhere to write to. */
#define MINCORE_PAGES	4096

static uint64_t variables[NR_VARIABLES];

static uint64_t address_of(const struct place *place)
{
	const uint64_t offset = (uint64_t)place->offset;

	if (place->base == 'A')
		return ARENA + offset;
	return offset + (islower(place->base) ? variables[place->base - 'a'] : 0);
}

static bool in_arena(uint64_t addr)
{
	return addr >= ARENA && addr < ARENA + ARENA_SIZE;
}

static void print_arena(FILE *out, uint64_t addr)
{
	fprintf(out, "A+%lu", (unsigned long)(addr - ARENA) / PAGE);
	if (addr % PAGE)
		fprintf(out, ".%lu", addr % PAGE);
}

/* Of the same object as @near, which both sides call the same. */
static void print_address(FILE *out, uint64_t addr, const struct op *near)
{
	if (in_arena(addr))
		print_arena(out, addr);
	else
		fprintf(out, "%#lx behind that", addr - address_of(&near->addr));
}

/* What a call returned. An address outside of the arena need not be the same. */
static void print_result(FILE *out, const struct op *op, long ret)
{
	if (ret < 0 && ret > -4096)
		fprintf(out, "%s", strerrorname_np((int)-ret));
	else if (op->call != MMAP && op->call != MREMAP && op->call != BRK)
		fprintf(out, "%ld", ret);
	else if (in_arena((uint64_t)ret))
		print_arena(out, (uint64_t)ret);
	else
		fputs(ret % (long)PAGE ? "an address within a page" : "elsewhere", out);
}

static void print_caught(FILE *out, const struct caught *caught, const struct op *op)
{
	static const char *const codes[] = { "?", "SEGV_MAPERR", "SEGV_ACCERR" };

	if (!caught->sig) {
		fprintf(out, " %d", caught->value);
		return;
	}
	if (caught->sig == SIGSEGV && caught->code > 0 && caught->code < (int)ARRAY_SIZE(codes))
		fprintf(out, " %s at ", codes[caught->code]);
	else
		fprintf(out, " SIG%s, code %d, at ", sigabbrev_np(caught->sig), caught->code);
	print_address(out, caught->addr, op);
}

/* The first byte of each page. */
static void touch_pages(const struct op *op, FILE *out)
{
	const uint64_t addr = address_of(&op->addr);

	for (uint64_t done = 0; done < op->length; done += PAGE) {
		struct caught caught = probe(op->call == LOAD ? READ : WRITE, addr + done);

		if (op->call == STORE && !caught.sig) {
			*(volatile unsigned char *)(addr + done) = (unsigned char)op->flags;
			caught.value = (int)op->flags;
		}
		print_caught(out, &caught, op);
	}
}

/*
 * What is mapped in the arena, as PROT of each piece: one line, in which pieces that are
 * vmas of their own are parted by a bar.
 */
static void print_maps(const struct side *side, FILE *out)
{
	char line[512], prot[8];
	uint64_t start, end;
	FILE *maps = side->maps();

	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %7s", &start, &end, prot) != 3)
			bail("%s: a line of maps is '%s'", side->name, line);
		if (!in_arena(start))
			continue;
		fputs(" | ", out);
		print_arena(out, start);
		fprintf(out, " %lu %s", (end - start) / PAGE, prot);
	}
	fclose(maps);
}

/* A digit for each page of which anything was said: 1 if it is resident. */
static void print_mincore(FILE *out, const struct side *side, const struct op *op)
{
	unsigned char vec[MINCORE_PAGES];
	const bool fits = op->length <= sizeof(vec) * PAGE;
	long ret;

	memset(vec, 0xff, sizeof(vec));
	ret = side->mincore(address_of(&op->addr), op->length, fits ? vec : NULL);
	fputs(": ", out);
	print_result(out, op, ret);
	putc(' ', out);
	for (size_t i = 0; i < sizeof(vec) && vec[i] != 0xff; i++)
		putc(vec[i] & 1 ? '1' : '0', out);
}

/* A figure of status, in bytes. */
static uint64_t status_of(const struct side *side, const char *name)
{
	const size_t len = strlen(name);
	FILE *status = side->status();
	uint64_t kib = 0;
	char line[256];

	while (fgets(line, sizeof(line), status)) {
		if (!strncmp(line, name, len) && line[len] == ':')
			sscanf(line + len + 1, "%lu", &kib);
	}
	fclose(status);
	return kib << 10;
}

/* Or no limit would count. */
static void drop_ipc_lock(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	must(syscall(SYS_capget, &header, data), "capget");
	data[0].effective &= ~(1U << CAP_IPC_LOCK);
	must(syscall(SYS_capset, &header, data), "capset");
}

/* Let a process have so much more of what it has, for that is not the same on both sides. */
static long set_limit(const struct side *side, const struct op *op)
{
	struct rlimit limit;

	must(getrlimit((__rlimit_resource_t)op->flags, &limit), "getrlimit");
	limit.rlim_cur = op->length;
	switch (op->flags) {
	case RLIMIT_MEMLOCK:
		drop_ipc_lock();
		break;
	case RLIMIT_AS:
		limit.rlim_cur += status_of(side, "VmSize");
		break;
	case RLIMIT_DATA:
		limit.rlim_cur += status_of(side, "VmData");
		break;
	}
	return setrlimit((__rlimit_resource_t)op->flags, &limit) ? -errno : 0;
}

static long system_call(const struct side *side, const struct op *op)
{
	const uint64_t addr = address_of(&op->addr);

	switch (op->call) {
	case MMAP:
		return side->mmap(addr, op->length, (int)op->prot, (int)op->flags);
	case MUNMAP:
		return side->munmap(addr, op->length);
	case MPROTECT:
		return side->mprotect(addr, op->length, (int)op->prot);
	case MREMAP:
		return side->mremap(addr, op->length, op->new_length, (int)op->flags,
				    op->has_to ? address_of(&op->to) : 0);
	case MADVISE:
		return side->madvise(addr, op->length, (int)op->flags);
	case MSYNC:
		return side->msync(addr, op->length, (int)op->flags);
	case MLOCK:
		return side->mlock(addr, op->length, (int)op->flags);
	case MUNLOCK:
		return side->munlock(addr, op->length);
	case MLOCKALL:
		return side->mlockall((int)op->flags);
	case MUNLOCKALL:
		return side->munlockall();
	case BRK:
		return (long)side->brk(addr);
	case LIMIT:
		return set_limit(side, op);
	default:
		return -ENOSYS;
	}
}

/**
 * op_make - make an operation
 * @side: where
 * @op: which
 * @out: gets a line: the operation, and what came of it
 */
void op_make(const struct side *side, const struct op *op, FILE *out)
{
	struct caught caught;
	long ret;

	op_print(out, op);
	switch (op->call) {
	case LOAD:
	case STORE:
		fputs(":", out);
		touch_pages(op, out);
		break;
	case RUN:
		caught = probe(EXEC, address_of(&op->addr));
		caught.value = 0;
		fputs(":", out);
		print_caught(out, &caught, op);
		break;
	case MAPS:
		print_maps(side, out);
		break;
	case MINCORE:
		print_mincore(out, side, op);
		break;
	case LOCKED:
		fprintf(out, ": %lu pages", status_of(side, "VmLck") / PAGE);
		break;
	case FORK:
		break;
	default:
		ret = system_call(side, op);
		fputs(": ", out);
		print_result(out, op, ret);
		if (op->result)
			variables[op->result - 'a'] = ret < 0 && ret > -4096 ? 0 : (uint64_t)ret;
	}
	putc('\n', out);
}
