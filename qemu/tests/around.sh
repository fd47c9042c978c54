#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Fault-around: faults saved, what is told of pages that came along, and their frames going
# first when memory is short, while four CPUs use others.
#
# kernels: stock debug
# vm: --cpus 4 --mem 1200M --params memory=16M
# timeout: 90

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
run_program around "$@"
