#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The file blocks, mmlab map and mmlab buddy: each frame is told once, as what the other
# files and mmlab alloc say that it is; as text, as SVG, as JSON.
#
# vm: --mem 2G
# timeout: 180

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
need_program mkmachines

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# With a seed, CPUs do not give back by themselves what they keep
steady=$(make_machine steady --seed 1)
export steady
lab=$lab_debugfs/$steady
blocks=$lab/blocks

# gaps FILE FRAMES - lines of blocks that do not begin where the one before ends
gaps()
{
	awk -v end="$2" 'NR == 1 { next }
		hole { at = $1; hole = 0 }
		$1 != at { print }
		$3 == "hole" { hole = 1; next }
		{ at = $1 + 2 ^ $2 }
		END { if (!hole && at != end) print "ends at", at }' "$1"
}

# free_by_order FILE - as free_blocks has it, from blocks
free_by_order()
{
	awk '$3 == "free" { nr[$2]++ } END { for (o = 0; o <= 10; o++) printf "%s%d", o ? " " : "", nr[o] }' "$1"
}

# cells FILE - the cells of a text map, all in one line
cells() { sed -n 's/^ *[0-9]* .*|\(.*\)|$/\1/p' "$1" | tr -d '\n'; }

# count CELLS LETTERS - how many there are of them
count() { tr -cd "$2" <<<"$1" | wc -c; }

# json FILE EXPRESSION - what python makes of it, d being the object
json() { python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$1" "$2"; }

#
# Untouched
#
cat "$blocks" >"$work/blocks"
is "untouched: sixteen blocks" "$(awk 'NR > 1 { print $2, $3, $4, $5, $7, $8 }' "$work/blocks" | sort | uniq -c | tr -s ' ')" \
	" 16 10 free - - 0 0"
is "each frame is told once" "$(gaps "$work/blocks" 16384)" ""
mmlab map --machine "$steady" --cell 1 >"$work/map"
is "the map has a cell a frame" "$(cells "$work/map" | wc -c)" 16384
is "of these sixteen begin a free block, the others go on" \
	"$(count "$(cells "$work/map")" X) $(count "$(cells "$work/map")" .)" "16 16368"

#
# With blocks of three mobilities
#
# shellcheck disable=SC2016 # for the shell that is started
mmlab alloc --machine "$steady" --order 3 --count 9 -- \
	mmlab alloc --machine "$steady" --movable --count 700 -- \
	mmlab alloc --machine "$steady" --reclaimable --order 5 --count 3 -- bash -c '
	work=$1 lab=$2
	cat $lab/blocks >$work/blocks
	dd if=$lab/blocks bs=37 status=none >$work/pieces
	tail -c +5001 $lab/blocks >$work/tail
	cat $lab/buddyinfo >$work/buddyinfo
	cat $lab/pagetypeinfo >$work/pagetypeinfo
	cat $lab/extfrag/unusable_index >$work/unusable
	mmlab map --machine $steady >$work/narrow
	mmlab map --machine $steady --cell 1 --width 200 >$work/map
	mmlab map --machine $steady --color >$work/color
	mmlab map --machine $steady --json >$work/map.json
	mmlab map --machine $steady --svg $work/map.svg
	mmlab map --machine $steady --svg - >$work/stdout.svg
	mmlab buddy --machine $steady >$work/buddy
	mmlab buddy --machine $steady --json >$work/buddy.json
' - "$work" "$lab" >"$work/told"

is "read in small pieces it is the same" "$(cmp "$work/blocks" "$work/pieces" 2>&1)" ""
is "and from the middle on" "$(tail -c +5001 "$work/blocks" | cmp - "$work/tail" 2>&1)" ""
is "each frame is still told once" "$(gaps "$work/blocks" 16384)" ""
is "free blocks are those of buddyinfo" "$(free_by_order "$work/blocks")" "$(free_blocks <"$work/buddyinfo")"
is "what is held is what was asked for" \
	"$(awk '$3 == "allocated" { print $2, $4, $5, $7, $8 }' "$work/blocks" | sort | uniq -c | tr -s ' ')" \
	" 700 0 user Movable 1 0
 9 3 user Unmovable 1 0
 3 5 user Reclaimable 1 0"
is "and where mmlab alloc says" \
	"$(sed -n 's/^first frames: \([0-9 ]*\).*/\1/p' "$work/told" | tr -s ' ' '\n' | sed '/^$/d' | while read -r pfn; do
		awk -v pfn="$pfn" '$1 == pfn { print $3 }' "$work/blocks"; done | sort | uniq -c | tr -s ' ')" " 19 allocated"

all=$(cells "$work/map")
is "as text: a capital for each block that is held" "$(count "$all" U)" 712
is "a small letter for the rest of it" "$(count "$all" u)" $((9 * 7 + 3 * 31))
is "free blocks by order" "$(for order in {0..9} X; do printf '%d ' "$(count "$all" "$order")"; done)" \
	"$(free_blocks <"$work/buddyinfo") "
