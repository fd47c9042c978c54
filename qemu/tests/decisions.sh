#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The events mml_alloc_decision and mml_fault_decision: every step of a request, in order
# and with its numbers, when it works and when not; on every machine while they are
# enabled, on none before and after.
#
# vm: --mem 2G
# timeout: 120

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
need_program touches

tracefs=/sys/kernel/tracing
events=$tracefs/events/mm_lab

# trace COMMAND... - its output and status; the decisions it caused are in $decisions
trace()
{
	local status
	echo >$tracefs/trace
	"$@"
	status=$?
	decisions=$(sed -n 's/.*: mml_\([a-z]*\)_decision: /\1 /p' $tracefs/trace)
	return $status
}

# tell 0|1 - enable the events, or disable them
tell()
{
	echo "$1" >$events/mml_alloc_decision/enable
	echo "$1" >$events/mml_fault_decision/enable
}

# without_pfn - what is told but for frame numbers
without_pfn() { printf '%s\n' "$decisions" | sed 's/ pfn=-\?[0-9]*//'; }

holders=()
trap '[[ -z ${holders[*]} ]] || kill "${holders[@]}"' EXIT

# hold ORDER - a block, in the background
hold()
{
	mmlab alloc --order "$1" --hold 600 >/dev/null &
	holders+=($!)
}

# release - the block that was held first
release()
{
	kill "${holders[0]}" && wait "${holders[0]}"
	holders=("${holders[@]:1}")
}

# Untouched, a machine of 64 MiB has nothing but blocks of order 10
untouched=$(drained_buddyinfo 0)
is "machine 0 is untouched" "$(zone_blocks <<<"$untouched")" \
"DMA 0 0 0 0 0 0 0 0 0 0 4
DMA32 0 0 0 0 0 0 0 0 0 0 12"

# Nor does it keep any: how many of them are for what cannot be moved is what programs
# before this test have left. Ordinary requests begin in zone DMA32
mmlab alloc --order 10 >/dev/null
whole=$(awk '$4 == "DMA32" && $6 == "Unmovable" { print $17 }' FS='[ ,]+' $lab_debugfs/0/pagetypeinfo)

trace mmlab alloc --order 7 >/dev/null
is "nothing is told before somebody wants it" "$decisions" ""

#
# A block: searched, taken, split; merged, put back
#
tell 1
trace mmlab alloc --order 7 >/dev/null
is "the way of a block of order 7, there and back" "$(without_pfn)" \
"alloc order=7 step=empty candidate=7 value=0 machine=0
alloc order=7 step=empty candidate=8 value=0 machine=0
alloc order=7 step=empty candidate=9 value=0 machine=0
alloc order=7 step=take candidate=10 value=$whole machine=0
alloc order=7 step=split candidate=9 value=1 machine=0
alloc order=7 step=split candidate=8 value=1 machine=0
alloc order=7 step=split candidate=7 value=1 machine=0
alloc order=7 step=merge candidate=7 value=0 machine=0
alloc order=7 step=merge candidate=8 value=0 machine=0
alloc order=7 step=merge candidate=9 value=0 machine=0
alloc order=7 step=largest candidate=10 value=0 machine=0
alloc order=7 step=list candidate=10 value=$whole machine=0"
mapfile -t pfn < <(sed -n 's/.* pfn=\(-\?[0-9]*\) .*/\1/p' <<<"$decisions")
is "its frames: none while searching" "${pfn[*]:0:3}" "-1 -1 -1"
is "the upper halves go" "$((pfn[4] - pfn[3])) $((pfn[5] - pfn[3])) $((pfn[6] - pfn[3]))" "512 256 128"
is "and come back as buddies, the last first" "${pfn[*]:7:3}" "${pfn[6]} ${pfn[5]} ${pfn[4]}"
is "the block is what it was" "${pfn[11]}" "${pfn[3]}"

#
# Buddies that are not free
#
trace mmlab alloc --order 7 --count 2 >/dev/null
is "two blocks: the second is the first one's buddy, and is given back first" \
	"$(grep -E 'step=(take|merge|buddy_|list)' <<<"$(without_pfn)")" \
"alloc order=7 step=take candidate=10 value=$whole machine=0
alloc order=7 step=take candidate=7 value=1 machine=0
alloc order=7 step=buddy_used candidate=7 value=0 machine=0
alloc order=7 step=list candidate=7 value=1 machine=0
alloc order=7 step=merge candidate=7 value=0 machine=0
alloc order=7 step=merge candidate=8 value=0 machine=0
alloc order=7 step=merge candidate=9 value=0 machine=0
alloc order=7 step=list candidate=10 value=$whole machine=0"
# Two neighbours of order 6, held by two: the lower one goes first, then its list has
# half of what would be the buddy of a block of order 7.
# shellcheck disable=SC2317 # called by wait_until
free_blocks_are() { grep -qE " $1 *\$" "$lab_debugfs/0/buddyinfo"; }
hold 6
wait_until 30 free_blocks_are '1 +1 +1 +1 +11' || bail "no block of order 6"
hold 6
wait_until 30 free_blocks_are '0 +1 +1 +1 +11' || bail "no second one"
release
trace mmlab alloc --order 7 >/dev/null
is "a buddy of which half is free" "$(without_pfn)" \
"alloc order=7 step=take candidate=7 value=1 machine=0
alloc order=7 step=buddy_split candidate=7 value=6 machine=0
alloc order=7 step=list candidate=7 value=1 machine=0"
release

