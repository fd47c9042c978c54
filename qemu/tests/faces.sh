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
	sed -E 's/-?[0-9]+\.[0-9]+/0.0/g; s/\b[0-9]+\b/0/g; s/zone +(DMA32|DMA|Normal|Movable|Device)/zone Zone/
		s/ +/ /g; s/ $//' "$1" | sort -u
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

# CMA is left out: not every kernel is built with it.
is "pagetypeinfo: the kernel's has the same types and orders" \
	"$(types /proc/pagetypeinfo | awk '$1 != "CMA" { print $1, $2 }' | sort -u)" \
	"$(types $lab/pagetypeinfo | awk '$1 != "CMA" { print $1, $2 }' | sort -u)"
is "pagetypeinfo: and says the same of pageblocks" "$(head -2 $lab/pagetypeinfo)" \
	"$(head -2 /proc/pagetypeinfo)"
is "its pageblocks are all there are" "$(pageblocks $lab/pagetypeinfo | awk '{ n += $2 } END { print n }')" 32
is "by order they add up to buddyinfo" \
	"$(types $lab/pagetypeinfo | awk '{ nr[$2] += $3 } END { for (o = 0; o <= 10; o++) printf "%d ", nr[o] }')" \
	"$(free_blocks <$lab/buddyinfo) "

# mixed FILE - pageblocks that hold something else, of all zones
mixed()
{
	awk '/^Number of mixed/ { at = 1; next }
		at && /^Node/ { for (i = 5; i <= NF; i++) n += $i }
		END { print n }' "$1"
}

is "nothing is mixed" "$(mixed $lab/pagetypeinfo)" 0
# Nine tenths are movable, so the rest of what cannot be moved has to go among it; but for
# 304 frames, which stay in reserve
mmlab alloc --movable --order 0 --count 15200 -- \
	mmlab alloc --order 0 --count 850 -- cat $lab/pagetypeinfo >/tmp/full
cmp_ok "with everything in use, other types were taken from" "$(mixed /tmp/full)" -gt 0
is "and no more than that" "$(pageblocks /tmp/full | awk '$1 == "Unmovable" { print ($2 <= 3) }')" 1

#
# zoneinfo, whose items are some of the kernel's
#

is "each line of zoneinfo is of a shape that the kernel's has" \
	"$(comm -23 <(shape $lab/zoneinfo | sed -E 's/\(.*\)/()/' | sort -u) <(shape /proc/zoneinfo | sed -E 's/\(.*\)/()/' | sort -u))" ""
is "it has all zones, also those without frames" "$(grep -c '^Node 0, zone ' $lab/zoneinfo)" 4

# zones FILE - zoneinfo, read by a parser other than mmlab's: a line a zone that has frames
zones()
{
	awk 'function zone() { if (z["present"]) print node, name, z["start_pfn:"], z["spanned"],
			z["present"], z["managed"], z["free"], kept + 0, z["min"], z["low"], z["high"],
			z["promo"], z["boost"], protection }
		/^Node/ { zone(); split("", z); kept = 0; node = $2 + 0; name = $4; next }
		$1 == "pages" { z[$2] = $3; next }
		$1 == "count:" { kept += $2; next }
		$1 == "protection:" { protection = $0; gsub(/[^0-9,]/, "", protection); next }
		NF == 2 { z[$1] = $2 }
		END { zone() }' "$1"
}

# told OPTION... - the same, from mmlab zones --json
told()
{
	mmlab zones --json "$@" | python3 -c 'import json, sys
keys = "node zone start_pfn spanned present managed free kept_by_cpus min low high promo boost".split()
for zone in json.load(sys.stdin)["zones"]:
    print(*[zone[key] for key in keys], ",".join(str(n) for n in zone["protection"].values()))'
}

# With a seed, CPUs do not give back by themselves what they keep
steady=$(make_machine steady --seed 1 --memory 32M)
mmlab alloc --machine "$steady" --order 0 --count 100 >/dev/null
is "mmlab zones reads the lab's" "$(told --machine "$steady")" "$(zones "$lab_debugfs/$steady/zoneinfo")"
# Of a kernel at work: not what is free
constant() { awk '{ $7 = $8 = "-"; print }'; }
is "and the kernel's own" "$(told --kernel | constant)" "$(zones /proc/zoneinfo | constant)"
kept='^0 DMA32( [0-9]+){5} [1-9][0-9]* '
like "what CPUs keep is in it" "$(told --machine "$steady")" "$kept"
like "in the kernel's, too" "$(told --kernel)" "$kept"
ok "that machine goes" mmlab machine destroy steady

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