is "all frames are there" "${#all}" 16384
is "each at its place" \
	"$(awk 'NR > 1 { print $1, $3 == "free" ? ($2 == 10 ? "X" : $2) : $3 == "pcp" ? "=" : "U" }' "$work/blocks" |
		while read -r pfn letter; do [[ ${all:pfn:1} == "$letter" ]] || echo "$pfn $letter"; done)" ""
is "kept frames: as blocks has it, and mmlab buddy" \
	"$(count "$all" '=\-') $(json "$work/buddy.json" 'd["kept_by_cpus"]')" \
	"$(awk '$3 == "pcp" { n += 2 ^ $2 } END { print n, n }' "$work/blocks")"
is "no line is too wide" "$(awk 'length > 80' "$work/narrow" | wc -l) $(awk 'length > 200' "$work/map" | wc -l)" "0 0"
is "a line a pageblock, with what it is for" \
	"$(sed -n 's/^ *[0-9]* \([A-Z]\)[a-z ]*|.*/\1/p' "$work/narrow" | sort | uniq -c | tr -s ' \n' ' ')" \
	"$(awk '/^Number of mixed/ { exit } /^Number of blocks/ { at = 1; next }
		at && /^Node/ { u += $5; m += $6; r += $7 } END { print "", m, "M", r, "R", u, "U", "" }' "$work/pagetypeinfo")"
is "a line of its name where a zone begins" "$(grep -A1 '^node' "$work/narrow" | cut -c-20 | sed 's/ |.*//; s/ *$//; s/[MUR][mur]*$/T/')" \
	"node 0, zone DMA
    0 T
--
node 0, zone DMA32
 4096 T"
is "no colours without a terminal" "$(grep -c $'\33' "$work/narrow")" 0
is "with them it is the same" "$(sed 's/\x1b\[[0-9;]*m//g; /^  U u 0/d' "$work/color" | diff - "$work/narrow")" ""
is "a terminal gets them" "$(($(script -qec "mmlab map --machine $steady" /dev/null | grep -c $'\33') > 32))" 1

ok "as SVG: well-formed" python3 -c 'import sys, xml.etree.ElementTree as t; assert t.parse(sys.argv[1]).getroot().tag.endswith("svg")' "$work/map.svg"
is "a rectangle with a title for each block" "$(grep -c '<rect.*<title>frames ' "$work/map.svg")" \
	"$(($(wc -l <"$work/blocks") - 1))"
is "their areas add up to all frames" "$(python3 - "$work/map.svg" <<'EOT'
import sys, xml.etree.ElementTree as t
ns = "{http://www.w3.org/2000/svg}"
rects = [r for r in t.parse(sys.argv[1]).iter(ns + "rect") if r.find(ns + "title") is not None]
places = {(int(r.get("x")), int(r.get("y"))) for r in rects}
area = sum(int(r.get("width")) * int(r.get("height")) for r in rects)
print(area // 49, len(places) == len(rects))
EOT
)" "16384 True"
is "the same on standard output" "$(cmp "$work/map.svg" "$work/stdout.svg" 2>&1)" ""

is "as JSON: frames and blocks" "$(json "$work/map.json" 'sum(b["frames"] for b in d["blocks"]), len(d["blocks"]), len(d["pageblocks"])')" \
	"(16384, $(($(wc -l <"$work/blocks") - 1)), 32)"
is "in which zones" "$(json "$work/map.json" '[(z["zone"], z["start_pfn"], z["present"]) for z in d["zones"]]')" \
	"[('DMA', 0, 4096), ('DMA32', 4096, 12288)]"
is "who holds them" "$(json "$work/map.json" 'sorted({(b["type"], b["mobility"]) for b in d["blocks"] if b["state"] == "allocated"})')" \
	"[('user', 'Movable'), ('user', 'Reclaimable'), ('user', 'Unmovable')]"

#
# mmlab buddy
#
# rows FILE - the tables of mmlab buddy: what a row is of, and blocks by order
rows()
{
	awk '/^all zones/ { exit }
		$1 ~ /^(Unmovable|Movable|Reclaimable|HighAtomic|CMA|Isolate|all)$/ { print $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 }' "$1"
}

is "buddy: the rows of all are buddyinfo" "$(rows "$work/buddy" | sed -n 's/^all //p')" \
	"$(sed -E 's/.*zone +[^ ]+ +//; s/ +/ /g; s/ $//' "$work/buddyinfo")"
is "those of migratetypes are pagetypeinfo" "$(rows "$work/buddy" | grep -v ^all)" \
	"$(awk '/, type/ { print $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17 }' "$work/pagetypeinfo")"
is "the last one of all is the sum" "$(sed -n 's/^all *\([0-9].*\) [0-9,]*$/\1/p' "$work/buddy" | tail -1 | tr -s ' ' | sed 's/ $//')" \
	"$(free_blocks <"$work/buddyinfo")"
is "as JSON: the indices are those of extfrag/" "$(json "$work/buddy.json" '"\n".join(" ".join("%.3f" % i for i in z["unusable_index"]) for z in d["zones"])')" \
	"$(sed -E 's/.*zone +[^ ]+ +//; s/ +$//; s/ +/ /g' "$work/unusable")"
