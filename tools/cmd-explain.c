// SPDX-License-Identifier: GPL-2.0
/*
 * mmlab explain: why the last allocation and the last fault of a machine failed.
 *
 * The kernel writes down reasons, numbers and steps (struct mml_explain); the
 * sentences are made here.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "mmlab.h"

#define WIDTH			80
#define MAX_ORDER		10

static uint32_t page_size;

/*
 * Text, in paragraphs.
 */

/* A paragraph, broken into lines. */
__attribute__((format(printf, 1, 2)))
static void say(const char *fmt, ...)
{
	static const char blanks[] = "\n ";
	size_t column = 0, length;
	const char *word;
	char *text, *at;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	for (word = strtok_r(text, blanks, &at); word; word = strtok_r(NULL, blanks, &at)) {
		length = strlen(word);
		if (column && column + 1 + length > WIDTH) {
			putchar('\n');
			column = 0;
		}
		column += (size_t)printf("%s%s", column ? " " : "  ", word);
	}
	puts("\n");
	free(text);
}

/* A process may call itself anything. */
static const char *printable(char *name)
{
	for (char *at = name; *at; at++) {
		if (*at < ' ' || *at == 0x7f)
			*at = '?';
	}
	return name;
}

static const char *frames(uint64_t n)
{
	static char text[2][64];
	static unsigned int next;
	char *at = text[next++ % ARRAY_SIZE(text)];

	snprintf(at, sizeof(text[0]), "%s frame%s (%s)", with_commas(n), n == 1 ? "" : "s",
		 as_size(n * page_size));
	return at;
}

static const char *ago(uint64_t ns)
{
	static char text[32];
	const double seconds = (double)ns / 1e9;

	if (seconds < 120)
		snprintf(text, sizeof(text), "%.1f seconds ago", seconds);
	else
		snprintf(text, sizeof(text), "%.0f minutes ago", seconds / 60);
	return text;
}

static const char *rights(uint32_t prot)
{
	static const char *const texts[] = { "---", "r--", "-w-", "rw-", "--x", "r-x", "-wx",
					     "rwx" };

	return texts[prot & (PROT_READ | PROT_WRITE | PROT_EXEC)];
}

static const struct mml_explain_step *find_step(const struct mml_explain *explain, uint32_t what)
{
	for (uint32_t i = 0; i < explain->nr_steps && i < MML_EXPLAIN_STEPS; i++) {
		if (explain->step[i].what == what)
			return &explain->step[i];
	}
	return NULL;
}

/* Who it was: "python3 (process 212, session 1)". */
static const char *who(struct mml_explain *explain)
{
	static char text[96];

	if (explain->flags & MML_EXPLAIN_HIDDEN)
		return "Another process (root may see which)";
	if (!explain->pid)
		return "An interrupt";
	snprintf(text, sizeof(text), "%s (process %u", printable(explain->comm), explain->pid);
	if (explain->session)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), ", session %u",
			 explain->session);
	strcat(text, ")");
	return text;
}

/*
 * An allocation.
 */

/* As in struct mml_explain_step of MML_STEP_ZONE: four to a node. */
static const char *zone_of(const struct mml_explain_step *step)
{
	static const char *const types[] = { "DMA", "DMA32", "Normal", "Movable" };
	static char text[48];

	snprintf(text, sizeof(text), "node %u, zone %s", step->arg / (uint32_t)ARRAY_SIZE(types),
		 types[step->arg % ARRAY_SIZE(types)]);
	return text;
}

/* What was free in all: the step that says so comes last, and there may be no room for it. */
static uint64_t free_frames(const struct mml_explain *explain)
{
	const struct mml_explain_step *step = find_step(explain, MML_STEP_FREE_FRAMES);
	uint64_t sum = 0;

	for (uint32_t i = 0; i < explain->nr_steps && i < MML_EXPLAIN_STEPS; i++) {
		if (explain->step[i].what == MML_STEP_ZONE)
			sum += explain->step[i].value;
	}
	return step ? step->value : sum;
}

static uint32_t count_steps(const struct mml_explain *explain, uint32_t what)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < explain->nr_steps && i < MML_EXPLAIN_STEPS; i++)
		count += explain->step[i].what == what;
	return count;
}

