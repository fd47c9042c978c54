#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What memory is to a program: mmap, munmap, mprotect, mremap, madvise, and what
# comes of touching it. Made on the lab and on the kernel, side by side: contents,
# errnos, signals and addresses must be the same.
#
# kernels: stock lab debug
# vm: --mem 2G
# timeout: 60

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
run_program memory
