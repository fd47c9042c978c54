#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Races by design on four CPUs: what takes something away, against those who use it.
# The head of races.c says what each of them looks at. Takes the milliseconds for each
# race, and a seed.
#
# kernels: stock debug
# vm: --cpus 4 --mem 1200M --params memory=16M
# timeout: 120

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
milliseconds=2000
[[ $(uname -r) != *labdbg* ]] || milliseconds=1000
run_program races "${1:-$milliseconds}" "${@:2}"
