#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mmlab cache: object caches of a process are made, used, shown and gone again, also when
# the process is killed; slabinfo is what /proc/slabinfo is to mmlab and to procps.
#
# timeout: 120

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"

slabinfo=$lab_debugfs/0/slabinfo

# line_of NAME - of a slabinfo: objects in use and all, bytes an object, objects and frames
# a slab, slabs
line_of() { awk -v name="$1" '$1 == name && $8 == "tunables" { print $2, $3, $4, $5, $6, $15 }'; }

# On one CPU: which objects share a slab does not depend on where the process runs

# while_held OPTION... - the line of the cache mmlab while mmlab cache run holds it
while_held() { taskset -c 0 mmlab cache run "$@" -- cat "$slabinfo" | line_of mmlab; }

# slabs_left OPTION... - how many slabs mmlab cache run --shrink says are left
slabs_left()
{
	taskset -c 0 mmlab cache run --shrink "$@" |
		sed -n 's/^shrunk: \(.*\) slab.* left$/\1/p' | tr -d ,
}

# told OPTION... - what mmlab cache list --json says, a line a cache
told()
{
	mmlab cache list --all --json "$@" | python3 -c 'import json, sys
keys = sys.argv[1].split()
for cache in json.load(sys.stdin)["caches"]:
    print(*[cache[key] for key in keys])' "${fields:-name in_use objects object_size slab_objects slab_frames slabs}"
}

# of_file PATH - the same, read by another parser
of_file() { awk 'NR > 2 { print $1, $2, $3, $4, $5, $6, $15 }' "$1"; }

before=$(drained_buddyinfo 0)
empty=$(<"$slabinfo")

#
# list
#
is "of a machine: what slabinfo says" "$(told)" "$(of_file "$slabinfo")"
is "and as a file" "$(told --file "$slabinfo")" "$(of_file "$slabinfo")"
# Of a kernel at work: what does not change
is "of the kernel: what /proc/slabinfo says" \
	"$(fields="name object_size slab_objects slab_frames" told --file /proc/slabinfo)" \
	"$(of_file /proc/slabinfo | awk '{ print $1, $4, $5, $6 }')"
like "kmalloc's caches are there" "$(mmlab cache list --all)" '^kmalloc-rcl-1k +1,024 +0 +0 +0% +0 +0 +0$'
like "those without slabs only if asked for" "$(mmlab cache list)" '^[0-9]+ have no slab, --all shows them, too$'
like "the kernel's as a table" "$(mmlab cache list --file /proc/slabinfo)" \
	'^vm_area_struct +[0-9]+ +[0-9,]+ +[0-9,]+ +[0-9]+% +[0-9,]+ +[0-9,]+ +[0-9,]+$'
is "no line is too wide" "$(mmlab cache list --all --file /proc/slabinfo | awk 'length > 100')" ""
exits "a file that is none" 1 mmlab cache list --file /proc/meminfo
exits "no file" 1 mmlab cache list --file /nowhere
exits "no such machine" 1 mmlab cache list --machine 4711
exits "a machine or a file" 2 mmlab cache list --machine 0 --file /proc/slabinfo

#
# run
#
for path in sheaves cpu-slabs; do
	read -r in_use objects size slab_objects slab_frames slabs \
		<<<"$(while_held --size 100 --path $path --count 3000)"
	cmp_ok "$path: all objects are in use" "$in_use" -ge 3000
	is "$path: of 13 words" "$size" 104
	is "$path: as many as slabs have room for" "$objects" $((slabs * slab_objects))
	cmp_ok "$path: no more slabs than needed, but for what CPUs keep" $((objects - 3000)) -lt 1000
	cmp_ok "$path: they fit into their frames" $((slab_objects * size)) -le $((slab_frames * 4096))
	is "$path: it is gone" "$(<"$slabinfo")" "$empty"
	is "$path: so are its frames" "$(drained_buddyinfo 0)" "$before"
	ok "$path: all is well" mmlab validate

	# Of what is left after shrinking, no CPU keeps anything
	read -r in_use objects size slab_objects slab_frames slabs \
		<<<"$(while_held --size 100 --path $path --count 3000 --free 2900 --shrink)"
	is "$path: so many are left" "$in_use" 100
	in_order=$(slabs_left --size 100 --path $path --count 3000 --free 2900)
	at_random=$(slabs_left --size 100 --path $path --count 3000 --free 2900 --random --seed 1)
	is "$path: slabs that are left, if the oldest go" "$in_order" "$slabs"
	cmp_ok "$path: at random, more are" "$at_random" -gt $((in_order * 2))
	is "$path: and again the same" \
		"$(slabs_left --size 100 --path $path --count 3000 --free 2900 --random --seed 1)" "$at_random"
	is "$path: none, if all go" "$(slabs_left --size 100 --path $path --free 1000)" 0