/* What each zone had, in the order in which they were tried, and what it keeps. */
static void say_zones(const struct mml_explain *explain)
{
	const uint64_t asked = 1ULL << explain->order;

	say("Zone by zone, in the order in which they were tried. Needed are the %s asked for\n"
	    "and those that the zone keeps of such a request:", with_commas(asked));
	printf("    %-21s %12s %12s %12s\n", "", "free", "needed", "in reserve");
	for (uint32_t i = 0; i < explain->nr_steps; i++) {
		const struct mml_explain_step *step = &explain->step[i];
		const uint64_t reserve = step->wanted > asked ? step->wanted - asked : 0;

		if (step->what != MML_STEP_ZONE)
			continue;
		printf("    %-21s %12s %12s %12s%s\n", zone_of(step), with_commas(step->value),
		       with_commas(step->wanted), with_commas(reserve),
		       step->value >= step->wanted ? "  enough" : "");
	}
	putchar('\n');
}

static void say_kept(const struct mml_explain *explain)
{
	const struct mml_explain_step *step = find_step(explain, MML_STEP_KEPT);

	if (step && step->value)
		say("Besides, %s were free, but kept by CPUs, which serve themselves from them; they\n"
		    "were not given back in time (drain_pages in debugfs has them do it).",
		    frames(step->value));
}

/* The orders whose lists were searched, and whether all were empty. */
/* Blocks on the lists that were searched. */
static uint64_t count_suitable(const struct mml_explain *explain)
{
	uint64_t blocks = 0;

	for (uint32_t i = 0; i < explain->nr_steps; i++) {
		if (explain->step[i].what == MML_STEP_FREE_LIST && explain->step[i].wanted)
			blocks += explain->step[i].value;
	}
	return blocks;
}

static void say_searched(const struct mml_explain *explain)
{
	const uint64_t blocks = count_suitable(explain);
	uint32_t first = UINT32_MAX, last = 0;

	for (uint32_t i = 0; i < explain->nr_steps; i++) {
		const struct mml_explain_step *step = &explain->step[i];

		if (step->what != MML_STEP_FREE_LIST || !step->wanted)
			continue;
		if (first == UINT32_MAX)
			first = step->arg;
		last = step->arg;
	}
	if (first == UINT32_MAX)
		return;
	if (first == last)
		say("Searched: the list of free blocks of order %u. It had %s.", first,
		    blocks ? with_commas(blocks) : "none");
	else
		say("Searched, one after the other: the lists of free blocks of order %u to %u, for\n"
		    "a larger block can be split. They had %s.",
		    first, last, blocks ? with_commas(blocks) : "none");
}

/* The blocks that were free and too small. Returns: the largest order of them, or -1. */
static int say_too_small(const struct mml_explain *explain)
{
	int largest = -1;

	for (uint32_t i = 0; i < explain->nr_steps; i++) {
		const struct mml_explain_step *step = &explain->step[i];

		if (step->what != MML_STEP_FREE_LIST || step->wanted || !step->value)
			continue;
		if (largest < 0)
			puts("  Free, but too small:\n");
		printf("    %8s block%s of order %-2u  %s\n", with_commas(step->value),
		       step->value == 1 ? " " : "s", step->arg, frames(step->value << step->arg));
		largest = (int)step->arg;
	}
	if (largest >= 0)
		putchar('\n');
	return largest;
}

static void say_fragmented(const struct mml_explain *explain)
{
	int largest;

	say("It failed because the memory is fragmented: %s were free, which would be enough, but\n"
	    "no %s of them in a row, beginning at a multiple of that%s.",
	    frames(free_frames(explain)), with_commas(1ULL << explain->order),
	    count_suitable(explain) ? ", except in reserve" : "");
	if (count_suitable(explain) || count_steps(explain, MML_STEP_ZONE) > 1)
		say_zones(explain);
	say_searched(explain);
	largest = say_too_small(explain);
	say_kept(explain);
	say("What can be done: ask for order %d or less; or free frames that lie between the free\n"
	    "ones, and the halves merge again. mmlab stat shows the free blocks now.", largest);
}

static void say_nothing_free(const struct mml_explain *explain)
{
	const uint64_t sum = free_frames(explain);

	if (!sum)
		say("It failed because no frame of the machine was free.");
	else
		say("It failed because only %s were free in all.", frames(sum));
	if (sum && count_steps(explain, MML_STEP_ZONE) > 1)
		say_zones(explain);
	say_searched(explain);
	say_too_small(explain);
	say_kept(explain);
	say("What can be done: free some (mmlab maps shows who has how many), or use a larger\n"
	    "machine (mmlab run --memory SIZE). There is no reclaim yet: nobody's frames are\n"
	    "taken from him.");
}

