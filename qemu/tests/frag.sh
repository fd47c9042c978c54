#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mmlab frag: the same profile and seed, the same state, frame by frame; another seed,
# another one. What it tells is true and lasts as long as asked for.
#
# vm: --mem 2G
# timeout: 180

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# json FILE EXPRESSION - what python makes of it, d being the object
json() { python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$1" "$2"; }

# What mmlab frag is started by
prefix=()

# fragment NAME PROFILE SEED [OPTION...] - what it tells, in NAME.json, and blocks while it
# lasts, in NAME.blocks
fragment()
{
	local name=$1 profile=$2 seed=$3
	shift 3
	# shellcheck disable=SC2016 # for the shell that is started
	"${prefix[@]}" mmlab frag --profile "$profile" --seed "$seed" --json "$@" -- \
		sh -c 'cat /sys/kernel/debug/mm_lab/$MMLAB_MACHINE/blocks >"$1.blocks"' - "$work/$name" >"$work/$name.json"
}

# vector NAME - its indices
vector() { json "$work/$1.json" 'd["unusable_index"]'; }

# computed NAME - the same, from its blocks from 16 MiB on: of the zone DMA32, which is the
# largest, if there is one
computed()
{
	awk -v first="$(awk '$1 == 4096 { first = 4096 } END { print first + 0 }' "$work/$1.blocks")" '
		$1 >= first && $3 == "free" { nr[$2]++; free += 2 ^ $2 }
		END { for (want = 0; want <= 10; want++) {
			usable = 0
			for (o = want; o <= 10; o++)
				usable += nr[o] * 2 ^ o
			printf "%s%.3f", want ? ", " : "[", int((free - usable) * 1000 / free) / 1000
		}
		print "]" }' "$work/$1.blocks" | sed -E 's/(\.[0-9])00\b/\1/g; s/(\.[0-9][1-9])0\b/\1/g'
}

free_before=$(machine_field 0 free_frames)
for profile in checkerboard mixed aged pinned; do
	fragment one $profile 7
	# Another CPU and other work on machine 0 make no difference
	mmlab alloc --count 2000 >/dev/null
	prefix=(taskset -c 1)
	fragment again $profile 7
	prefix=()
	fragment other $profile 8
	is "$profile: the same seed, the same indices" "$(vector again)" "$(vector one)"
	is "$profile: and the same blocks" "$(cmp "$work/one.blocks" "$work/again.blocks" 2>&1)" ""
	isnt "$profile: another seed, other indices" "$(vector other)" "$(vector one)"
	is "$profile: the indices are those of the free blocks" "$(vector one)" "$(computed one)"
	is "$profile: of that zone" "$(json "$work/one.json" 'd["node"], d["zone"]')" "(0, 'DMA32')"
	is "$profile: no CPU keeps anything" "$(grep -c ' pcp ' "$work/one.blocks")" 0
	is "$profile: what is held is what it says" \
		"$(awk '$4 == "user" { blocks++; frames += 2 ^ $2 } END { print frames, blocks }' "$work/one.blocks")" \
		"$(json "$work/one.json" '"%d %d" % (d["held_frames"], d["held_blocks"])')"
	is "$profile: it is fragmented" "$(json "$work/one.json" 'd["unusable_index"][10] > 0.5 and d["unusable_index"][0] == 0')" True
done
is "pinned: next to nothing is held" "$(json "$work/one.json" '0 < d["held_frames"] < d["frames"] // 200')" True
is "pinned: and that cannot be moved" "$(awk '$4 == "user" { print $2, $5 }' "$work/one.blocks" | sort -u)" "0 Unmovable"

fragment small aged 7 --memory 4M
is "a size: 4 MiB" "$(json "$work/small.json" 'd["frames"], d["zone"]')" "(1024, 'DMA')"
is "all of it" "$(vector small)" "$(computed small)"
fragment large aged 7 --memory 1G --memmap
is "and 1 GiB without memory" "$(json "$work/large.json" 'd["frames"]')" 262144
fragment large2 aged 7 --memory 1G --memmap
is "which is the same again, too" "$(cmp "$work/large.blocks" "$work/large2.blocks" 2>&1)" ""
is "of its own machines none is left" "$(mmlab info --json | grep -c '"machine"')" 1

#
# A machine there is
#
fragment there mixed 3 --machine 0
is "machine 0: it is that one" "$(json "$work/there.json" 'd["machine"]')" 0
is "machine 0: the indices are true" "$(vector there)" "$(computed there)"
is "afterwards all is given back" "$(machine_field 0 free_frames)" "$free_before"
# shellcheck disable=SC2016
like "a program runs on what is left" \
	"$(mmlab frag --profile mixed --seed 3 --memory 16M -- sh -c 'mmlab run --machine $MMLAB_MACHINE python3 -c "print(6 * 7)"')" '^42$'
like "the table says the same" "$(mmlab frag --profile pinned --seed 7)" \
	"^  unusable +$(vector one | tr -d '[],' | sed -E 's/([0-9]+\.[0-9]+)/\1[0 ]*/g')"
SECONDS=0
ok "held for two seconds" mmlab frag --profile checkerboard --seed 1 --memory 1M --hold 2
cmp_ok "that long" $SECONDS -ge 2

#
# How it ends, and what is asked wrongly
#
exits "the command's status" 7 mmlab frag --profile mixed --seed 1 --memory 1M -- sh -c 'exit 7'
exits "a command that is not there" 127 mmlab frag --profile mixed --seed 1 --memory 1M -- /nowhere/command
exits "no such machine" 125 mmlab frag --profile mixed --seed 1 --machine 4711 -- true
exits "the same without a command" 1 mmlab frag --profile mixed --seed 1 --machine 4711
exits "more than there is" 1 mmlab frag --profile mixed --seed 1 --memory 1T
exits "no profile" 2 mmlab frag --seed 1
exits "an unknown one" 2 mmlab frag --profile nonsense --seed 1
exits "no seed" 2 mmlab frag --profile mixed
exits "a seed that cannot be repeated" 2 mmlab frag --profile mixed --seed 0
exits "two machines" 2 mmlab frag --profile mixed --seed 1 --memory 1M --machine 0
exits "a command without --" 2 mmlab frag --profile mixed --seed 1 true

ok "all is well" mmlab validate
done_testing
