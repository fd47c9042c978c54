#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mmlab machine and mmlab zones: machines of nodes and zones are made as asked for and stay;
# what they have and keep in reserve is drawn and told, and follows the tunables.
#
# vm: --mem 2G
# timeout: 120

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# zones MACHINE EXPRESSION... - what python makes of each zone z of it, a line a zone
zones()
{
	mmlab zones --machine "$1" --json | python3 -c 'import json, sys
for z in json.load(sys.stdin)["zones"]:
    print(*[eval(e) for e in sys.argv[1:]])' "${@:2}"
}

where=('z["node"]' 'z["zone"]' 'z["start_pfn"]' 'z["spanned"]' 'z["present"]')
marks=('z["zone"]' 'z["min"]' 'z["low"]' 'z["high"]' 'z["promo"]')

#
# Machine 0
#
drained_buddyinfo 0 >/dev/null
is "machine 0 has the zones that its addresses have" "$(zones 0 "${where[@]}" 'z["free"]')" \
	"0 DMA 0 4096 4096 4096
0 DMA32 4096 12288 12288 12288"
is "their marks: a megabyte, divided" "$(zones 0 "${marks[@]}")" \
	"DMA 64 80 96 112
DMA32 192 240 288 336"
is "DMA keeps a 256th of what is above it" "$(zones 0 'z["zone"]' 'list(z["protection"].values())')" \
	"DMA [0, 48, 48, 48]
DMA32 [0, 0, 0, 0]"
mmlab zones >"$work/text"
is "as text: each zone stands in each table" "$(grep -c '^   0  DMA32 ' "$work/text")" 4
like "with its frames" "$(<"$work/text")" '^   0  DMA32 +4,096 +12,288 +12,288 +12,288 +12,288 +0$'
like "and its marks" "$(<"$work/text")" '^   0  DMA +64 +80 +96 +112 +0$'
like "as a bar: more free than it shows" "$(<"$work/text")" '^   0  DMA32 +\|#{20}m#{4}l#{4}h#{28}\+\| enough$'
is "no line is wider than a bar wants" "$(awk 'length > 90' "$work/text")" ""
# Without per-CPU lists, so that what is free is on the zones' lists
n=$(make_machine exact --no-pcp)
mmlab alloc --machine "$n" --order 0 --count 16080 -- mmlab zones --machine "$n" >"$work/full"
exits "there is not one more" 1 mmlab alloc --machine "$n" --order 0 --count 16081
ok "which is gone again" mmlab machine destroy exact
like "at min: from there on, nothing is free" "$(<"$work/full")" '^   0  DMA32 +\|#{20}m\.{4}l\.{4}h\.{29}\| below low$'
like "DMA: what it protects is above its marks" "$(<"$work/full")" '^   0  DMA +\|#{20}m#{4}l#{4}h#{4}\.{25}\| enough$'
is "drawn to the frame" "$(sed -n 's/.*DMA .*|\(.*\)| enough/\1/p' "$work/full" | tr -cd '#mlh' | wc -c)" 35

#
# The tunables
#
echo 512 >$lab_debugfs/0/min_free_kbytes
is "half of it" "$(zones 0 'z["zone"]' 'z["min"]')" "DMA 32
DMA32 96"
echo 1000 >$lab_debugfs/0/watermark_scale_factor
is "steps of a tenth of the zone" "$(zones 0 'z["zone"]' 'z["low"] - z["min"]' 'z["high"] - z["low"]')" \
	"DMA 409 409
DMA32 1228 1228"
echo 0 >$lab_debugfs/0/lowmem_reserve_ratio
is "nothing is protected" "$(zones 0 'sum(z["protection"].values())' | sort -u)" 0
echo 1024 >$lab_debugfs/0/min_free_kbytes
echo 10 >$lab_debugfs/0/watermark_scale_factor
echo 256 >$lab_debugfs/0/lowmem_reserve_ratio
is "all as it was" "$(mmlab zones)" "$(<"$work/text")"

#
# Machines that stay
#
like "a machine is made" "$(mmlab machine create --nodes 2 --movable 16M --distance 10,30,40,10 far)" \
	'^machine [1-9][0-9]*, far: 64 MiB, 16,384 frames from reserve_mem, 2 nodes$'
