#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A kernel that was booted without a reservation: contig serves, asking for
# reserve_mem says what to do, and the kernel gets every page back.
#
# vm: --no-modules --reserve none
# timeout: 200

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
need_program mkmachines

mkmachines() { out/tests/mkmachines "$@" | sed 's/machine [0-9]* //'; }

log_mark
exits "reserve_mem by name" 1 load mm_lab backend=reserve_mem
like "the kernel log says what to do" "$(log_since)" 'found no region "mm_lab": boot with reserve_mem=SIZE:2M:mm_lab'
exits "more than there is" 1 load mm_lab memory=2G
like "the kernel log names reserve_mem" "$(log_since)" 'asked for 2097152 KiB of reserve_mem, found no region'
like "and contig" "$(log_since)" 'asked for 2097152 KiB of contig, found no range .*free: [0-9]+ KiB'
ok "nothing is left of that" test ! -e /dev/mm_lab

load_all memory=64M
is "auto takes contig" "$(machine_field 0 backend) $(machine_field 0 frames)" "contig 16384"
like "mmlab info names it" "$(mmlab info)" '^ *0 +default +contig '
is "a program runs on it" "$(mmlab run echo hello)" hello
before=$(free_kib)
is "machines beside it" "$(mkmachines contig:64M auto:32M reserve_mem:1M contig:2G contig:256K)" \
	"contig:64M: from contig contig, 16384 frames, 16384 free
auto:32M: from contig contig, 8192 frames, 8192 free
reserve_mem:1M: ENOMEM
contig:2G: ENOMEM
contig:256K: from contig contig, 64 frames, 64 free
16384 frames, 0 lost, 0 violations
8192 frames, 0 lost, 0 violations
64 frames, 0 lost, 0 violations"

is "96 MiB, ten times: never too little left" \
	"$(for _ in {1..10}; do mkmachines contig:96M; done | sort | uniq -c | tr -s ' ')" \
	" 10 24576 frames, 0 lost, 0 violations
 10 contig:96M: from contig contig, 24576 frames, 24576 free"
cmp_ok "the kernel has its memory back, but for 8 MiB at most" $((before - $(free_kib))) -lt 8192
ok "all is well" mmlab validate
unload_all
cmp_ok "and that of the default machine" $(($(free_kib) - before)) -gt 57344

done_testing
