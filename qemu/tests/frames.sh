#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The frames behind memory: exact counts with page tables, zeroed frames after others
# have used them, maps and status, overcommit, limits, and death by want of a frame.
#
# kernels: stock lab debug
# vm: --mem 2G
# timeout: 60

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
run_program frames
