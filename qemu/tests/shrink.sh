#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What caches keep comes when a process finds no frame: on a machine all of whose memory
# can be had, all of it is had. The file shrinkers and the events say how. On a debug kernel
# the suites of it run, too.
#
# kernels: stock debug
# timeout: 120

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"

events=/sys/kernel/tracing/events
trace=/sys/kernel/tracing/trace

# field N - of the only line of the file shrinkers: 2 calls, 3 counted, 4 scanned, 5 freed
field() { awk -v n="$1" '$1 == "slub_probe" { print $n }' "$shrinkers"; }

#
# Events have the kernel's fields, but for its pointers
#
for event in mm_shrink_slab_start mm_shrink_slab_end; do
	fields=$(sed -n 's/^\tfield:.*[ *]\([a-z_]*\);.*/\1/p' "$events/vmscan/$event/format" | grep -vE '^(common_.*|shrink)$')
	is "$event has the kernel's fields, and machine" \
		"$(sed -n 's/^\tfield:.*[] *]\([a-z_]*\);.*/\1/p' "$events/mm_lab/$event/format" | grep -v common_)" "$fields
machine"
done

#
# A machine of 1,024 frames, and a cache that keeps a good part of what it had
#
machine=$(mmlab machine create --memory 4M --no-watermarks small | sed -n 's/^machine \([0-9]*\), .*/\1/p')
[[ $machine ]] || bail "there is no machine"
shrinkers=$lab_debugfs/$machine/shrinkers
is "the file has a head and a line for each" "$(awk '{ print NF, $1, $2 }' "$shrinkers")" "5 name calls
5 slub_probe 0
5 vma_probe 0"
is "and all lines are as wide" "$(awk '{ print length }' "$shrinkers" | sort -u | wc -l)" 1

for path in sheaves cpu-slabs; do
	scanned=$(field 4) freed=$(field 5)
	echo >$trace
	echo 1 >$events/mm_lab/mm_shrink_slab_start/enable
	echo 1 >$events/mm_lab/mm_shrink_slab_end/enable
	out=$(mmlab cache run --machine "$machine" --path $path --size 1000 --count 2000 --free 2000 -- \
		sh -c "awk '\$1 == \"mmlab\" { print \"kept\", \$15 }' $lab_debugfs/$machine/slabinfo
			mmlab alloc --machine $machine --count 1024
			awk '\$1 == \"mmlab\" { print \"left\", \$15 }' $lab_debugfs/$machine/slabinfo")
	echo 0 >$events/mm_lab/mm_shrink_slab_start/enable
	echo 0 >$events/mm_lab/mm_shrink_slab_end/enable
	kept=$(awk '$1 == "kept" { print $2 }' <<<"$out")
	cmp_ok "$path: slabs are kept" "$kept" -gt 1
	like "$path: who wants all frames has them" "$out" '^1,024 blocks of order 0'
	is "$path: and no slab is left" "$(awk '$1 == "left" { print $2 }' <<<"$out")" 0
	cmp_ok "$path: at least as many frames were freed" $(($(field 5) - freed)) -ge "$kept"
	cmp_ok "$path: and something looked at" $(($(field 4) - scanned)) -gt 0
	sum=$(sed -n "s/.*mm_shrink_slab_end: slub_probe: .* return val \([0-9]*\) machine=$machine\$/\1/p" $trace |
		awk '{ n += $1 } END { print n + 0 }')
	is "$path: the events add up to that" "$sum" $(($(field 5) - freed))
	like "$path: its beginning as text" "$(<$trace)" \
		"mm_shrink_slab_start: slub_probe: nid: 0 objects to shrink [0-9]+ gfp_flags GFP_[A-Z_|]+ cache items [0-9]+ delta [0-9]+ total_scan [0-9]+ priority [0-9]+ machine=$machine\$"
	is "$path: no address of the kernel's" "$(grep -cE '(0x)?f{4,}[0-9a-f]{4,}' $trace)" 0
done
diag "$(cat "$shrinkers")"
ok "all invariants hold" mmlab validate
ok "the machine goes" mmlab machine destroy small

#
# The suites, with lockdep and KASAN looking on
#
if on_debug_kernel; then
	printf 'mml_s[hl]*[rl]' >/sys/module/kunit/parameters/filter_glob
	ok "mm_lab_kunit.ko is loaded" insmod kunit/mm_lab_kunit.ko
	is "two suites have run" "$(ls /sys/kernel/debug/kunit)" "mml_shrinker
mml_slub_pool"
	is "no test failed" "$(grep -h '^ *not ok' /sys/kernel/debug/kunit/*/results)" ""
	cmp_ok "and there were some" "$(grep -hc '^ *ok' /sys/kernel/debug/kunit/mml_slub_pool/results)" -gt 20
	ok "the module goes" rmmod mm_lab_kunit
fi
done_testing
