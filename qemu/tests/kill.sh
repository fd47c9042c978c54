#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A thousand processes killed at random moments while they fault, map and fork, on four
# CPUs: every frame comes back. On the debug kernel, where each takes up to half a second,
# it is a quarter of that. Takes how many, and a seed.
#
# kernels: stock debug
# vm: --cpus 4 --mem 1200M --params memory=16M
# timeout: 120

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
victims=1000
! on_debug_kernel || victims=250
run_program kill "${1:-$victims}" "${@:2}"
