#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Machines, jobs, sessions and blocks against callers who ask for the impossible,
# have no right to, hold what is to be destroyed, or use what belongs to others.
#
# kernels: stock debug
# vm: --mem 2G
# timeout: 60

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
run_program hostile-machines
