#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Loading and unloading the modules: in every order, right and wrong; while they are
# used; with parameters that are possible and impossible; twenty times in a row. What
# was taken from the kernel is given back.
#
# vm: --no-modules --reserve 64M
# timeout: 300

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"

# in_order WANT NAME COMMAND... - a step that works, and the modules that are loaded then
in_order()
{
	local want=$1 name=$2 output
	shift 2
	output=$("$@" 2>&1) || diag "$*: $output"
	is "$name" "$(loaded)" "$want"
}

# refused NAME PATTERN COMMAND... - a command that fails, says why and leaves things as they are
refused()
{
	local name=$1 pattern=$2 before output status=0
	shift 2
	before=$(loaded)
	output=$("$@" 2>&1) || status=$?
	if [[ $status == 0 || ! $output =~ $pattern || $(loaded) != "$before" ]]; then
		fail "$name"
		diag "status $status: $output" "loaded before: $before; then: $(loaded)"
	else
		pass "$name"
	fi
}

#
# The wrong order. The first module that is loaded at all taints the kernel, which it
# says: let that be over.
#
in_order mm_lab "mm_lab alone" load mm_lab memory=1M
in_order '' "and gone" rmmod mm_lab
free_before=$(free_kib)

log_mark
refused "buddy_probe before mm_lab" 'Unknown symbol' load buddy_probe
refused "vma_probe before mm_lab" 'Unknown symbol' load vma_probe
load mm_lab memory=0
refused "vma_probe before buddy_probe" 'Unknown symbol' load vma_probe
refused "slub_probe before buddy_probe" 'Unknown symbol' load slub_probe
rmmod mm_lab
like "the kernel log names the symbols" "$(log_since)" '^buddy_probe: Unknown symbol mml_'
is "and says nothing else" "$(log_since | grep -vE '^(buddy|slub|vma)_probe: Unknown symbol (__)?mml_')" ''

#
# Every right order: each step up and each step down, from each height
#
in_order mm_lab "up" load mm_lab
in_order "mm_lab buddy_probe" "up up" load buddy_probe
in_order mm_lab "down from two" rmmod buddy_probe
in_order "mm_lab buddy_probe" "up to two" load buddy_probe
in_order "mm_lab buddy_probe slub_probe" "up to three" load slub_probe
in_order "mm_lab buddy_probe slub_probe vma_probe" "up to four" load vma_probe
refused "mm_lab twice" 'File exists' load mm_lab
refused "buddy_probe twice" 'File exists' load buddy_probe
refused "slub_probe twice" 'File exists' load slub_probe
refused "vma_probe twice" 'File exists' load vma_probe
refused "mm_lab from below the others" 'in use' rmmod mm_lab
refused "buddy_probe from below another" 'in use' rmmod buddy_probe
is "all serve" "$(mmlab info --json | sed -n 's/.*"engines": //p')" '["buddy", "slub", "vma"]'

in_order "mm_lab buddy_probe vma_probe" "object caches can go from between" rmmod slub_probe
is "the others serve" "$(mmlab info --json | sed -n 's/.*"engines": //p')" '["buddy", "vma"]'
ok "programs run without them" mmlab run true
in_order "mm_lab buddy_probe" "down from three" rmmod vma_probe
refused "mm_lab from below one other" 'in use' rmmod mm_lab
is "the others serve" "$(mmlab info --json | sed -n 's/.*"engines": //p')" '["buddy"]'
ok "they allocate" mmlab alloc --order 3 --count 4
like "mmlab run says what is missing" "$(mmlab run true 2>&1)" 'load vma_probe.ko'
ok "and they are well" mmlab validate
in_order "mm_lab buddy_probe slub_probe" "up to three again" load slub_probe
in_order "mm_lab buddy_probe slub_probe vma_probe" "up to four again" load vma_probe
ok "then programs run" mmlab run true
in_order '' "down to nothing" unload_all
ok "no device is left" test ! -e /dev/mm_lab
ok "nor anything in debugfs" test ! -e "$lab_debugfs"

#
# While they are used. A killed process lets go by the time it has been waited for.
#
load_all
mmlab run sleep 60 &
wait_until 10 pgrep -x sleep
refused "vma_probe while a program runs on it" 'in use' rmmod vma_probe
refused "buddy_probe" 'in use' rmmod buddy_probe
refused "mm_lab" 'in use' rmmod mm_lab
like "debugfs says who holds the machine" "$(<"$lab_debugfs/0/holders")" "^session +$(pgrep -x sleep) "
pkill -9 -x sleep
wait %1
in_order '' "all when it is killed" unload_all

load_all
mmlab alloc --order 0 --count 1 --hold 60 >/dev/null &
wait_until 10 grep -q ':' "$lab_debugfs/0/mm/1/status"
refused "vma_probe while a session is open" 'in use' rmmod vma_probe
{ kill -9 $! && wait %1; } 2>/dev/null
in_order '' "all when it is killed" unload_all

load mm_lab
load buddy_probe
mmlab alloc --order 0 --count 1 --hold 60 >/dev/null &
wait_until 10 test -d "$lab_debugfs/0/mm/1"
load vma_probe
in_order "mm_lab buddy_probe" "vma_probe while a session is open that is older" rmmod vma_probe
refused "but not buddy_probe" 'in use' rmmod buddy_probe
{ kill -9 $! && wait %1; } 2>/dev/null
load vma_probe

exec 5</dev/mm_lab 6<"$lab_debugfs/0/buddyinfo"
in_order "mm_lab buddy_probe" "vma_probe while the device is open" rmmod vma_probe
refused "buddy_probe while a file of its in debugfs is open" 'in use' rmmod buddy_probe
exec 6<&-
in_order mm_lab "but when that is closed" rmmod buddy_probe
refused "mm_lab while the device is open" 'in use' rmmod mm_lab
exec 5<&-
in_order '' "but when that is closed" rmmod mm_lab

