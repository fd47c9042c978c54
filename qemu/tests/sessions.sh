#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Two sessions at the same addresses, and two machines: one's content, crash and
# hunger are nothing to the other.
#
# kernels: stock debug
# vm: --mem 2G
# timeout: 60

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
run_program sessions