static void say_watermark(const struct mml_explain *explain)
{
	say("It failed because what is free is kept in reserve: %s were free, and %s wanted, but\n"
	    "each zone keeps some for those who cannot do without (its watermark) and for those\n"
	    "who can have no higher zone (its protection).",
	    frames(free_frames(explain)), with_commas(1ULL << explain->order));
	say_zones(explain);
	say_kept(explain);
	say("What can be done: free some (mmlab maps shows who has how many), or use a larger\n"
	    "machine; or have it keep less: mmlab zones shows the marks, min_free_kbytes and\n"
	    "lowmem_reserve_ratio in debugfs change them. Who asks with __GFP_HIGH, as\n"
	    "GFP_ATOMIC does, gets into the reserve. There is no reclaim yet: nobody's frames\n"
	    "are taken from him.");
}

static void say_no_zone(void)
{
	say("It failed because it insists on one node (__GFP_THISNODE), and that node has no zone\n"
	    "that the request may have: only addresses below 16 MiB will do (__GFP_DMA), or below\n"
	    "4 GiB (__GFP_DMA32).");
	say("What can be done: ask without __GFP_THISNODE, or for the node that has such a zone;\n"
	    "mmlab zones shows which that is.");
}

static void say_limit(const struct mml_explain *explain)
{
	const struct mml_explain_step *step = find_step(explain, MML_STEP_CHARGE);

	if (step)
		say("It failed because of a limit: the session may hold %s and held %s;\n"
		    "it asked for %s more. The machine had the frames.",
		    frames(step->at), with_commas(step->value), with_commas(step->wanted));
	else
		say("It failed because of a limit: the session may not hold so many frames.");
	say("What can be done: free some of what the session holds, or open it with a larger\n"
	    "limit (struct mml_session_open, and session_limit= of mm_lab.ko, which caps it).");
}

/* Why an allocation failed, and what one can do. */
static void say_alloc_why(const struct mml_explain *explain, uint32_t why)
{
	switch (why) {
	case MML_WHY_ORDER:
		say("It failed because there are no blocks of order %u: the largest order is %u,\n"
		    "%s.", explain->order, MAX_ORDER, frames(1ULL << MAX_ORDER));
		say("What can be done: ask for several smaller blocks.");
		break;
	case MML_WHY_INJECTED:
		say("It failed because it was made to fail (fail-nth), whatever was free.");
		say("What can be done: nothing needs to; see that the caller copes.");
		break;
	case MML_WHY_FRAGMENTED:
		say_fragmented(explain);
		break;
	case MML_WHY_NOTHING_FREE:
		say_nothing_free(explain);
		break;
	case MML_WHY_WATERMARK:
		say_watermark(explain);
		break;
	case MML_WHY_NO_ZONE:
		say_no_zone();
		break;
	case MML_WHY_LIMIT:
		say_limit(explain);
		break;
	case MML_WHY_BROKEN:
		say("It failed because a check found a bug of the lab's, a list of free blocks that is\n"
		    "corrupt or the like. The machine is broken.");
		say("What can be done: read the kernel log, which names it (dmesg). Other machines\n"
		    "go on.");
		break;
	case MML_WHY_KERNEL_MEMORY:
		say("It failed because the kernel had no memory for what goes with the frame (a\n"
		    "page table's descriptor, a real page table), or that was made to fail\n"
		    "(fail-nth).");
		say("What can be done: see free and dmesg; this is the host's memory, not the\n"
		    "lab's.");
		break;
	default:
		say("Its reason (%u) is one that this mmlab does not know.", why);
	}
}

static void say_alloc(struct mml_explain *explain)
{
	/* Of an order that cannot be, there is no size. */
	if (explain->order > MAX_ORDER)
		say("%s asked for a block of order %u, with %s.", who(explain), explain->order,
		    explain->gfp);
	else
		say("%s asked for a block of order %u, which is %s, with %s.", who(explain),
		    explain->order, frames(1ULL << explain->order), explain->gfp);
	say_alloc_why(explain, explain->why);
}

/*
 * A fault.
 */

static const char *access_name(uint32_t access)
{
	if (access & PROT_WRITE)
		return "wrote to";
	return access & PROT_EXEC ? "executed code in" : "read from";
}