#
# No block. With a seed, what CPUs keep does not go back by itself
#
# last_steps N - the last steps about zones that have nothing to spare, or what is done
# about it
last_steps() { without_pfn | grep -E ' step=(watermark|drain|fail) ' | tail -n "$1"; }

mmlab machine create --memory 64M --seed 1 decisions >/dev/null
number=$(machine_named decisions)
mmlab alloc --machine "$number" --order 0 --count 8 >/dev/null
kept=$(kept_frames "$number")
cmp_ok "after eight single frames, a CPU keeps these and more" "$kept" -ge 8
before=$(vm_event "$number" pgalloc)
trace mmlab alloc --machine "$number" --order 10 --count 17 >/dev/null 2>&1
is "of 16 blocks, 14 leave the zones their reserves" \
	"$((($(vm_event "$number" pgalloc) - before) / 1024)) $(blocks_to_have "$number" 10)" "14 14"
is "the 15th: above low no zone has one, nor above min; nor when CPUs have given back" \
	"$(last_steps 8)" \
"alloc order=10 step=watermark candidate=1 value=$((1024 - kept)) machine=$number
alloc order=10 step=watermark candidate=0 value=1024 machine=$number
alloc order=10 step=watermark candidate=1 value=$((1024 - kept)) machine=$number
alloc order=10 step=watermark candidate=0 value=1024 machine=$number
alloc order=10 step=drain candidate=10 value=$kept machine=$number
alloc order=10 step=watermark candidate=1 value=1024 machine=$number
alloc order=10 step=watermark candidate=0 value=1024 machine=$number
alloc order=10 step=fail candidate=10 value=2048 machine=$number"

watermarks_off "$number"
trace mmlab alloc --machine "$number" --order 10 --count 17 >/dev/null 2>&1
is "without watermarks, the 17th of 16 blocks" "$(last_steps 5)" \
"alloc order=10 step=watermark candidate=1 value=0 machine=$number
alloc order=10 step=watermark candidate=0 value=0 machine=$number
alloc order=10 step=watermark candidate=1 value=0 machine=$number
alloc order=10 step=watermark candidate=0 value=0 machine=$number
alloc order=10 step=fail candidate=10 value=0 machine=$number"
ok "that machine goes" mmlab machine destroy decisions

#
# A fault
#
fault_around 0 1
trace out/tests/touches one
is "the first touch: mapping, four tables, page, entry" \
	"$(grep '^fault' <<<"$decisions" | sed 's/\(step=[a-uw-z][a-z]*.*\) value=0x[0-9a-f]*/\1/')" \
"fault address=0x100004000000 step=vma arg=3 value=0x100004000000 machine=0
fault address=0x100004000000 step=table arg=3 machine=0
fault address=0x100004000000 step=table arg=2 machine=0
fault address=0x100004000000 step=table arg=1 machine=0
fault address=0x100004000000 step=table arg=0 machine=0
fault address=0x100004000000 step=frame arg=0 machine=0
fault address=0x100004000000 step=map arg=3 machine=0"
is "of the five frames, this CPU's list gives each" \
	"$(grep -c '^alloc order=0 step=pcp ' <<<"$decisions")" 5
is "each frame of it is one that the allocator told of" \
	"$(sed -n 's/^fault .*step=\(table\|frame\) .*value=\(0x[0-9a-f]*\) .*/\2/p' <<<"$decisions" | while read -r n; do echo $((n)); done)" \
	"$(sed -n 's/^alloc order=0 step=pcp .* pfn=\([0-9]*\) .*/\1/p' <<<"$decisions")"
trace out/tests/touches
is "the decisions about 70 faults" \
	"$(grep -o '^fault .*step=[a-z_]*' <<<"$decisions" | sed 's/.*step=//' | sort | uniq -c | awk '{ print $2, $1 }')" \
"frame 45
map 70
no_vma 1
present 5
refused 1
table 7
vma 70
zero 25"
fault_around 0 16
trace out/tests/touches one
is "with fault-around: all ten pages of the mapping" "$(grep -c 'step=around arg=10 ' <<<"$decisions")" 1
fault_around 0 1
trace out/tests/touches
like "no mapping" "$decisions" '^fault address=0x100014000000 step=no_vma arg=0 value=0x0 machine=0$'
like "no right" "$decisions" '^fault address=0x100008000000 step=refused arg=1 value=0x100008000000 machine=0$'

#
# Which machines, and when
#
# What machine 0's CPUs keep would go back by itself some time, which is told as well
drained_buddyinfo 0 >/dev/null
trace mmlab run --memory 16M python3 -c 'print(1)' >/dev/null
like "a machine that was made meanwhile tells its own" "$decisions" '^alloc .* machine=[1-9][0-9]*$'
unlike=$(grep -c 'machine=0$' <<<"$decisions")
is "and machine 0 nothing" "$unlike" 0
echo 0 >$events/mml_alloc_decision/enable
trace out/tests/touches one
like "with one event disabled the other still tells" "$decisions" '^fault .* step=map'
is "and the first nothing" "$(grep -c ^alloc <<<"$decisions")" 0
tell 0
trace out/tests/touches
is "afterwards nothing is told" "$decisions" ""
is "all blocks are as they were" "$(drained_buddyinfo 0)" "$untouched"
ok "all is well" mmlab validate

done_testing
