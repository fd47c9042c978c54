#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# On four CPUs: threads that unmap, protect, move, drop and fork an address space
# while others fault in it and every invariant is checked.
#
# kernels: stock debug
# vm: --cpus 4 --mem 1200M --params memory=16M
# timeout: 90

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
run_program stress "$@"
