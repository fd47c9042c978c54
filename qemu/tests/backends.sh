#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Where a machine's memory comes from, with a reservation at hand: by name and
# automatically, several machines on one reservation, more than it has, and that it
# is whole again when they are gone.
#
# vm: --no-modules --reserve 64M
# timeout: 200

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
need_program mkmachines

# machine_is NAME BACKEND REGION FRAMES - machine 0, which is then unloaded
machine_is()
{
	is "$1" "$(machine_field 0 backend) $(machine_field 0 region) $(machine_field 0 frames)" "$2 $3 $4"
	ok "$1: a program runs on it" mmlab run true
	unload_all
}

# mkmachines SPEC... - the lines it prints, without the numbers of the machines
mkmachines() { out/tests/mkmachines "$@" | sed 's/machine [0-9]* //'; }

load_all memory=16M backend=reserve_mem
machine_is "reserve_mem by name" reserve_mem mm_lab 4096
load_all memory=16M backend=contig
machine_is "contig by name, beside a reservation" contig contig 4096
load_all memory=16M
machine_is "auto takes the reservation" reserve_mem mm_lab 4096
load_all memory=64M
machine_is "all of it" reserve_mem mm_lab 16384
load_all memory=66M
machine_is "auto takes contig for what is larger" contig contig 16896
load_all memory=18M backend=sparse
machine_is "sparse by name" sparse 5x4M 4608
load_all memory=64G backend=memmap
is "memmap by name" "$(machine_field 0 backend) $(machine_field 0 frames)" "memmap 16777216"
is "blocks of it are counted" "$(mmlab alloc --order 10 --count 3 >/dev/null; machine_field 0 free_frames)" 16777216
exits "it runs no program" 125 mmlab run true
like "and says why" "$(mmlab run true 2>&1)" 'machine 0 has no memory'
unload_all

#
# Several machines on it
#
load_all memory=16M
is "more machines on the reservation" "$(mkmachines reserve_mem:16M reserve_mem:15M reserve_mem:33M)" \
	"reserve_mem:16M: from reserve_mem mm_lab, 4096 frames, 4096 free
reserve_mem:15M: from reserve_mem mm_lab, 3840 frames, 3840 free
reserve_mem:33M: ENOMEM
4096 frames, 0 lost, 0 violations
3840 frames, 0 lost, 0 violations"
log_mark
is "what does not fit is refused, or comes from elsewhere" "$(mkmachines reserve_mem:48M reserve_mem:256K auto:256K)" \
	"reserve_mem:48M: from reserve_mem mm_lab, 12288 frames, 12288 free
reserve_mem:256K: ENOMEM
auto:256K: from contig contig, 64 frames, 64 free
12288 frames, 0 lost, 0 violations
64 frames, 0 lost, 0 violations"
like "the kernel log says how much there is" "$(log_since)" \
	'asked for 256 KiB of reserve_mem region "mm_lab", found 65536 of its 65536 KiB in use and no gap so large: ask for less'

is "all is well while there are four machines" \
	"$(mkmachines reserve_mem:8M contig:8M auto:8M -- mmlab validate | grep -c '^ok: ')" 1
# A program on each machine but the default one; called by bash -c, as is run_filling
# shellcheck disable=SC2317
run_on_each()
{
	local number
	for number in $(mmlab info --json | sed -n 's/.*"machine": \([1-9][0-9]*\),/\1/p'); do
		mmlab run --machine "$number" echo hello
	done
}
export -f run_on_each
is "a program on each of two" \
	"$(mkmachines reserve_mem:8M contig:8M -- bash -c run_on_each | grep -c '^hello$')" 2

#
# Sizes
#
is "64 frames" "$(mkmachines reserve_mem:256K | head -n 1)" \
	"reserve_mem:256K: from reserve_mem mm_lab, 64 frames, 64 free"
is "63 frames" "$(mkmachines reserve_mem:252K contig:252K)" "reserve_mem:252K: EINVAL
contig:252K: EINVAL"
is "no power of two" "$(mkmachines reserve_mem:12308K contig:12308K)" \
	"reserve_mem:12308K: from reserve_mem mm_lab, 3077 frames, 3077 free
contig:12308K: from contig contig, 3077 frames, 3077 free
3077 frames, 0 lost, 0 violations
3077 frames, 0 lost, 0 violations"
is "an unaligned end of a sparse one" "$(mkmachines sparse:12308K)" \
	"sparse:12308K: from sparse 4x4M, 3077 frames, 3077 free
3077 frames, 0 lost, 0 violations"
# shellcheck disable=SC2317
run_filling()
{
	mmlab run --machine "$(mmlab info --json | sed -n 's/.*"machine": \([1-9][0-9]*\),/\1/p')" \
		python3 -c 'b = bytearray(40 << 20); b[::4096] = bytes(range(256)) * 40; print(b[4096 * 300])'
}
export -f run_filling
is "a program fills a sparse machine" "$(mkmachines sparse:48M -- bash -c run_filling | grep -x 44)" 44

#
# Machines that come and go, of any size, leave it whole
#
specs=()
for i in {1..60}; do
	specs+=("reserve_mem:$((64 + i * 137 % 900))K")
done
lines=$(mkmachines "${specs[@]}")
is "60 machines at once" "$(grep -c ' from reserve_mem ' <<<"$lines")" "$(grep -c ' 0 lost, 0 violations$' <<<"$lines")"
unload_all
load_all memory=0
is "then it can be had as a whole" "$(mkmachines reserve_mem:64M | tail -n 1)" "16384 frames, 0 lost, 0 violations"
ok "all is well" mmlab validate
unload_all

done_testing
