#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A guest that is too small: whose largest range is smaller than what is asked for, and
# one that has not so much memory at all.
#
# vm: --no-modules --reserve none --mem 256M
# timeout: 120

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
need_program mkmachines

log_mark
exits "the default machine cannot be had" 1 load mm_lab memory=200M
said=$(log_since)
like "the kernel log names reserve_mem" "$said" 'asked for 204800 KiB of reserve_mem, found no region "mm_lab": boot with'
like "and cma" "$said" 'asked for 204800 KiB of cma, which this kernel does not have'
like "and contig" "$said" 'asked for 204800 KiB of contig, found no range'
like "and blocks" "$said" 'asked for 204800 KiB in blocks of 4096 KiB, found too few'
like "mmlab info says what to do" "$(mmlab info 2>&1)" 'insmod mm_lab.ko|not loaded|load'

# Blocks of 4 MiB are there where no range of many is.
load_all memory=16M backend=sparse
is "sparse serves" "$(machine_field 0 backend) $(machine_field 0 region) $(machine_field 0 frames)" "sparse 4x4M 4096"
like "mmlab info names it" "$(mmlab info)" '^ *0 +default +sparse +4x4M '
is "a program runs on it" "$(mmlab run python3 -c 'print(len(bytearray(8 << 20)))')" 8388608
ok "all is well" mmlab validate --all
unload_all

done_testing
