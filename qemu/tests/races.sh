#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Races by design on four CPUs: what takes something away, against those who use it.
# The head of races.c says what each of them looks at.
#
# kernels: stock debug
# vm: --cpus 4
# timeout: 120

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
run_program races "$@"
