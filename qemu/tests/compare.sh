#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The lab's memory beside the kernel's: each case of compare/*.cases, and operations at
# random, are made on both, by the same program at the same addresses. What it sees has to
# be the same: values, addresses, errnos, signals, the pieces that maps has.
#
# kernels: stock lab debug
# vm: --mem 2G
# timeout: 400

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"

operations=250000
! on_debug_kernel || operations=20000
cases=(qemu/tests/compare/*.cases)
[[ -e /proc/swaps ]] || cases=("${cases[@]/*swap.cases/}")
[[ -e /sys/kernel/mm/transparent_hugepage ]] || cases=("${cases[@]/*thp.cases/}")
[[ -e /sys/kernel/mm/ksm ]] || cases=("${cases[@]/*ksm.cases/}")
# shellcheck disable=SC2068 # the empty one goes
run_program compare --random "$operations" "$@" ${cases[@]}