for where in 'd' 'd["zones"][0]' 'd["zones"][1]'; do
	is "and frames add up: $where" "$(json "$work/buddy.json" "[sum(n << o for t in z['free_blocks'].values() for o, n in enumerate(t)) + z['kept_by_cpus'] - z['free_frames'] for z in [$where]]")" '[0]'
done
is "sums are those of zones" "$(json "$work/buddy.json" '[d[k] - sum(z[k] for z in d["zones"]) for k in ("frames", "free_frames", "kept_by_cpus")] + [d[k][t] - sum(z[k][t] for z in d["zones"]) for k in ("pageblocks", "mixed_pageblocks") for t in d[k]]')" \
	"[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]"

# One zone, all of which can be taken
plain=$(make_machine plain --memory 16M --no-watermarks)
mmlab alloc --machine "$plain" --order 9 --count 7 -- mmlab alloc --machine "$plain" --order 8 -- mmlab buddy --machine "$plain" --json |
	sed -n '/^{/,$p' >"$work/negative.json"
ok "an index between -1 and 0 is a number, too" json "$work/negative.json" 'd["zones"][0]["extfrag_index"]'
is "namely this" "$(json "$work/negative.json" 'd["zones"][0]["extfrag_index"][9]')" -0.5
is "of one zone there are no sums to be told" "$(mmlab buddy --machine "$plain" | grep -c '^all ')" 1
is "nor is its border drawn" "$(mmlab map --machine "$plain" | grep -c '^node')" 0
ok "that machine goes" mmlab machine destroy plain

#
# A program's memory
#
mmlab run --machine "$steady" python3 -c 'import sys, time; b = bytearray(4 << 20); open(sys.argv[1], "w"); time.sleep(600)' "$work/ready" &
program=$!
wait_until 60 test -e "$work/ready" || bail "the program does not start"
mmlab map --machine "$steady" --cell 1 >"$work/map"
mmlab stat --machine "$steady" --json >"$work/stat.json"
all=$(cells "$work/map")
is "anonymous pages are those of vmstat" "$(count "$all" A)" "$(json "$work/stat.json" 'd["vmstat"]["nr_anon_pages"]')"
is "and page tables" "$(count "$all" P)" "$(json "$work/stat.json" 'd["vmstat"]["nr_page_table_pages"]')"
is "an anonymous page is mapped once" "$(awk '$4 == "anonymous" && $8 != 1' "$blocks")" ""
kill $program
wait $program
ok "the machine goes" mmlab machine destroy steady

#
# Holes, and other machines
#
# shellcheck disable=SC2016 # for the shell that is started
out/tests/mkmachines sparse:12308K -- bash -c '
	n=$(mmlab info --json | grep -o "\"machine\": [0-9]*" | tail -1 | grep -o "[0-9]*$")
	cat /sys/kernel/debug/mm_lab/$n/blocks >$1/sparse
	mmlab map --machine $n --cell 1 >$1/sparse.map
	mmlab map --machine $n --svg $1/sparse.svg
	mmlab map --machine $n --json >$1/sparse.json' - "$work" >/dev/null
spanned=$(json "$work/sparse.json" 'd["spanned"]')
is "with holes: each frame is told once" "$(gaps "$work/sparse" "$spanned")" ""
is "no two holes touch" "$(awk '$3 == "hole" && before == "hole"; { before = $3 }' "$work/sparse")" ""
is "memory is what there is" "$(awk '$3 == "free" { n += 2 ^ $2 } END { print n }' "$work/sparse")" 3077
is "holes are the rest" "$(json "$work/sparse.json" 'sum(b["frames"] for b in d["blocks"] if b["state"] == "hole")')" $((spanned - 3077))
is "in the map, too" "$(count "$(cells "$work/sparse.map")" _)" $((spanned - 3077))
ok "and as SVG" python3 -c 'import sys, xml.etree.ElementTree as t; t.parse(sys.argv[1])' "$work/sparse.svg"
# shellcheck disable=SC2016
out/tests/mkmachines memmap:1G auto:300K -- bash -c '
	mapfile -t n < <(mmlab info --json | grep -o "\"machine\": [0-9]*" | grep -o "[0-9]*$")
	mmlab map --machine ${n[1]} >$1/large; mmlab map --machine ${n[2]} --cell 1 >$1/small' - "$work" >/dev/null
is "a machine of 1 GiB fits on 64 lines" "$(grep -c '|$' "$work/large")" 64
is "one of 75 frames has 75 cells" "$(cells "$work/small" | tr -d ' ' | wc -c)" 75

#
# Asked wrongly
#
exits "no such machine" 1 mmlab map --machine 4711
exits "nor for buddy" 1 mmlab buddy --machine 4711
exits "a cell of three frames" 2 mmlab map --cell 3
exits "too narrow" 2 mmlab map --width 5
exits "two formats" 2 mmlab map --json --svg "$work/x.svg"
exits "a picture that cannot be written" 1 mmlab map --svg /nowhere/map.svg
exits "an argument too many" 2 mmlab buddy 0

ok "all is well" mmlab validate
done_testing
