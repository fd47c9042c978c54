#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every ioctl of the device, called wrongly in every way: unknown numbers, wrong
# files, directions, sizes, padding and pointers fail with their own errno and
# change nothing; structs may lie in the window itself.
#
# kernels: stock debug
# vm: --mem 2G
# timeout: 120

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
run_program hostile-commands
