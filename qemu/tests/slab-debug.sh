#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Debugged caches as one sees them: what the kernel log says of each planted misuse, in the
# kernel's form; a cache's directory of attributes; who allocated its objects.
#
# kernels: stock debug
# timeout: 240

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"

lab=$lab_debugfs/0

before=$(drained_buddyinfo 0)

# planted WHAT - what the kernel log says when that is planted
planted()
{
	dmesg --clear
	echo "$1" > "$lab/plant_object_misuse" || return
	dmesg -t
}

# form - whether a report on the input has all that print_trailer() in Linux 6.12 prints, in its
# order: prints what it is about, or which line is missing
form()
{
	gawk '
		BEGIN {
			want[1] = "^=+$"
			want[2] = "^BUG planted \\(machine 0\\): "
			want[3] = "^-+$"
			want[4] = "^Allocated in mml_plant_[a-z_]+\\+0x[0-9a-f]+/0x[0-9a-f]+ \\[slub_probe\\] age=[0-9]+ cpu=[0-9]+ pid=[0-9]+$"
			want[5] = "^  mml_plant_"
			want[6] = "^Slab 0x[0-9a-f]+ objects=[0-9]+ used=[0-9]+ fp=0x[0-9a-f]+$"
			want[7] = "^Object 0x[0-9a-f]+ @offset=[0-9]+ fp=0x[0-9a-f]+$"
			want[8] = "^Redzone  [0-9a-f]{8}: (bb|cc|41)"
			want[9] = "^Object   [0-9a-f]{8}: "
			want[10] = "^Redzone  [0-9a-f]{8}: (bb|cc|41)"
			want[11] = "^Padding  [0-9a-f]{8}: 5a 5a"
			want[12] = "^CPU: "
			at = 1
		}
		$0 ~ want[at] {
			if (at == 2)
				about = substr($0, index($0, "): ") + 3)
			if (++at == 13)
				exit
		}
		END { print at == 13 ? about : "no line like " want[at] }'
}

#
# Misuse
#
log=$(planted overflow)
is "overflow: the kernel's form" "$(form <<< "$log")" "Right Redzone overwritten"
like "which byte" "$log" '^0x([0-9a-f]+)-0x\1 @offset=[0-9]+\. First byte 0x41 instead of 0xcc$'
like "what was done about it" "$log" '^FIX planted: Restoring Right Redzone 0x[0-9a-f]+-0x[0-9a-f]+=0xcc$'
is "told once" "$(grep -c '^BUG ' <<< "$log")" 1

log=$(planted underflow)
is "underflow" "$(form <<< "$log")" "Left Redzone overwritten"
like "which byte of it" "$log" 'First byte 0x41 instead of 0xcc$'

log=$(planted write_after_free)
is "write after free" "$(form <<< "$log")" "Poison overwritten"
like "a bit of the pattern" "$log" 'First byte 0x6a instead of 0x6b$'
like "who had freed it" "$log" '^Freed in mml_plant_write_after_free\+'

log=$(planted double_free)
is "double free" "$(form <<< "$log")" "Object already free"
like "who had freed it before" "$log" '^Freed in mml_plant_double_free\+'

log=$(planted invalid_free)
like "invalid free" "$log" '^BUG planted \(machine 0\): Invalid object pointer 0x[0-9a-f]+$'
log=$(planted wrong_cache)
like "to another cache" "$log" 'machine 0: cache kmalloc-64: an object is freed that is not one of its'
log=$(planted leak)
like "leak" "$log" 'machine 0: cache planted: 2 objects are in use, and it is to go$'
like "and who has it" "$log" '^slub_probe: Object 0x[0-9a-f]+ @offset=[0-9]+$'
like "with its stack" "$log" '^  mml_plant_'
is "no address of the kernel's in all that" \
	"$( (planted overflow; planted double_free) | grep -v '^R[A-Z0-9]*: ' | grep -E 'ffff[0-9a-f]{8}')" ""

exits "a word that is none" 1 sh -c "echo nonsense > $lab/plant_object_misuse"
ok "the machine is as before" mmlab validate
is "and has its frames" "$(drained_buddyinfo 0)" "$before"

#
# A cache's directory
#

# attrs COMMAND... - what that prints while 500 objects of 100 bytes are held, in their cache's
# directory, which comes a moment after the cache
attrs()
{
	taskset -c 0 mmlab cache run --count 500 --size 100 --name pearls "${flags[@]}" -- \
		sh -c "until [ -e $lab/slab/pearls/validate ]; do sleep 0.1; done
			cd $lab/slab/pearls; echo ==; $1" | sed '1,/^==$/d'
}

flags=(--flag no-merge)
# Some depend on how the kernel was configured
is "all there is to say has the kernel's names; sheaf_capacity is of Linux 7.0" \
	"$(comm -13 <({ ls /sys/kernel/slab/kmalloc-64; echo usersize; } | sort -u) <(attrs ls))" \
	"sheaf_capacity"
is "and nothing is missing that would say something here" \
	"$(comm -23 <(ls /sys/kernel/slab/kmalloc-64) <(attrs ls) |
		grep -vxE 'remote_node_defrag_ratio|skip_kfence|failslab|alloc_calls|free_calls')" ""
is "sizes" "$(attrs 'cat object_size slab_size objs_per_slab order align' | xargs)" \
	"100 104 39 0 8"
is "slabs and objects" "$(attrs 'cat slabs total_objects' | xargs)" "14 N0=14 546 N0=546"
is "with sheaves" "$(attrs 'cat sheaf_capacity cpu_slabs red_zone' | xargs)" "60 0 0"
is "in use are at least those held" \
	"$(attrs 'cat objects' | awk '{ print $1 >= 500 && $1 <= 546 }')" 1
