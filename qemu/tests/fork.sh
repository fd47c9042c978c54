#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fork on the lab: copies that nobody else sees, exact frame counts of a tree of
# processes, one moment's content while threads write, children for which no frames
# are left, and exec, vfork and posix_spawn.
#
# kernels: stock debug
# vm: --mem 2G
# timeout: 60

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
run_program fork
