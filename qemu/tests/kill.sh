#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Fifty processes killed at random moments while they fault, map and fork: every
# frame comes back.
#
# kernels: stock debug
# vm: --mem 2G
# timeout: 90

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
run_program kill "$@"
