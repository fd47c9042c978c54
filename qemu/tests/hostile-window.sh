#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The window against the kernel's own calls (munmap, mprotect, mremap, madvise ...),
# against mappings of the session file that are no window, and the lab's calls
# against addresses and lengths that wrap or lie outside.
#
# kernels: stock debug
# vm: --mem 2G
# timeout: 60

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
run_program hostile-window
