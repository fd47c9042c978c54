#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The bench as a module: every test gives a number for both sides, of what it is told it
# says why it cannot, and it leaves no frame behind. What the numbers are is not looked
# at here: `make bench` has the clocks for that, and the controls.
#
# vm: --mem 1G --reserve 64M
# timeout: 300

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"

need_program spaces

bench=/sys/kernel/debug/mm_lab_bench

# bench_run GLOB - run what matches
bench_run() { printf '%s\n' "$1" >"$bench/run"; }

# samples TEST - how many there are of it with a number above 0
samples() { awk -v test="$1" '$2 == test && $6 > 0 && $7 > 0' "$bench/results" | wc -l; }

# names - of the tests in the results
names() { awk '$1 == "sample" { print $2 }' "$bench/results" | sort -u; }

buddyinfo=$(drained_buddyinfo 0)

log_mark
ok "the module loads" insmod bench/mm_lab_bench.ko rounds=3
is "there are no results yet" "$(<"$bench/results")" ''

ok "all tests run" bench_run '*'
for name in control.{empty,spin_lock,compute} pages.order{0,1,2,3,4,9,10}.pair pages.order0.pair.{zero,gen_pool,gpu_buddy} \
	aa.pages.order0.pair.{ours,kernel} objects.{64,256}.pair{,.cpu_slabs} objects.kmalloc.pair vmas.find10000; do
	is "$name: three rounds of two sides" "$(samples "$name")" 6
done
for name in pages.order0.burst1000.{inorder,random} pages.order3.burst1000.random pages.bulk64 pages.bulk64.warm \
	objects.{64,256}.burst1000.random{,.cpu_slabs} objects.64.bulk16{,.cpu_slabs}; do
	is "$name: the same, in two parts" "$(samples "$name")" 12
done
like "the first line is the clock" "$(head -n 1 "$bench/results")" '^clock [1-9][0-9]*$'
is "each further line is a sample" "$(tail -n +2 "$bench/results" | grep -cvE '^sample [a-z0-9_.]+ (ours|kernel) [01] 1 [1-9][0-9]* [1-9][0-9]*$')" 0

ok "some tests run" bench_run 'pages.order4.*'
is "and no other ones" "$(names | grep -v '^pages\.order4\.')" ''
isnt "none that are not there" "$(bench_run 'nothing.*' 2>&1; echo $?)" 0
like "which is said" "$(log_since)" "no test matches 'nothing\.\*'"
isnt "a name that is too long is refused" "$(bench_run "$(printf '%0100d' 0)" 2>&1; echo $?)" 0


# A process by itself
spaces=$(out/tests/spaces 2)
for name in spaces.{touch.{inorder,stride16,random},fork,cow,map_unmap}; do
	is "$name: two rounds of two sides" "$(awk -v test="$name" '$2 == test && $6 > 0' <<<"$spaces" | wc -l)" 4
done
is "each line is a sample" "$(grep -cvE '^sample [a-z0-9_.]+ (ours|kernel) 0 1 [1-9][0-9]* [0-9]+$' <<<"$spaces")" 0
spaces=$(out/tests/spaces 2 2)
is "by threads: two rounds of two sides, by one and by two" \
	"$(awk '$2 == "spaces.touch.inorder" { print $3, $5, $6 }' <<<"$spaces" | sort | uniq -c | awk '{ $1 = $1; print }')" \
"2 kernel 1 2048
2 kernel 2 4096
2 ours 1 2048
2 ours 2 4096"
isnt "spaces wants to know how often" "$(out/tests/spaces 2>&1; echo $?)" 0

parameters=/sys/module/mm_lab_bench/parameters
echo 1 >$parameters/rounds
echo 20 >$parameters/msecs
echo 2 >$parameters/threads
ok "threads run" bench_run '*'
for name in control.{spin_lock,compute} pages.order{0,3,4}.pair objects.64.pair{,.cpu_slabs}; do
	is "$name: one thread and two, two sides" "$(samples "$name")" 4
done
for name in control.ring objects.64.handover{,.cpu_slabs}; do
	is "$name: two threads, two sides" "$(samples "$name")" 2
done
# A busy host may not give both threads a CPU in a few milliseconds: they get more, and several times
echo 500 >$parameters/msecs
stalled() { awk '$5 > 1 && $2 ~ /handover/ && $6 < 1000' "$bench/results"; }
for _ in 1 2 3 4 5; do
	bench_run 'objects.64.handover*'
	[[ $(stalled) ]] || break
done
is "what is handed over was on its way to the end" "$(stalled)" ''
SECONDS=0
echo 1 >$parameters/msecs
echo 20 >$parameters/rounds
ok "handing over ends when it is stopped, at any time" bench_run 'objects.64.handover*'
is "and at once" $((SECONDS < 20)) 1
echo 1 >$parameters/rounds
echo 1 >$parameters/threads
isnt "one thread is refused" "$(bench_run '*' 2>&1; echo $?)" 0
like "which is said" "$(log_since)" '1 thread is none beside others'
echo 3 >$parameters/threads
isnt "more threads than CPUs are refused" "$(bench_run '*' 2>&1; echo $?)" 0
like "which is said" "$(log_since)" '3 threads want as many CPUs; there are 2'

echo 0 >$parameters/threads
echo 1000 >$parameters/live
ok "memory is measured" bench_run '*'
is "of live objects only" "$(names | tr '\n' ' ')" 'objects.256.memory objects.256.memory.cpu_slabs objects.64.memory objects.64.memory.cpu_slabs '
# A cache that has just been emptied, and 1000 objects: no slab more than one that they do not fill, and sheaves
for size in 64 256; do
	is "of $size bytes each, they take as much, and little more" \
		"$(awk -v size=$size '$2 ~ "objects." size { print $6 == 1000 && $7 >= 1000 * size && $7 < 1000 * size + 40000 }' "$bench/results" | sort | uniq -c)" '      4 1'
done
echo 0 >$parameters/live
isnt "without live objects there is no such test" "$(bench_run '*.memory' 2>&1; echo $?)" 0

ok "the module unloads" rmmod mm_lab_bench
is "every frame is back" "$(drained_buddyinfo 0)" "$buddyinfo"
is "nobody holds the machine" "$(<"$lab_debugfs/0/holders")" ''
ok "all invariants hold" mmlab validate
is "nor was anything reported" "$(log_since | grep 'mm_lab: machine')" ''

# Without a machine
unload_all
load_all memory=0
insmod bench/mm_lab_bench.ko
isnt "without a machine it refuses" "$(bench_run '*' 2>&1; echo $?)" 0
like "and says so" "$(log_since)" 'there is no default machine'
ok "and unloads" rmmod mm_lab_bench
done_testing
