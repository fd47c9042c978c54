#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A storm of forks on four CPUs for a minute, with threads that fault, map and unmap, and
# processes that are killed: every frame comes back. Takes the seconds, and a seed.
#
# kernels: stock debug
# vm: --cpus 4 --mem 1200M --params memory=16M
# timeout: 120

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
run_program fork-storm "$@"