done

text=$(mmlab cache run --size 1K --count 64 --free 16 --shrink --path cpu-slabs)
like "as text: what was made" "$text" '^64 objects of 1,024 bytes from mmlab on machine 0, in [0-9.]+ us$'
like "what was freed" "$text" '^16 of them freed, the oldest first, in [0-9.]+ us$'
like "what there is" "$text" '^  objects in use  48 of [0-9]+ \([0-9]+%\), with those that CPUs keep; 48 are held here$'
like "in which frames" "$text" '^  frames          [0-9]+: [0-9]+ KiB$'
like "and what it costs" "$text" '^  an object       1,024 bytes in its slab; 1,[0-9]+ of frames for each in use$'

is "an alignment: objects grow to that" "$(while_held --size 100 --align 256 | cut -d ' ' -f 3)" 256
is "to cache lines" "$(while_held --size 100 --flag hwcache-align | cut -d ' ' -f 3)" 128
is "a word more, if readers may still look" "$(while_held --size 100 --flag typesafe --flag no-merge | cut -d ' ' -f 3)" 112
is "of zone DMA" "$(mmlab cache run --size 4096 --count 2048 --flag dma -- mmlab zones --json |
	sed -n '/^{/,$p' | python3 -c 'import json, sys
print(*[z["free"] + z["kept_by_cpus"] < z["managed"] - 2000 for z in json.load(sys.stdin)["zones"]])')" "True False"
ok "with sheaves of one, zeroed" mmlab cache run --size 24 --sheaf 1 --zero
like "a name of its own" "$(mmlab cache run --size 24 --name pearls)" '^pearls in slabinfo:$'
is "another of the same shape is the same" \
	"$(mmlab cache run --size 100 -- mmlab cache run --size 100 -- cat "$slabinfo" | grep -c '^mmlab .* tunables ')" 1
is "unless it must not be" \
	"$(mmlab cache run --size 100 -- mmlab cache run --size 100 --flag no-merge -- cat "$slabinfo" | grep -c '^mmlab .* tunables ')" 2
like "by another name it is not found" \
	"$(mmlab cache run --size 100 -- mmlab cache run --size 100 --name other)" '^not in slabinfo by this name'
exits "the exit status is the command's" 7 mmlab cache run --size 100 -- sh -c 'exit 7'
exits "or says which signal killed it" 143 mmlab cache run --size 100 -- sh -c 'kill $$'
exits "a command that there is not" 127 mmlab cache run --size 100 -- /nowhere
is "nothing of all this is left" "$(<"$slabinfo")" "$empty"
is "nor of its frames" "$(drained_buddyinfo 0)" "$before"

mmlab cache run --size 500 --count 20000 --hold 60 >/dev/null &
holder=$!
# shellcheck disable=SC2317 # wait_until calls it
held() { [ "$(line_of mmlab <"$slabinfo" | cut -d ' ' -f 1)" -ge 20000 ]; }
wait_until 30 held
ok "one that is held is there" held
kill -9 $holder
wait $holder 2>/dev/null
is "whose process is killed, is gone" "$(<"$slabinfo")" "$empty"
is "with its frames" "$(drained_buddyinfo 0)" "$before"
ok "all is well then" mmlab validate

#
# kmalloc, which keeps a few slabs
#
like "kmalloc: of the next size" "$(mmlab cache run --size 100 --flag kmalloc)" '^kmalloc-128 in slabinfo:$'
is "which lies between two powers of two" "$(mmlab cache run --size 65 --flag kmalloc | grep slabinfo)" \
	"kmalloc-96 in slabinfo:"
cmp_ok "they are in use there" \
	"$(mmlab cache run --size 1000 --count 500 --flag kmalloc -- cat "$slabinfo" | line_of kmalloc-1k | cut -d ' ' -f 1)" -ge 500
is "of those, too, slabs go back" "$(slabs_left --size 1000 --flag kmalloc --count 500 --free 500)" 0
is "there are none of what is large" "$(slabs_left --size 9K --flag kmalloc --count 10)" 0
like "which is no cache's" "$(mmlab cache run --size 9K --count 10 --flag kmalloc)" \
	'^not in slabinfo: what is so large is a block of frames'
