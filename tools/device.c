// SPDX-License-Identifier: GPL-2.0
/*
 * The device: opening it, and what its errors mean to a person.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>

#include "mmlab.h"

/**
 * device_open - open the control file
 *
 * Return: its descriptor; negative after a message.
 */
int device_open(void)
{
	const int fd = open(MML_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		complain("there is no " MML_DEVICE ": the lab's modules are not loaded.\n"
			 "Load them as root, from the bottom up:\n"
			 "  insmod mm_lab/mm_lab.ko memory=64M\n"
			 "  insmod buddy_probe/buddy_probe.ko\n"
			 "  insmod slub_probe/slub_probe.ko\n"
			 "  insmod vma_probe/vma_probe.ko\n"
			 "or use a virtual machine that has them: make vm CMD='mmlab info'");
		break;
	case EACCES:
	case EPERM:
		complain("may not open " MML_DEVICE ": it is root's, unless mm_lab.ko was loaded\n"
			 "with another mode or group. Try it as root");
		break;
	default:
		complain("cannot open " MML_DEVICE ": %s", strerror(errno));
	}
	return -1;
}

/**
 * device_info - ask for a machine
 * @fd: any file of the lab's
 * @machine: its number
 * @flags: MML_INFO_*
 * @info: out: the machine
 *
 * Return: whether it is there; if not, errno is ENXIO or something worse.
 */
bool device_info(int fd, uint32_t machine, uint32_t flags, struct mml_info *info)
{
	memset(info, 0, sizeof(*info));
	info->machine = machine;
	info->flags = flags;
	return !ioctl(fd, MML_IOC_GET_INFO, info);
}

/**
 * machine_info - ask for a machine, when nothing else is wanted of the device
 * @machine: its number
 * @info: out: the machine
 *
 * Return: true; false after a message.
 */
bool machine_info(uint32_t machine, struct mml_info *info)
{
	const int fd = device_open();
	bool good;

	if (fd < 0)
		return false;
	good = device_info(fd, machine, 0, info);
	if (!good && errno == ENXIO)
		complain("there is no machine %u; mmlab info lists those there are", machine);
	else if (!good)
		complain("cannot ask for machine %u: %s", machine, strerror(errno));
	close(fd);
	return good;
}

/**
 * device_validate - have invariants checked
 * @fd: any file of the lab's
 * @machine: a machine's number, or MML_VALIDATE_ALL
 * @validate: out: what was found
 *
 * Return: true; false after a message.
 */
bool device_validate(int fd, uint32_t machine, struct mml_validate *validate)
{
	memset(validate, 0, sizeof(*validate));
	validate->machine = machine;
	if (!ioctl(fd, MML_IOC_VALIDATE, validate))
		return true;
	if (errno == ENXIO)
		complain("there is no machine %u; mmlab info lists those there are", machine);
	else
		complain("the lab could not be validated: %s", strerror(errno));
	return false;
}

static void explain_no_machine(const struct mml_machine_create *create)
{
	switch (errno) {
	case EPERM:
		complain("making a machine needs CAP_SYS_ADMIN: run it as root, or use one that is\n"
			 "there (mmlab info)");
		break;
	case EEXIST:
		complain("there is a machine '%s' already: take another name, or mmlab machine\n"
			 "destroy it", create->name);
		break;
	case ENOMEM:
		complain("no backend has %s for a machine: ask for less, or boot with\n"
			 "reserve_mem=SIZE:2M:mm_lab; the kernel log says what was asked and found",
			 as_size(create->bytes));
		break;
	case EINVAL:
		if (*create->slab_debug)
			complain("a machine of %s cannot be had with --slab-debug '%s': letters of\n"
				 "FZPUTO-, after a comma names, after a semicolon others. If these are\n"
				 "right, it is the size; the kernel log says more",
				 as_size(create->bytes), create->slab_debug);
		else if (create->nodes > 1 || create->movable)
			complain("%s cannot be divided so: a node has 4M or more, and not all can be\n"
				 "movable; the kernel log says more", as_size(create->bytes));
		else
			complain("%s is not a size for a machine; 256K is the least",
				 as_size(create->bytes));
		break;
	default:
		complain("cannot make a machine of %s: %s", as_size(create->bytes),
			 strerror(errno));
	}
}

static uint64_t whole_pages(uint64_t bytes)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

/**
 * device_machine - make a machine
 * @fd: the control file
 * @create: in: of what, sizes being rounded up to pages; out: as the lab returns it
 *
 * Return: true; false after a message.
 */
bool device_machine(int fd, struct mml_machine_create *create)
{
	create->bytes = whole_pages(create->bytes);
	create->movable = whole_pages(create->movable);
	if (!ioctl(fd, MML_IOC_MACHINE_CREATE, create))
		return true;
	explain_no_machine(create);
	return false;
}

/**
 * device_session - open a session for blocks
 * @fd: the control file
 * @machine: the machine to be on
 * @number: out: the session's
 *
 * Return: its descriptor; negative after a message.
 */
int device_session(int fd, uint32_t machine, uint32_t *number)
{
	struct mml_session_open session = { .machine = machine };

	if (!ioctl(fd, MML_IOC_SESSION_OPEN, &session)) {
		*number = session.session;
		return session.fd;
	}
	if (errno == ENXIO)
		complain("there is no machine %u; mmlab info lists those there are", machine);
	else
		complain("cannot open a session on machine %u: %s", machine, strerror(errno));
	return -1;
}

/**
 * engine_names - which engines a machine has
 * @engines: as in struct mml_info
 * @separator: between two names
 *
 * Return: the text, until the next call.
 */
const char *engine_names(uint32_t engines, const char *separator)
{
	static const char *const slots[] = { "buddy", "slub", "vma" };
	static char text[64];
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(slots); i++) {
		if (engines & (1U << i))
			length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s",
						   length ? separator : "", slots[i]);
	}
	return text;
}