#
# No default machine
#
load_all memory=0
like "memory=0: no machine" "$(mmlab info)" '^no machine'
is "memory=0: nothing of one in debugfs" "$(ls "$lab_debugfs")" alloc_sites
exits "memory=0: a program has none to run on" 125 mmlab run true
ok "memory=0: but on one of its own" mmlab run --memory 16M true
ok "memory=0: all is well" mmlab validate
unload_all

#
# What cannot be: asked for what, found what, do what
#

# impossible PATTERN PARAMETER... - insmod fails, and the kernel log has lines that match
impossible()
{
	local pattern=$1 log
	shift
	log_mark
	refused "$*: not loaded" 'insmod' load mm_lab "$@"
	[[ ! $(loaded) ]] || rmmod mm_lab
	log=$(log_since)
	like "$*: the kernel log explains" "$log" "$pattern"
	ok "$*: nothing is left" test ! -e /dev/mm_lab -a ! -e "$lab_debugfs"
}

impossible 'asked for 2097152 KiB of reserve_mem .*found 0 of its 65536 KiB in use.*ask for less' memory=2G
impossible 'asked for 2097152 KiB of contig, found .*free: [0-9]+ KiB.*ask for less' memory=2G
impossible 'asked for 66560 KiB of reserve_mem' memory=65M backend=reserve_mem
impossible 'asked for 2097152 KiB of contig' memory=2G backend=contig
impossible 'found no region "nosuch".*boot with reserve_mem=SIZE:2M:nosuch' backend=reserve_mem region=nosuch
impossible 'memory=252K.*(256 ?K|64 frames)' memory=252K
impossible 'memory=1.*(256 ?K|64 frames)' memory=1
impossible 'memory=100000T' memory=100000T
impossible 'memory=16E' memory=16E
impossible 'memory=lots is not a size' memory=lots
impossible 'memory=64MB is not a size' memory=64MB
impossible 'memory=-64M is not a size' memory=-64M
impossible 'memory= is not a size' memory=
impossible 'session_limit=some is not a size' session_limit=some
impossible 'backend=pages is none of auto, reserve_mem, cma, contig, sparse, memmap' backend=pages
impossible 'asked for 65536 KiB of cma, which this kernel does not have' backend=cma
impossible 'asked for 2097152 KiB in blocks of 4096 KiB, found too few .*free: [0-9]+ KiB' memory=2G backend=sparse
impossible 'slab_debug is longer than 63' "slab_debug=$(printf 'F%.0s' {1..64})"
impossible 'invalid for parameter .seed' seed=-1
impossible 'invalid for parameter .mode' mode=rw

#
# Which object caches are debugged is for slub_probe to read. The others do without it.
#
load mm_lab slab_debug=FZX,pearls
load buddy_probe
log_mark
refused "slab_debug=FZX,pearls: slub_probe is not loaded" 'insmod.*Invalid' load slub_probe
like "the kernel log says which text, and what it could be" "$(log_since)" \
	'slab_debug=FZX,pearls cannot be read: give letters of FZPUTO-'
in_order "mm_lab buddy_probe vma_probe" "the others are" load vma_probe
ok "programs run" mmlab run true
ok "and all is well" mmlab validate
refused "nor is it later" 'insmod.*Invalid' load slub_probe
in_order '' "all go" rmmod vma_probe buddy_probe mm_lab

#
# More than twenty times, with what is possible
#
# parameters / frames of the machine then
variants=(
	"memory=0/" "memory=256K/64" "memory=1M/256" "memory=3M seed=7/768" "memory=1028K/257"
	"memory=64M mode=0640/16384" "memory=50M session_limit=1M/12800" "memory=65M/16640"
	"memory=0x1000000/4096" "backend=contig memory=64M/16384" "backend=contig memory=256K/64"
	"backend=contig memory=20M/5120" "backend=reserve_mem memory=16M/4096"
	"backend=auto memory=70M/17920" "region=nosuch memory=32M/8192"
	"backend=sparse memory=9M/2304" "backend=memmap memory=16G/4194304"
	"backend=contig memory=64M seed=1/16384" "backend=contig memory=63M/16128"
	"memory=64M backend=reserve_mem/16384" "memory=64M slab_debug=FZPU/16384" "backend=contig memory=64M/16384" "/16384"
)

# round PARAMETER... - loads, uses, checks and unloads all modules
round()
{
	load_all "$@" || return
	machine_field 0 frames
	[[ $* != *memory=0 ]] || { unload_all; return; }
	mmlab alloc --order 2 --count 4 >/dev/null && mmlab validate >/dev/null && unload_all
}

for variant in "${variants[@]}"; do
	read -r -a parameters <<<"${variant%/*}"
	is "${parameters[*]:-no parameter}: frames" "$(round "${parameters[@]}" 2>&1)" "${variant#*/}"
	[[ ! $(loaded) ]] || diag "still loaded: $(loaded)"
done

load_all session_limit=64K mode=0640
is "mode=0640 is the device's" "$(stat -c %a /dev/mm_lab)" 640
like "session_limit=64K: no more than that" "$(mmlab alloc --order 4 --count 2 2>&1)" 'a session may not hold more'
in_order '' "all modules go" unload_all
free_after=$(free_kib)
cmp_ok "the kernel has its memory back, but for 8 MiB at most" $((free_before - free_after)) -lt 8192
diag "$free_before KiB were free before, $free_after KiB are now"

# A mode is permissions, and no kind of file. Last, for what it leaves behind.
impossible 'mode' mode=0100644
rm -f /dev/mm_lab

done_testing
