#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# smaps and smaps_rollup of sessions: the kernel says the same, line by line, of its own anonymous
# memory after the same operations, also of a child that shares it.
#
# kernels: stock debug
# timeout: 120

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
run_program smaps
