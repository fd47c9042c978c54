#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A bug of the lab, planted through debugfs, breaks one machine and nothing else.
#
# vm: --no-modules --reserve 64M
# timeout: 60

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"

load_all memory=1M || bail "the modules cannot be loaded"
run_program broken