ok "all is well, too" mmlab validate

#
# Debugged caches: by themselves, or by their machine
#
# size_of TEXT - what mmlab cache run says an object takes up
size_of() { sed -n 's/^  an object       \(.*\) bytes in its slab.*/\1/p' <<<"$1" | tr -d ,; }

for flag in checks red-zone poison store-user; do
	text=$(mmlab cache run --size 96 --count 500 --free 250 --random --flag $flag --validate)
	is "$flag: nothing is wrong" "$(grep ^validated <<<"$text")" "validated: nothing is wrong with any object"
	cmp_ok "$flag: there is something with each object" "$(size_of "$text")" -gt 96
done
with_all=$(size_of "$(mmlab cache run --size 96 --flag checks --flag red-zone --flag poison --flag store-user)")
cmp_ok "with all of it, who had it takes most" "$with_all" -gt "$(size_of "$text")"
like "what the objects are is checked behind the command" \
	"$(mmlab cache run --size 96 --flag poison --validate -- echo held | grep -A 1 ^held)" '^validated: '
ok "a cache that is not debugged can be asked, too" mmlab cache run --size 96 --validate
ok "so can kmalloc's" mmlab cache run --size 96 --flag kmalloc --validate
ok "and large pieces of it" mmlab cache run --size 9K --count 10 --flag kmalloc --validate

n=$(make_machine watched --slab-debug FZPU)
plain_before=$before before=$(drained_buddyinfo "$n")
text=$(mmlab cache run --machine "$n" --size 96 --count 3000 --free 1000 --random --validate)
like "a machine of which all are: nothing is wrong" "$text" '^validated: nothing is wrong with any object$'
is "its objects have all of that" "$(size_of "$text")" "$with_all"
read -r in_use objects size slab_objects slab_frames slabs <<<"$(mmlab cache run --machine "$n" --size 1000 \
	--flag kmalloc --count 500 -- cat "$lab_debugfs/$n/slabinfo" | line_of kmalloc-1k)"
cmp_ok "so have kmalloc's" "$size" -gt 1024
is "of which no CPU keeps any" "$in_use" 500
is "as many as slabs have room for" "$objects" $((slabs * slab_objects))
cmp_ok "they fit into their frames" $((slab_objects * size)) -le $((slab_frames * 4096))
is "a cache of the same shape is one of its own" "$(mmlab cache run --machine "$n" --size 100 -- \
	mmlab cache run --machine "$n" --size 100 -- cat "$lab_debugfs/$n/slabinfo" | grep -c '^mmlab .* tunables ')" 2
mmlab cache run --machine "$n" --size 1000 --flag kmalloc --shrink --free 1000 >/dev/null
is "all frames are back" "$(drained_buddyinfo "$n")" "$before"
ok "all is well on it" mmlab validate
ok "gone" mmlab machine destroy watched
before=$plain_before

n=$(make_machine watched --slab-debug '-;FZPU,pearl*')
is "only one of its caches: this is" "$(size_of "$(mmlab cache run --machine "$n" --size 96 --name pearls)")" "$with_all"
is "and that is not" "$(size_of "$(mmlab cache run --machine "$n" --size 96 --name shells)")" 96
is "but it can be" "$(size_of "$(mmlab cache run --machine "$n" --size 96 --name shells --flag poison)")" \
	"$(size_of "$(mmlab cache run --size 96 --flag poison)")"
ok "gone" mmlab machine destroy watched

machines=$(mmlab info --json)
like "a text that cannot be read" "$(mmlab machine create --slab-debug FZX never 2>&1)" "cannot be had with --slab-debug 'FZX'"
exits "is refused" 1 mmlab machine create --slab-debug FZX never
exits "one that is too long" 2 mmlab machine create --slab-debug "$(printf 'F%.0s' {1..64})" never
is "no machine came of them" "$(mmlab info --json)" "$machines"
n=$(make_machine watched --slab-debug "$(printf 'F%.0s' {1..63})")
like "the longest there can be" "$n" '^[0-9]+$'
ok "gone" mmlab machine destroy watched

#
# show
#

# shown NAME OPTION... - of the cache of that name, while mmlab cache run OPTION... holds it
shown()
{
	local name=$1
	shift
	taskset -c 0 mmlab cache run --name "$name" "$@" -- mmlab cache show "$name" |
		sed -n "\\|^$name on machine|,\$p"
}

