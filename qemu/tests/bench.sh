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
	aa.pages.order0.pair.{ours,kernel}; do
	is "$name: three rounds of two sides" "$(samples "$name")" 6
done
for name in pages.order0.burst1000.{inorder,random} pages.order3.burst1000.random pages.bulk64 pages.bulk64.warm; do
	is "$name: the same, in two parts" "$(samples "$name")" 12
done
like "the first line is the clock" "$(head -n 1 "$bench/results")" '^clock [1-9][0-9]*$'
is "each further line is a sample" "$(tail -n +2 "$bench/results" | grep -cvE '^sample [a-z0-9_.]+ (ours|kernel) [01] 1 [1-9][0-9]* [1-9][0-9]*$')" 0

ok "some tests run" bench_run 'pages.order4.*'
is "and no other ones" "$(names | grep -v '^pages\.order4\.')" ''
isnt "none that are not there" "$(bench_run 'nothing.*' 2>&1; echo $?)" 0
like "which is said" "$(log_since)" "no test matches 'nothing\.\*'"
isnt "a name that is too long is refused" "$(bench_run "$(printf '%0100d' 0)" 2>&1; echo $?)" 0

parameters=/sys/module/mm_lab_bench/parameters
echo 1 >$parameters/rounds
echo 20 >$parameters/msecs
echo 2 >$parameters/threads
ok "threads run" bench_run '*'
for name in control.{spin_lock,compute} pages.order{0,3,4}.pair; do
	is "$name: one thread and two, two sides" "$(samples "$name")" 4
done
echo 3 >$parameters/threads
isnt "more threads than CPUs are refused" "$(bench_run '*' 2>&1; echo $?)" 0
like "which is said" "$(log_since)" '3 threads want as many CPUs; there are 2'

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
