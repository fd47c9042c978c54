#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The smallest machine and one of 64 GiB, which the host does not have, at work at
# the same time: their buddyinfo, to the block, before, during and after.
#
# vm: --mem 3G --reserve 64M --params memory=1M
# timeout: 120

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
need_program mkmachines

# buddyinfo NUMBER - the blocks of each order, from 0 to 10, of each zone, in one line
# shellcheck disable=SC2317 # these are called by bash -c
buddyinfo() { drained_buddyinfo "$1" | zone_blocks | paste -s -d,; }

# machine_of BACKEND - the number of the machine that mkmachines made from it
# shellcheck disable=SC2317
machine_of()
{
	mmlab info --json | awk -v backend="\"$1\"," '$1 == "\"machine\":" { number = $2 + 0 }
		$1 == "\"backend\":" && $2 == backend && number { print number }'
}

# held NUMBER ORDER COUNT - buddyinfo while COUNT blocks of ORDER are held
# shellcheck disable=SC2317
held()
{
	mmlab alloc --machine "$1" --order "$2" --count "$3" -- \
		bash -c "echo blocks; buddyinfo $1" | sed '1,/^blocks$/d'
}

# Called by bash -c
# shellcheck disable=SC2317
while_there()
{
	local small large
	small=$(machine_of reserve_mem)
	large=$(machine_of memmap)
	echo "small: $(buddyinfo "$small")"
	echo "large: $(buddyinfo "$large")"
	echo "large, 1 frame held: $(held "$large" 0 1)"
	echo "small, 1 frame held: $(held "$small" 0 1)"
	echo "large, 5000 blocks of 4 MiB held: $(held "$large" 10 5000)"
	echo "large: $(buddyinfo "$large")"
	mmlab validate --machine "$small" | cut -d: -f1
	mmlab validate --machine "$large" | cut -d: -f1
}

export lab_debugfs
export -f drained_buddyinfo zone_blocks buddyinfo machine_of held while_there
is "64 frames and 16,777,216" "$(out/tests/mkmachines memmap:64G reserve_mem:256K -- bash -c while_there |
	sed 's/machine [0-9]* //')" \
"memmap:64G: from memmap memmap, 16777216 frames, 16777216 free
reserve_mem:256K: from reserve_mem mm_lab, 64 frames, 64 free
small: DMA 0 0 0 0 0 0 1 0 0 0 0
large: DMA 0 0 0 0 0 0 0 0 0 0 4,DMA32 0 0 0 0 0 0 0 0 0 0 1020,Normal 0 0 0 0 0 0 0 0 0 0 15360
large, 1 frame held: DMA 0 0 0 0 0 0 0 0 0 0 4,DMA32 0 0 0 0 0 0 0 0 0 0 1020,Normal 1 1 1 1 1 1 1 1 1 1 15359
small, 1 frame held: DMA 1 1 1 1 1 1 0 0 0 0 0
large, 5000 blocks of 4 MiB held: DMA 0 0 0 0 0 0 0 0 0 0 4,DMA32 0 0 0 0 0 0 0 0 0 0 1020,Normal 0 0 0 0 0 0 0 0 0 0 10360
large: DMA 0 0 0 0 0 0 0 0 0 0 4,DMA32 0 0 0 0 0 0 0 0 0 0 1020,Normal 0 0 0 0 0 0 0 0 0 0 15360
ok
ok
16777216 frames, 0 lost, 0 violations
64 frames, 0 lost, 0 violations"

log_mark
is "descriptors for more than the kernel has memory for" "$(out/tests/mkmachines memmap:1024G)" "memmap:1024G: ENOMEM"
like "are refused, with the reason" "$(log_since)" \
	'a machine of 268435456 frames needs 10485760 KiB for their descriptors, the kernel has [0-9]+ KiB available'
ok "all is well" mmlab validate --all

done_testing