# attributes_of JSON - its files in debugfs, and what they should have, by the names there are
attributes_of() { python3 -c 'import json, sys
for name, value in json.load(sys.stdin).items():
    if isinstance(value, dict):
        value = " ".join([str(value.pop("total"))] + [f"{node}={n}" for node, n in value.items()])
    elif isinstance(value, list):
        continue
    if name not in ("machine", "name"):
        print(name, int(value) if isinstance(value, bool) else value)' <<<"$1" | sort; }

text=$(shown pearls --size 100 --count 500 --flag no-merge)
like "a cache by its attributes" "$text" '^  an object       100 bytes, 104 in its slab, at multiples of 8$'
like "its slabs" "$text" '^  a slab          39 objects, of order 0$'
like "what CPUs have" "$text" '^  CPUs            sheaves of 60 objects$'
like "it is not debugged" "$text" '^  debugged        no$'
like "with cpu slabs" "$(shown pearls --size 100 --flag no-merge --path cpu-slabs)" \
	'^  CPUs            [0-9] have slabs of their own; kept for later, objects\(slabs\): [0-9]+\([0-9]+\)$'
text=$(shown a/b --size 100 --count 500 --free 100 --flag store-user --flag poison --flag hwcache-align --flag typesafe)
like "a debugged one, with a slash: how" "$text" '^  debugged        poison, store_user$'
like "its other flags" "$text" '^  flags           hwcache_align, destroy_by_rcu$'
like "there is no fast path" "$text" '^  CPUs            keep nothing: there is no fast path$'
like "who allocated what is in use" "$text" '^  allocated by    400: mml_[a-z_]+\+0x.* pid=[0-9]+'
like "who freed what is free" "$text" '^  freed by        [0-9]+: mml_[a-z_]+\+0x.* pid=[0-9]+'
is "as JSON: what each file says" "$(attributes_of "$(mmlab cache show --json kmalloc-64)")" \
	"$(cd "$lab_debugfs/0/slab/kmalloc-64" &&
		for file in *; do [[ $file == @(shrink|validate) ]] || echo "$file $(<"$file")"; done | sort)"
text=$(mmlab cache run --size 100 --count 500 --flag store-user -- mmlab cache show --json mmlab |
	sed -n '/^{/,$p')
like "and who allocated them" "$(python3 -c 'import json, sys
for place in json.load(sys.stdin)["alloc_traces"]:
    print(place["count"], place["by"])' <<<"$text")" '^500 mml_[a-z_]+\+0x'
n=$(make_machine wide --nodes 2)
is "of two nodes" "$(mmlab cache run --machine "$n" --size 4K --count 10000 -- \
	mmlab cache show --machine "$n" --json mmlab | sed -n '/^{/,$p' | python3 -c 'import json, sys
slabs = json.load(sys.stdin)["slabs"]
print(slabs["total"] == slabs["N0"] + slabs["N1"], slabs["N0"] > 0, slabs["N1"] > 0)')" "True True True"
ok "gone" mmlab machine destroy wide
like "shrink gives back slabs that are empty" \
	"$(mmlab cache run --size 1K --count 1000 --free 1000 --name pearls --flag no-merge -- \
		sh -c 'mmlab cache shrink pearls; mmlab cache shrink pearls' | grep '^pearls: ' | xargs)" \
	'^pearls: 0 of [1-9][0-9]* slabs? are left pearls: 0 of 0 slabs are left$'
like "and no others" "$(mmlab cache run --size 4096 --count 3 --name pearls --flag no-merge -- mmlab cache shrink pearls)" \
	'^pearls: [1-9] of [1-9] slabs? (is|are) left$'
exits "validate one that is not debugged" 1 mmlab cache validate kmalloc-64
like "which is said" "$(mmlab cache validate kmalloc-64 2>&1)" 'kmalloc-64 is not debugged'
like "and one that is" "$(mmlab cache run --size 100 --flag poison -- mmlab cache validate mmlab)" \
	'^mmlab: nothing is wrong with any object$'
exits "shrink without a name" 2 mmlab cache shrink
exits "shrink as JSON" 2 mmlab cache shrink --json kmalloc-64
exits "validate one that is not there" 1 mmlab cache validate nowhere
exits "one that is not there" 1 mmlab cache show nowhere
like "which is said" "$(mmlab cache show nowhere 2>&1)" "machine 0 has no cache 'nowhere'"
exits "nor is anything above" 1 mmlab cache show ..
exits "on no machine" 1 mmlab cache show --machine 4711 kmalloc-64
exits "of no name" 2 mmlab cache show
exits "of two names" 2 mmlab cache show kmalloc-64 kmalloc-32
exits "of a name that cannot be" 2 mmlab cache show "$(printf 'x%.0s' {1..300})"