static void say_neighbour(const struct mml_explain *explain, uint32_t what)
{
	const struct mml_explain_step *step = find_step(explain, what);
	const bool before = what == MML_STEP_VMA_BEFORE;
	uint64_t distance;

	if (!step) {
		say("There is no mapping %s it.", before ? "below" : "above");
		return;
	}
	distance = before ? explain->address - step->value :
			    step->at - explain->address - page_size;
	if (!distance)
		say("The mapping 0x%" PRIx64 "-0x%" PRIx64 " %s %s.", (uint64_t)step->at,
		    (uint64_t)step->value, rights(step->arg),
		    before ? "ends just before that page: as if the program ran over its end" :
			     "begins just behind that page: as if the program ran below its start");
	else
		say("The nearest mapping %s is 0x%" PRIx64 "-0x%" PRIx64 " %s, %s away.",
		    before ? "below" : "above", (uint64_t)step->at, (uint64_t)step->value,
		    rights(step->arg), as_size(distance));
}

static void say_no_vma(const struct mml_explain *explain)
{
	say("It failed because no mapping contains that page; the process got SIGSEGV (SEGV_MAPERR).");
	if (explain->flags & MML_EXPLAIN_HIDDEN)
		return;
	if (!find_step(explain, MML_STEP_VMA_BEFORE) && !find_step(explain, MML_STEP_VMA_AFTER)) {
		say("There was no mapping at all.");
	} else {
		say_neighbour(explain, MML_STEP_VMA_BEFORE);
		say_neighbour(explain, MML_STEP_VMA_AFTER);
	}
	say("What can be done: look for a pointer that is wrong or was freed; map the page before\n"
	    "it is used. mmlab maps shows the mappings of those that still run.");
}

static void say_access(const struct mml_explain *explain, const char *what, const char *remedy)
{
	const struct mml_explain_step *step = find_step(explain, MML_STEP_VMA);

	if (step)
		say("It failed because %s, 0x%" PRIx64 "-0x%" PRIx64 ", allows %s and the access\n"
		    "needs %s; the process got SIGSEGV (SEGV_ACCERR).", what, (uint64_t)step->at,
		    (uint64_t)step->value, rights(step->arg), rights((uint32_t)step->wanted));
	else
		say("It failed because %s does not allow the access; the process got SIGSEGV\n"
		    "(SEGV_ACCERR).", what);
	say("What can be done: %s", remedy);
}

/* Which frame was wanted: of a page table, or of the page. */
static void say_tables(const struct mml_explain *explain)
{
	for (uint32_t i = 0; i < explain->nr_steps; i++) {
		const struct mml_explain_step *step = &explain->step[i];

		if (step->what == MML_STEP_TABLE && !step->value) {
			say("Of the four levels of page tables (3 the top, 0 that of the pages) the\n"
			    "one of level %u was missing for that address: a frame was wanted for\n"
			    "it.", step->arg);
			return;
		}
	}
	if (find_step(explain, MML_STEP_PAGE))
		say("All four levels of page tables were there for that address: a frame was wanted\n"
		    "for the page itself.");
}

static void say_no_frame(const struct mml_explain *explain)
{
	say("It failed because a frame was wanted and could not be had; the process was killed\n"
	    "(SIGKILL).");
	say_tables(explain);
	if (explain->cause == MML_WHY_NONE)
		return;
	say("That allocation, of order %u with %s:", explain->order, explain->gfp);
	say_alloc_why(explain, explain->cause);
}

static void say_fault_why(const struct mml_explain *explain)
{
	switch (explain->why) {
	case MML_WHY_NO_VMA:
		say_no_vma(explain);
		break;
	case MML_WHY_ACCESS:
		say_access(explain, "the mapping there",
			   "if it is meant to be allowed, mprotect() it so; if not, look for who\n"
			   "uses it so.");
		break;
	case MML_WHY_WINDOW:
		say_access(explain, "the window itself",
			   "map the session file with PROT_READ | PROT_WRITE | PROT_EXEC; what is\n"
			   "in the window has rights of its own.");
		break;
	case MML_WHY_BEYOND:
		say("It failed because the mapping there is longer than the shared memory that it maps:\n"
		    "that is as long as it was when it was mapped first, and mremap() does not change\n"
		    "it; or because that was mapped with MAP_NORESERVE, and no more may be committed\n"
		    "now. The process got SIGBUS.");
		say("What can be done: map as much as is needed from the beginning, and reserve it.");
		break;
	case MML_WHY_NO_FRAME:
		say_no_frame(explain);
		break;
	case MML_WHY_STILLBORN:
		say("It failed because the process is the child of a fork for which frames ran out:\n"
		    "its copy of the memory could not be completed, and it was killed (SIGKILL) at\n"
		    "its first touch.");
		say("What can be done: a fork copies every page at once, so as many frames must be\n"
		    "free as the parent has.");
		break;
	case MML_WHY_BROKEN:
		say("It failed because the machine is broken: a check has found a bug of the lab's;\n"
		    "the process got SIGBUS.");
		say("What can be done: read the kernel log, which names it (dmesg). Other machines\n"
		    "go on.");
		break;
	case MML_WHY_DEAD:
		say("It failed because the session had ended; the process got SIGBUS.");
		break;
	default:
		say("Its reason (%u) is one that this mmlab does not know.", explain->why);
	}
}

