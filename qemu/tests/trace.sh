#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The tracepoints tell what the counters count: the sum of 1 << order over
# mm_page_alloc and mm_page_free, made by bpftrace, is vmstat's pgalloc and pgfree,
# and mml_handle_mm_fault tells every fault and how it was answered. The page events
# have the kernel's fields, and no text of an event carries a kernel address.
#
# kernels: stock lab
# vm: --mem 2G
# timeout: 300

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"

events=/sys/kernel/tracing/events
report=$(mktemp)
out=$(mktemp)
trap 'rm -f "$report" "$out"' EXIT

#
# Fields
#
for event in mm_page_alloc mm_page_free; do
	kernel=$(sed -n 's/^\tfield:\([^;]*\);.*/\1/p' "$events/kmem/$event/format" | grep -v common_)
	lab=$(sed -n 's/^\tfield:\([^;]*\);.*/\1/p' "$events/mm_lab/$event/format" | grep -v common_)
	is "$event has the kernel's fields, and machine" "$lab" "$kernel
u32 machine"
done

#
# Sums. Clauses are attached one after the other: those at both ends say that they are.
#
program='
interval:ms:100 { printf("first\n"); }
tracepoint:mm_lab:mm_page_alloc / args->machine == 0 /
{
	if (args->pfn != 0xffffffffffffffff) { @alloc = sum(1 << args->order); } else { @failed = count(); }
}
tracepoint:mm_lab:mm_page_free / args->machine == 0 / { @free = sum(1 << args->order); }
tracepoint:mm_lab:mml_handle_mm_fault / args->machine == 0 / { @fault[args->result] = count(); }
interval:ms:100 { printf("last\n"); }'

# total MAP - of what bpftrace printed
total() { sed -n "s/^@$1: //p" "$out"; }

# shellcheck disable=SC2317 # called by wait_until
all_attached() { grep -q '^first$' "$out" && grep -q '^last$' "$out"; }

bpftrace -e "$program" >"$out" 2>&1 &
tracer=$!
wait_until 60 all_attached || bail "bpftrace does not get ready: $(<"$out")"

alloc_before=$(vm_event 0 pgalloc) free_before=$(vm_event 0 pgfree) fault_before=$(vm_event 0 pgfault)
mmlab run --report "$report" python3 -c 'import subprocess
b = bytearray(4 << 20)
subprocess.run(["sh", "-c", "echo hello | sort"], check=True)' >/dev/null
mmlab alloc --order 5 --count 20 >/dev/null
mmlab alloc --order 10 --count 20 >/dev/null 2>&1
mmlab run python3 -c 'import ctypes; ctypes.string_at(0x108000000000)'
# Another machine's are not counted
mmlab run --memory 16M true
alloc=$(($(vm_event 0 pgalloc) - alloc_before))
free=$(($(vm_event 0 pgfree) - free_before))
fault=$(($(vm_event 0 pgfault) - fault_before))

kill -INT $tracer
wait $tracer
is "bpftrace ends well" $? 0
cmp_ok "something was allocated" "$alloc" -gt 17000
is "1 << order over mm_page_alloc is pgalloc's difference" "$(total alloc)" "$alloc"
is "1 << order over mm_page_free is pgfree's" "$(total free)" "$free"
is "what was allocated was freed" "$free" "$alloc"
is "the block that was not there is an event without a frame" "$(total failed)" 1
is "faults that were answered are pgfault's difference" "$(total 'fault\[0\]')" "$fault"
cmp_ok "the job's faults are among them" "$(report_field "$report" faults)" -le "$fault"
cmp_ok "and are most of them" "$(report_field "$report" faults)" -gt $((fault / 3))
is "the one that was none is MAPERR" "$(total 'fault\[2\]')" 1
is "nothing else was asked" "$(grep -c '^@fault\[[13456]\]' "$out")" "$(grep -c '^@fault\[1\]' "$out")"

#
# As text
#
echo 1 >"$events/mm_lab/enable"
mmlab run ls / >/dev/null
mmlab alloc --order 4 --count 3 >/dev/null
out/tests/touches fork
echo 0 >"$events/mm_lab/enable"
cp /sys/kernel/tracing/trace "$out"
like "mm_page_alloc as text" "$(<"$out")" \
	'mm_page_alloc: pfn=0x[0-9a-f]+ order=4 migratetype=0 gfp_flags=GFP_[A-Z_|]+ machine=0$'
like "mm_page_free as text" "$(<"$out")" 'mm_page_free: pfn=0x[0-9a-f]+ order=4 machine=0$'
like "mml_handle_mm_fault as text" "$(<"$out")" \
	'mml_handle_mm_fault: address=0x1[0-9a-f]{11} flags=[a-z_|]+ result=done machine=0 session=[0-9]+ path=[a-z]+ ns=[1-9][0-9]*$'
is "each fault has its beginning" "$(grep -c ' mml_handle_mm_fault_enter: ' "$out")" "$(grep -c ' mml_handle_mm_fault: ' "$out")"
like "mml_mmap as text" "$(<"$out")" \
	'mml_mmap: address=0x1[0-9a-f]{11} length=[0-9]+ prot=3 flags=0x[0-9a-f]*2 ret=0 machine=0 session=[0-9]+$'
like "mml_munmap as text" "$(<"$out")" \
	'mml_munmap: address=0x1[0-9a-f]{11} length=[0-9]+ prot=0 flags=0x0 ret=0 machine=0 session=[0-9]+$'
like "mml_tlb_flush as text" "$(<"$out")" \
	'mml_tlb_flush: start=0x1[0-9a-f]{11} end=0x1[0-9a-f]{11} machine=0 session=[0-9]+$'
like "mml_cow as text" "$(<"$out")" \
	'mml_cow: address=0x100004000000 old_pfn=0x[0-9a-f]+ new_pfn=0x[0-9a-f]+ machine=0$'
is "no address of the kernel's" "$(grep -cE '0xf{4,}[0-9a-f]{4,}' "$out")" 0
ok "all is well" mmlab validate

done_testing