#
# What does not go
#
exits "too many for the machine" 1 mmlab cache run --size 4K --count 20000
like "which is said" "$(mmlab cache run --size 4K --count 20000 2>&1)" 'machine 0 has no memory for all of them'
like "and why" "$(mmlab explain --json)" '"why": "'
exits "then no command is started" 125 mmlab cache run --size 4K --count 20000 -- true
n=$(make_machine small --memory 256K)
exits "an object larger than the machine" 1 mmlab cache run --machine "$n" --size 1M --count 1
ok "gone" mmlab machine destroy small
n=$(make_machine thin --backend memmap)
like "no memory, no objects" "$(mmlab cache run --machine "$n" --size 100 2>&1)" 'has no memory, only frames'
ok "gone, too" mmlab machine destroy thin
exits "no such machine for it" 1 mmlab cache run --machine 4711 --size 100
is "nothing is left of them" "$(line_of mmlab <"$slabinfo")" ""

exits "of no size" 2 mmlab cache run
exits "of size 0" 2 mmlab cache run --size 0
exits "larger than there can be" 2 mmlab cache run --size 5M
exits "an alignment that is no power of two" 2 mmlab cache run --size 100 --align 24
exits "more than a page" 2 mmlab cache run --size 100 --align 8K
exits "no such path" 2 mmlab cache run --size 100 --path lists
exits "sheaves that are too large" 2 mmlab cache run --size 100 --sheaf 1025
exits "sheaves where there are none" 2 mmlab cache run --size 100 --path cpu-slabs --sheaf 10
exits "no such flag" 2 mmlab cache run --size 100 --flag panic
exits "nor as the first of two" 2 mmlab cache run --size 100 --flag panic --flag dma
exits "kmalloc with a name" 2 mmlab cache run --size 100 --flag kmalloc --name mine
exits "kmalloc with another flag" 2 mmlab cache run --size 100 --flag kmalloc --flag dma
exits "or to be debugged" 2 mmlab cache run --size 100 --flag kmalloc --flag poison
exits "a name with a space" 2 mmlab cache run --size 100 --name 'two words'
exits "a name that is too long" 2 mmlab cache run --size 100 --name 01234567890123456789012345678901
exits "none at all" 2 mmlab cache run --size 100 --count 0
exits "more freed than there are" 2 mmlab cache run --size 100 --count 10 --free 11
exits "a choice among none" 2 mmlab cache run --size 100 --random
exits "a command and seconds" 2 mmlab cache run --size 100 --hold 1 -- true
exits "a command without --" 2 mmlab cache run --size 100 true
exits "neither run nor list nor show" 2 mmlab cache walk

#
# The tools of procps, with slabinfo in the place of the kernel's
#

tools=$(mmlab cache run --size 1K --count 1000 --flag no-merge -- unshare -m sh -c \
	"mount --bind $slabinfo /proc/slabinfo && TERM=dumb slabtop -o && vmstat -m")
like "slabtop shows it" "$tools" '^ *[0-9]+ +[0-9]+ +[0-9]+% +1\.00K +[0-9]+ +[0-9]+ +[0-9]+K mmlab *$'
like "vmstat -m, too" "$tools" '^mmlab +[0-9]+ +[0-9]+ +1024 +[0-9]+$'
is "both the same" "$(awk '$NF == "mmlab" { print $2, $1 }' <<<"$tools")" \
	"$(awk '$1 == "mmlab" && NF == 5 { print $2, $3 }' <<<"$tools")"

#
# Without the module; and with little for a session
#
rmmod vma_probe slub_probe
like "without slub_probe.ko" "$(mmlab cache run --size 100 2>&1)" 'machine 0 has no object caches: load slub_probe\.ko$'
exits "there is no slabinfo" 1 mmlab cache list
rmmod buddy_probe mm_lab
load_all session_limit=64K
like "a session may not hold so much" "$(mmlab cache run --size 4K --count 17 2>&1)" 'a session may not hold so much'
ok "but that" mmlab cache run --size 4K --count 8
ok "all is well in the end" mmlab validate
# As it was, for who comes next
ok "the modules go" unload_all
ok "and come again" load_all
done_testing