static void say_fault(struct mml_explain *explain)
{
	if (explain->flags & MML_EXPLAIN_HIDDEN)
		say("%s %s a page.", who(explain), access_name(explain->access));
	else
		say("%s %s the page at 0x%" PRIx64 ".", who(explain), access_name(explain->access),
		    (uint64_t)explain->address);
	say_fault_why(explain);
}

static const struct {
	const char *name;
	const char *failed;
	void (*say)(struct mml_explain *explain);
} kinds[MML_NR_EXPLAIN_KINDS] = {
	[MML_EXPLAIN_ALLOC] = { "alloc", "allocation", say_alloc },
	[MML_EXPLAIN_FAULT] = { "fault", "page fault", say_fault },
};

static void print_text(struct mml_explain *explain)
{
	const char *failed = kinds[explain->kind].failed;

	if (!explain->failures) {
		printf("Nothing has failed yet: no %s of machine %u.\n", failed, explain->machine);
		return;
	}
	printf("The last %s of machine %u that failed, %s (%s failed so far):\n\n", failed,
	       explain->machine, ago(explain->age_ns), with_commas(explain->failures));
	kinds[explain->kind].say(explain);
	if (explain->lost)
		say("For %u more of what was looked at there was no room.", explain->lost);
}

/*
 * JSON.
 */

static const char *const why_names[] = {
	[MML_WHY_NONE] = "none",
	[MML_WHY_ORDER] = "order",
	[MML_WHY_INJECTED] = "injected",
	[MML_WHY_NOTHING_FREE] = "nothing_free",
	[MML_WHY_FRAGMENTED] = "fragmented",
	[MML_WHY_LIMIT] = "limit",
	[MML_WHY_BROKEN] = "broken",
	[MML_WHY_KERNEL_MEMORY] = "kernel_memory",
	[MML_WHY_NO_VMA] = "no_vma",
	[MML_WHY_ACCESS] = "access",
	[MML_WHY_WINDOW] = "window",
	[MML_WHY_NO_FRAME] = "no_frame",
	[MML_WHY_STILLBORN] = "stillborn",
	[MML_WHY_DEAD] = "dead",
	[MML_WHY_WATERMARK] = "watermark",
	[MML_WHY_NO_ZONE] = "no_zone",
	[MML_WHY_BEYOND] = "beyond",
};

static const char *const step_names[] = {
	[MML_STEP_FREE_LIST] = "free_list",
	[MML_STEP_FREE_FRAMES] = "free_frames",
	[MML_STEP_CHARGE] = "charge",
	[MML_STEP_RANGE] = "range",
	[MML_STEP_VMA_BEFORE] = "vma_before",
	[MML_STEP_VMA] = "vma",
	[MML_STEP_VMA_AFTER] = "vma_after",
	[MML_STEP_TABLE] = "table",
	[MML_STEP_PAGE] = "page",
	[MML_STEP_KEPT] = "kept",
	[MML_STEP_ZONE] = "zone",
};

static const char *name_of(const char *const *names, size_t count, uint32_t number)
{
	return number < count && names[number] ? names[number] : "unknown";
}

static void print_json_text(const char *key, const char *text)
{
	printf("    \"%s\": ", key);
	json_string(stdout, text);
	puts(",");
}

static void print_json_number(const char *key, uint64_t n)
{
	printf("    \"%s\": %" PRIu64 ",\n", key, n);
}

