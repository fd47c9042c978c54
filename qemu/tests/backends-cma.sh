#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A kernel with CMA and no reservation: cma serves, by name and automatically, until its
# area is full; then the next backend does. The area is whole again afterwards.
#
# kernels: lab
# vm: --no-modules --reserve none --append cma=96M
# timeout: 120

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
need_program mkmachines

mkmachines() { out/tests/mkmachines "$@" | sed 's/machine [0-9]* //'; }

load_all memory=64M
is "auto takes cma" "$(machine_field 0 backend) $(machine_field 0 frames)" "cma 16384"
like "mmlab info names it" "$(mmlab info)" '^ *0 +default +cma +cma +64 MiB '
like "and so does the kernel log" "$(dmesg)" 'machine 0: 16384 frames, 64 MiB, from cma'
is "a program runs on it" "$(mmlab run python3 -c 'print(sum(bytearray(b"\1") * (32 << 20)))')" 33554432
ok "all is well" mmlab validate --all

log_mark
is "a full area serves no more" "$(mkmachines cma:64M)" "cma:64M: ENOMEM"
like "the kernel log says why" "$(log_since)" \
	"asked for 65536 KiB of cma, found no room in the kernel's CMA area \\(free in it: [0-9]+ KiB\\)"
is "auto goes on to contig" "$(mkmachines auto:64M)" "auto:64M: from contig contig, 16384 frames, 16384 free
16384 frames, 0 lost, 0 violations"
is "smaller ones fit beside it" "$(mkmachines cma:8M cma:12M)" "cma:8M: from cma cma, 2048 frames, 2048 free
cma:12M: from cma cma, 3072 frames, 3072 free
2048 frames, 0 lost, 0 violations
3072 frames, 0 lost, 0 violations"
unload_all

load_all memory=16M backend=contig
is "contig by name, though there is CMA" "$(machine_field 0 backend)" contig
is "ten in a row" "$(for _ in {1..10}; do mkmachines cma:80M; done | sort | uniq -c | tr -s ' ')" \
	" 10 20480 frames, 0 lost, 0 violations
 10 cma:80M: from cma cma, 20480 frames, 20480 free"
unload_all
load_all memory=90M backend=cma
is "nearly all of the area can be had in the end" "$(machine_field 0 frames)" 23040
unload_all

done_testing