flags=(--flag no-merge --path cpu-slabs)
is "with cpu slabs" "$(attrs 'cat sheaf_capacity cpu_slabs' | xargs)" "0 1 N0=1"
is "shrunk by hand" "$(attrs 'echo 1 > shrink; cat slabs cpu_slabs' | xargs)" "13 N0=13 0"
ok "kmalloc's caches have directories" test -e "$lab/slab/kmalloc-64/validate"
exits "what is not debugged is not checked" 1 sh -c "echo 1 > $lab/slab/kmalloc-64/validate"
exits "shrink is not read" 1 cat "$lab/slab/kmalloc-64/shrink"
ok "two of a name have two directories" mmlab cache run --name twin --size 64 --flag no-merge -- \
	mmlab cache run --name twin --size 64 --flag no-merge -- \
	sh -c "sleep 3; test -d $lab/slab/twin && [ \$(ls -d $lab/slab/twin.* | wc -l) = 1 ]"
ok "a name with a slash" mmlab cache run --name a/b --size 64 --flag no-merge -- \
	sh -c "sleep 3; test -d '$lab/slab/a!b'"
ok "gone with their caches" sh -c "i=0
	while ls -d $lab/slab/twin* >/dev/null 2>&1 || [ -e $lab/slab/pearls ]; do
		i=\$((i + 1)); [ \$i -lt 50 ] || exit 1; sleep 0.1
	done"

#
# Who allocated its objects
#
flags=(--flag store-user --flag checks --flag red-zone --flag poison)
is "what is debugged says so" \
	"$(attrs 'cat sanity_checks red_zone poison store_user trace' | xargs)" "1 1 1 1 0"
is "its objects are checked by hand" "$(attrs 'echo 1 > validate && echo done')" "done"
log=$(attrs 'cat alloc_traces')
like "500 objects from one place" "$log" \
	'^    500 mml_(session_object_add|ioc_cache_alloc)\+0x[0-9a-f]+/0x[0-9a-f]+ \[slub_probe\] age=[0-9/]+ pid=[0-9]+'
like "its stack" "$log" '^	mml_ioctl_run\+'
is "none was freed" "$(attrs 'cat free_traces')" "No data"
flags+=(--free 300)
like "what was freed, and is still in a slab" "$(attrs 'cat free_traces')" \
	'^ +[0-9]+ mml_(session_object_del|ioc_cache_free)\+0x'
is "all is back" "$(drained_buddyinfo 0)" "$before"

# Each object that comes and goes is told, where that is asked for
machine=$(mmlab machine create --memory 4M --slab-debug T,traced told |
	sed -n 's/^machine \([0-9]*\), told:.*/\1/p')
dmesg --clear
mmlab cache run --machine "$machine" --size 100 --count 3 --name traced > /dev/null
mmlab cache run --machine "$machine" --size 100 --count 3 --name other > /dev/null
log=$(dmesg -t)
is "three come" "$(grep -cE '^TRACE traced alloc 0x[0-9a-f]+ inuse=[0-9]+ fp=0x[0-9a-f]+$' <<< "$log")" 3
is "and go" "$(grep -cE '^TRACE traced free 0x[0-9a-f]+ inuse=[0-9]+ fp=0x[0-9a-f]+$' <<< "$log")" 3
is "and no others are told" "$(grep -c '^TRACE ' <<< "$log")" 6
ok "that machine goes" mmlab machine destroy told

#
# Events
#
tracing=/sys/kernel/tracing

# fields EVENT - the names of its fields
fields() { sed -n 's/^\tfield:.*[ *]\([a-z_]*\)\(\[\]\)\?;\toffset.*/\1/p' "$tracing/events/$1/format" | grep -v ^common_ | xargs; }

for event in kmem_cache_alloc kmalloc kfree kmem_cache_free; do
	is "$event has the kernel's fields, and the machine" \
		"$(fields "mm_lab/$event")" "$(fields "kmem/$event") machine"
done

# events OPTION... - those of 20 objects that are allocated and freed, and nothing else's
events()
{
	echo > "$tracing/trace"
	for event in kmem_cache_alloc kmalloc kfree kmem_cache_free; do
		echo 1 > "$tracing/events/mm_lab/$event/enable"
	done
	mmlab cache run --count 20 --size 100 "$@" > /dev/null
	for event in kmem_cache_alloc kmalloc kfree kmem_cache_free; do
		echo 0 > "$tracing/events/mm_lab/$event/enable"
	done
	sed -n 's/^.*: \(k[a-z_]*: \)/\1/p' "$tracing/trace"
}

log=$(events --flag no-merge)
is "each object that comes" "$(grep -cE '^kmem_cache_alloc: call_site=mml_[a-z_]+\+0x[0-9a-f/x]+ \[slub_probe\] ptr=0x[0-9a-f]+ bytes_req=100 bytes_alloc=104 gfp_flags=GFP_KERNEL node=-1 accounted=false machine=0$' <<< "$log")" 20
is "and goes" "$(grep -cE '^kfree: call_site=mml_[a-z_]+\+0x[0-9a-f/x]+ \[slub_probe\] ptr=0x[0-9a-f]+ machine=0$' <<< "$log")" 20
is "is the same" "$(grep -o '^kfree.*ptr=0x[0-9a-f]*' <<< "$log" | sed 's/.*=//' | sort)" \
	"$(grep -o '^kmem_cache_alloc.*ptr=0x[0-9a-f]*' <<< "$log" | sed 's/.*=//' | sort)"
log=$(events --flag kmalloc)
is "of kmalloc, with what was asked for" \
	"$(grep -cE '^kmalloc: call_site=mml_.* bytes_req=100 bytes_alloc=128 gfp_flags=GFP_KERNEL node=-1 accounted=false machine=0$' <<< "$log")" 20

done_testing