static void print_json_steps(const struct mml_explain *explain)
{
	printf("    \"steps\": [");
	for (uint32_t i = 0; i < explain->nr_steps && i < MML_EXPLAIN_STEPS; i++) {
		const struct mml_explain_step *step = &explain->step[i];

		printf("%s\n      { \"what\": \"%s\", \"arg\": %u, \"at\": %" PRIu64
		       ", \"value\": %" PRIu64 ", \"wanted\": %" PRIu64 " }", i ? "," : "",
		       name_of(step_names, ARRAY_SIZE(step_names), step->what), step->arg,
		       (uint64_t)step->at, (uint64_t)step->value, (uint64_t)step->wanted);
	}
	printf("%s]\n", explain->nr_steps ? "\n    " : "");
}

static void print_json(const struct mml_explain *explain)
{
	printf(",\n  \"%s\": {\n", kinds[explain->kind].name);
	print_json_number("failures", explain->failures);
	print_json_text("why", name_of(why_names, ARRAY_SIZE(why_names), explain->why));
	print_json_text("cause", name_of(why_names, ARRAY_SIZE(why_names), explain->cause));
	printf("    \"hidden\": %s,\n",
	       explain->flags & MML_EXPLAIN_HIDDEN ? "true" : "false");
	print_json_number("age_ns", explain->age_ns);
	print_json_number("pid", explain->pid);
	print_json_text("comm", explain->comm);
	print_json_number("session", explain->session);
	print_json_number("order", explain->order);
	print_json_text("gfp", explain->gfp);
	print_json_number("address", explain->address);
	print_json_text("access", rights(explain->access));
	print_json_number("lost_steps", explain->lost);
	print_json_steps(explain);
	printf("  }");
}

static bool ask(int fd, uint32_t machine, uint32_t kind, struct mml_explain *explain)
{
	memset(explain, 0, sizeof(*explain));
	explain->machine = machine;
	explain->kind = kind;
	if (!ioctl(fd, MML_IOC_EXPLAIN, explain))
		return true;
	if (errno == ENXIO)
		complain("there is no machine %u; mmlab info lists those there are", machine);
	else
		complain("machine %u could not be asked: %s", machine, strerror(errno));
	return false;
}

static int explain_machine(int fd, uint32_t machine, bool json)
{
	struct mml_explain explain[MML_NR_EXPLAIN_KINDS];
	struct mml_info info;

	for (uint32_t kind = 0; kind < MML_NR_EXPLAIN_KINDS; kind++) {
		if (!ask(fd, machine, kind, &explain[kind]))
			return EXIT_FAILURE;
	}
	if (!device_info(fd, machine, 0, &info)) {
		complain("machine %u is gone", machine);
		return EXIT_FAILURE;
	}
	page_size = info.page_size;
	if (json)
		printf("{\n  \"machine\": %u,\n  \"broken\": %s", machine,
		       info.state == MML_MACHINE_BROKEN ? "true" : "false");
	else if (info.state == MML_MACHINE_BROKEN)
		printf("Machine %u is broken: a check found a bug of the lab's (see dmesg). Its ioctls\n"
		       "fail with EIO, touching its memory is SIGBUS. What failed before and since:\n\n",
		       machine);
	for (uint32_t kind = 0; kind < MML_NR_EXPLAIN_KINDS; kind++) {
		if (json)
			print_json(&explain[kind]);
		else
			print_text(&explain[kind]);
	}
	if (json)
		puts("\n}");
	return 0;
}

static int explain(int argc, char **argv)
{
	uint32_t machine;
	bool json;
	int fd, status;

	if (!parse_machine_json(argc, argv, &machine, &json))
		return EXIT_USAGE;
	fd = device_open();
	if (fd < 0)
		return EXIT_FAILURE;
	status = explain_machine(fd, machine, json);
	close(fd);
	return status;
}

const struct command cmd_explain = {
	.name = "explain",
	.arguments = "[--machine N] [--json]",
	.summary = "why the last allocation or page fault failed",
	.help =
		"For machine N (0 unless given), of the last allocation of frames that failed and of\n"
		"the last page fault that ended in a signal: who asked, when and for what; what was\n"
		"tried; why it failed; what one can do about it.\n"
		"\n"
		"  mmlab alloc --order 9 --count 100; mmlab explain\n"
		"\n"
		"Of other processes' failures everybody learns the reason and the free blocks, but\n"
		"whose they were and at which addresses only root.\n"
		"\n"
		"--json prints one object: why, numbers and steps as in struct mml_explain.\n",
	.run = explain,
};