far=$(mmlab machine list --json | python3 -c 'import json, sys
print(*[m["machine"] for m in json.load(sys.stdin) if m["name"] == "far"])')
is "of two nodes, with memory at their ends that is movable" "$(zones "$far" "${where[@]}")" \
	"0 DMA 0 4096 4096
0 DMA32 4096 2048 2048
0 Movable 6144 2048 2048
1 DMA32 8192 6144 6144
1 Movable 14336 2048 2048"
is "a map of it has five parts" "$(mmlab map --machine "$far" | grep '^node')" \
	"node 0, zone DMA
node 0, zone DMA32
node 0, zone Movable
node 1, zone DMA32
node 1, zone Movable"
ok "it can be drawn" mmlab map --machine "$far" --svg "$work/far.svg"
is "with them" "$(grep -oE ' [01]:(DMA32|DMA|Movable)<' "$work/far.svg" | tr -d '\n')" \
	" 0:DMA< 0:DMA32< 0:Movable< 1:DMA32< 1:Movable<"
is "buddy has five tables, and one of all" "$(mmlab buddy --machine "$far" | grep -c '^order  *0 ')" 6
is "it comes from node 1 first, on a CPU of that" \
	"$(taskset -c 1 mmlab alloc --machine "$far" --order 9 --count 9 -- mmlab zones --machine "$far" --json |
		sed -n '/^{/,$p' | python3 -c 'import json, sys
print(*[z["free"] for z in json.load(sys.stdin)["zones"]])')" "4096 2048 2048 1536 2048"
exits "another of that name" 1 mmlab machine create far
ok "it goes by its name" mmlab machine destroy far
exits "and is gone" 1 mmlab zones --machine "$far"

n=$(make_machine open --memory 8M --no-watermarks --no-pcp --no-grouping --seed 7)
is "without a reserve: no marks" "$(zones "$n" 'z["min"] + z["high"] + z["promo"] + sum(z["protection"].values())')" 0
like "which the bar says" "$(mmlab zones --machine "$n")" '^   0  DMA +\|#{60}\| no reserve$'
ok "every frame can be had" mmlab alloc --machine "$n" --order 10 --count 2
mmlab alloc --machine "$n" --order 0 >/dev/null
is "no CPU keeps any, one pageblock is as another" \
	"$(mmlab buddy --machine "$n" --json | python3 -c 'import json, sys
d = json.load(sys.stdin)
print(d["kept_by_cpus"], d["pageblocks"])')" "0 {'Unmovable': 4, 'Movable': 0, 'Reclaimable': 0, 'HighAtomic': 0, 'CMA': 0, 'Isolate': 0}"
is "the seed is that" "$(machine_field "$n" seed)" 7
mmlab alloc --machine "$n" --hold 60 >/dev/null &
holder=$!
wait_until 30 grep -q mmlab "$lab_debugfs/$n/holders"
exits "who is in use stays" 1 mmlab machine destroy open
kill $holder && wait $holder
ok "and goes by its number" mmlab machine destroy "$n"

n=$(make_machine large --memory 5G --backend memmap)
is "5 GiB have a zone Normal, too" "$(zones "$n" 'z["zone"]' 'z["start_pfn"]' 'z["present"]')" \
	"DMA 0 4096
DMA32 4096 1044480
Normal 1048576 262144"
ok "gone" mmlab machine destroy large

#
# Asked wrongly
#
exits "no name" 2 mmlab machine create
exits "a number for a name" 2 mmlab machine create 7
exits "a name that is too long" 2 mmlab machine create 0123456789abcdef
exits "nine nodes" 2 mmlab machine create --nodes 9 x
exits "too few distances" 2 mmlab machine create --nodes 2 --distance 10,20,20 x
exits "too many" 2 mmlab machine create --nodes 2 --distance 10,20,20,10,30 x
exits "a node that is far from itself" 1 mmlab machine create --nodes 2 --distance 20,20,20,20 x
exits "nodes that are too small" 1 mmlab machine create --memory 8M --nodes 8 x
exits "all of it movable" 1 mmlab machine create --memory 8M --movable 8M x
exits "no such backend" 2 mmlab machine create --backend disk x
exits "no such machine" 1 mmlab machine destroy nobody
exits "nor that one" 1 mmlab machine destroy 4711
exits "none at all" 2 mmlab machine destroy
exits "what with it?" 2 mmlab machine mend
exits "of the lab or of the kernel" 2 mmlab zones --kernel --machine 0
exits "an argument too many" 2 mmlab zones 0

#
# What a block is asked for with
#

# first_frame OPTION... - the first frame of a block that mmlab alloc gets on that machine
first_frame()
{
	mmlab alloc --machine "$n" "$@" | sed -n 's/^first frames: //p'
}

# zone_of PFN - node and zone that it lies in
zone_of()
{
	zones "$n" "${where[@]}" | awk -v pfn="$1" 'pfn >= $3 && pfn < $3 + $4 { print $1, $2 }'
}

n=$(make_machine kinds --memory 64M --nodes 2 --movable 16M --seed 1)
is "of zone DMA" "$(zone_of "$(first_frame --node 1 --gfp dma)")" "0 DMA"
is "of node 1" "$(zone_of "$(first_frame --node 1 --order 4)")" "1 DMA32"
is "of node 0" "$(zone_of "$(first_frame --node 0 --order 4)")" "0 DMA32"
is "movable is not enough for zone Movable" "$(zone_of "$(first_frame --node 1 --movable)")" "1 DMA32"
is "with highmem it is" "$(zone_of "$(first_frame --node 1 --movable --gfp highmem)")" "1 Movable"
exits "that node has no zone DMA" 1 mmlab alloc --machine "$n" --node 1 --gfp dma,thisnode
like "which is explained" "$(mmlab explain --machine "$n" --json)" '"why": "no_zone"'
# Node 1 has 6144 frames of zone DMA32, and keeps some: more than these are node 0's
like "a node that is short sends to the next" "$(mmlab alloc --machine "$n" --node 1 --count 7000)" '^7,000 blocks'
exits "but not with thisnode" 1 mmlab alloc --machine "$n" --node 1 --gfp thisnode --count 7000
exits "nor if it will not wait" 1 mmlab alloc --machine "$n" --node 1 --gfp thisnode,nowait --count 7000
exits "no such node on this machine" 1 mmlab alloc --machine "$n" --node 2
exits "no such node at all" 2 mmlab alloc --machine "$n" --node 8
exits "no such flag" 2 mmlab alloc --machine "$n" --gfp nofail
exits "two zones" 1 mmlab alloc --machine "$n" --gfp dma,dma32
most=$(mmlab alloc --machine "$n" --count 20000 2>&1 | sed -n 's/ blocks of order.*//p' | tr -d ,)
more=$(mmlab alloc --machine "$n" --gfp high --count 20000 2>&1 | sed -n 's/ blocks of order.*//p' | tr -d ,)
ok "root may take of the reserves" [ "$more" -gt "$most" ]

#
# Sections, and areas
#
ok "a section goes" bash -c "echo offline 5 >$lab_debugfs/$n/sections"
like "it is offline" "$(sed -n 7p "$lab_debugfs/$n/sections")" '^ +5 +5120 +0 +0 +DMA32 offline$'
is "its frames are gone" "$(machine_field "$n" frames)" 15360
like "a hole in the map" "$(grep hole "$lab_debugfs/$n/blocks")" '^5120 '
exits "it cannot go twice" 1 bash -c "echo offline 5 >$lab_debugfs/$n/sections"
exits "one that is in use stays" 0 mmlab alloc --machine "$n" --gfp dma -- bash -c "! echo offline 3 >$lab_debugfs/$n/sections || ! echo offline 2 >$lab_debugfs/$n/sections || ! echo offline 1 >$lab_debugfs/$n/sections || ! echo offline 0 >$lab_debugfs/$n/sections"
for section in 0 1 2 3 5; do
	echo "online $section" >"$lab_debugfs/$n/sections"
done 2>/dev/null
is "all are back" "$(grep -c online "$lab_debugfs/$n/sections")" 16
ok "an area is made" bash -c "echo declare films 2048 >$lab_debugfs/$n/cma"
like "it is shown" "$(<"$lab_debugfs/$n/cma")" '^films +[0-9]+ +2048 +0$'
is "and counted" "$(awk '$1 == "cma" { sum += $2 } END { print sum }' "$lab_debugfs/$n/zoneinfo")" 2048
exits "one that is too large" 1 bash -c "echo declare all 16384 >$lab_debugfs/$n/cma"
exits "one of half a pageblock" 1 bash -c "echo declare half 256 >$lab_debugfs/$n/cma"
ok "all is well meanwhile" mmlab validate --machine "$n"
ok "it goes" bash -c "echo destroy films >$lab_debugfs/$n/cma"
ok "and the machine" mmlab machine destroy kinds

is "none of these is left" "$(mmlab info --json | grep -c '"machine"')" 1
ok "all is well" mmlab validate
done_testing
