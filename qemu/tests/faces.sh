#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The page allocator's files have the kernel's formats: one parser reads both; and its
# events the kernel's names and fields. What they say is true.
#
# timeout: 120

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"

tracefs=/sys/kernel/tracing
lab=$lab_debugfs/0

# shape FILE - what a line consists of: numbers become 0, names of zones "Zone"
shape()
{
	sed -E 's/-?[0-9]+\.[0-9]+/0.0/g; s/\b[0-9]+\b/0/g; s/zone +(DMA32|DMA|Normal|Movable)/zone Zone/
		s/(HighAtomic|CMA|Isolate) *//g; s/ +/ /g; s/ $//' "$1" |
		sed '/type 0\|type$/d' | sort -u
}

is "buddyinfo is of the kernel's shape" "$(shape $lab/buddyinfo)" "$(shape /proc/buddyinfo)"
is "unusable_index, too" "$(shape $lab/extfrag/unusable_index)" \
	"$(shape /sys/kernel/debug/extfrag/unusable_index)"
is "extfrag_index, too" "$(shape $lab/extfrag/extfrag_index)" \
	"$(shape /sys/kernel/debug/extfrag/extfrag_index)"

# types FILE - "TYPE ORDER BLOCKS" for each free list of pagetypeinfo
types()
{
	awk '/, type / { for (order = 0; order <= 10; order++)
		print $6, order, $(NF - 10 + order) }' "$1"
}

# pageblocks FILE - "TYPE BLOCKS" of all zones
pageblocks()
{
	awk '/^Number of blocks type/ { for (i = 5; i <= NF; i++) name[i] = $i; next }
		/^Number of mixed/ { exit }
		/^Node/ && name[5] { for (i = 5; i in name; i++) sum[name[i]] += $i }
		END { for (n in sum) print n, sum[n] }' "$1" | sort
}

is "pagetypeinfo: the kernel's has the same types and orders" \
	"$(types /proc/pagetypeinfo | awk '{ print $1, $2 }' | grep -E '^(Unmovable|Movable|Reclaimable)' | sort -u)" \
	"$(types $lab/pagetypeinfo | awk '{ print $1, $2 }' | sort -u)"
is "pagetypeinfo: and says the same of pageblocks" "$(head -2 $lab/pagetypeinfo)" \
	"$(head -2 /proc/pagetypeinfo)"
is "its pageblocks are all there are" "$(pageblocks $lab/pagetypeinfo | awk '{ n += $2 } END { print n }')" 32
is "by order they add up to buddyinfo" \
	"$(types $lab/pagetypeinfo | awk '{ nr[$2] += $3 } END { for (o = 0; o <= 10; o++) printf "%d ", nr[o] }')" \
	"$(sed -E 's/.*Normal +//; s/ +/ /g' $lab/buddyinfo)"

# mixed TYPE - pageblocks of that type that hold something else
mixed()
{
	awk -v type="$1" '/^Number of mixed/ { for (i = 5; i <= NF; i++) if ($i == type) at = i; next }
		at && /^Node/ { print $at }' $lab/pagetypeinfo
}

is "nothing is mixed" "$(mixed Unmovable) $(mixed Movable) $(mixed Reclaimable)" "0 0 0"
# Nine tenths are movable, so the rest of what cannot be moved has to go among it.
mmlab alloc --movable --order 0 --count 15500 -- \
	mmlab alloc --order 0 --count 850 -- cat $lab/pagetypeinfo >/tmp/full
is "with everything in use, other types were taken from" \
	"$(awk '/^Number of mixed/ { at = 1; next } at && /^Node/ { print ($5 + $6 > 0) }' /tmp/full)" 1
is "and no more than that" "$(pageblocks /tmp/full | awk '$1 == "Unmovable" { print ($2 <= 3) }')" 1

#
# Events
#

# fields SYSTEM EVENT - their names, in order
fields() { sed -n 's/^\tfield:\([^;]*\);.*/\1/p' "$tracefs/events/$1/$2/format" | sed 's/.* //; /^common_/d'; }

for event in mm_page_alloc mm_page_free mm_page_alloc_zone_locked mm_page_pcpu_drain mm_page_alloc_extfrag; do
	is "$event has the kernel's fields, and the machine" "$(fields mm_lab $event)" \
		"$(fields kmem $event)
machine"
	echo 1 >$tracefs/events/mm_lab/$event/enable
done
echo >$tracefs/trace
mmlab alloc --movable --order 0 --count 16000 -- true >/dev/null
mmlab alloc --reclaimable --order 5 >/dev/null
echo 1 >$lab/drain_pages
# seen EVENT - how often
seen() { grep -c " $1: " $tracefs/trace; }
for event in mm_page_alloc_zone_locked mm_page_pcpu_drain mm_page_alloc_extfrag; do
	is "$event was seen" "$(($(seen $event) > 0))" 1
	echo 0 >$tracefs/events/mm_lab/$event/enable
done
like "a claim says whose it was" "$(grep mm_page_alloc_extfrag $tracefs/trace)" \
	'alloc_order=5 fallback_order=[0-9]* pageblock_order=9 alloc_migratetype=2 fallback_migratetype=[01] fragmenting=[01] change_ownership=1 machine=0'
echo 0 >$tracefs/events/mm_lab/enable

ok "all is well" mmlab validate
done_testing
