#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The scripts in scripts/bpftrace, each over the same work: what they print is what the
# work really did, as the work itself, vmstat and each other know it.
#
# vm: --mem 2G
# timeout: 300

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
need_program touches
fault_around 0 1

work=$(mktemp)
out=$(mktemp)
trap 'rm -f "$work" "$work.fork" "$out"' EXIT

cat >"$work" <<'END'
mmlab alloc --order 3 --count 5
mmlab alloc --order 10 --count 20
out/tests/touches
mmlab run python3 -c 'print(len(bytearray(1 << 20)))'
END

# Of the 16 blocks of order 10, those that leave the zones their reserves
blocks=$(blocks_to_have 0 10)
cmp_ok "a machine of 64 MiB has 14 blocks of 4 MiB to give" "$blocks" -eq 14

# watch SCRIPT - over the work; in $alloc and $fault: the frames and faults that it took
watch()
{
	local alloc_before fault_before
	alloc_before=$(vm_event 0 pgalloc) fault_before=$(vm_event 0 pgfault)
	ok "$1 runs, and ends with the work" bpftrace -o "$out" "scripts/bpftrace/$1.bt" -c "/bin/sh $work"
	alloc=$(($(vm_event 0 pgalloc) - alloc_before))
	fault=$(($(vm_event 0 pgfault) - fault_before))
}

# value KEY - of what was printed, KEY with its @ and brackets
value()
{
	local line
	while IFS= read -r line; do
		[[ $line != "$1: "* ]] || printf '%s\n' "${line#"$1: "}"
	done <"$out"
}

# bucket KEY LOW - of the histogram KEY, the count of the bucket that begins with LOW
bucket() { sed -n "/^$1: *\$/,/^\$/p" "$out" | sed -n "s/^\\[$2, [^)]*) *\\([0-9]*\\) .*/\\1/p"; }

# in_all KEY - the sum of all buckets of a histogram
in_all()
{
	sed -n "/^$1: *\$/,/^\$/p" "$out" |
		awk '/^\[/ { for (i = 1; i <= NF; i++) if ($i ~ /^[0-9]+$/) { sum += $i; break } } END { print sum + 0 }'
}

# sum KEY - of all values of the map KEY
sum() { awk -v key="@$1[" 'index($0, key) == 1 { sum += $NF } END { print sum + 0 }' "$out"; }

watch pagealloc-sizes
is "five blocks of order 3" "$(bucket '@order\[mmlab\]' 3)" 5
is "14 of order 10" "$(bucket '@order\[mmlab\]' 10)" "$blocks"
is "and no others, of mmlab" "$(in_all '@order\[mmlab\]')" $((5 + blocks))
is "five of 32 KiB" "$(bucket '@bytes\[mmlab\]' 32K)" 5
is "14 of 4 MiB" "$(bucket '@bytes\[mmlab\]' 4M)" "$blocks"
is "frames of mmlab" "$(value '@frames[mmlab]')" $((5 * 8 + blocks * 1024))
is "one block was not there" "$(grep '^@failed' "$out")" "@failed[mmlab, 10]: 1"
is "frames of touches: 45 pages, 7 tables" "$(value '@frames[touches]')" 52
is "all of order 0" "$(bucket '@order\[touches\]' 0) $(in_all '@order\[touches\]')" "52 52"
is "frames of all: pgalloc's difference" "$(sum frames)" "$alloc"

watch fault-latency
is "faults that were answered: pgfault's difference" "$(value '@faults[0]')" "$fault"
cmp_ok "are more than those of touches" "$fault" -gt 70
is "each took its time" "$(in_all @done_ns)" "$fault"
is "one had no mapping" "$(value '@faults[2]') $(in_all @maperr_ns)" "1 1"
is "one had no right" "$(value '@faults[3]') $(in_all @accerr_ns)" "1 1"
is "none was without a frame, none came too late" "$(grep -c '^@faults\[[45]\]' "$out")" 0

watch fault-path
is "of touches and python, by path: all that were answered" \
	"$(($(in_all @zero_ns) + $(in_all @frame_ns) + $(in_all @spurious_ns) + $(in_all @reuse_ns)))" "$fault"
cmp_ok "the zero page: those of touches at least" "$(in_all @zero_ns)" -ge 25
cmp_ok "frames: the same" "$(in_all @frame_ns)" -ge 45
echo 'out/tests/touches fork' >"$work.fork"
ok "cow runs, and ends with the work" bpftrace -o "$out" scripts/bpftrace/cow.bt -c "/bin/sh $work.fork"
is "ten pages were copied" "$(sum copied) $(value @frames)" "10 10"
is "ten were nobody else's" "$(sum reused)" 10
is "by two processes" "$(grep -cE '^@(copied|reused)\[touches, [0-9]+\]' "$out")" 2
fault_around 0 16
ok "and with fault-around" bpftrace -o "$out" scripts/bpftrace/fault-path.bt -c "/bin/sh $work.fork"
is "one fault for ten pages" "$(in_all @around_ns) $(in_all @frame_ns)" "1 0"
fault_around 0 1

watch faults-by-vma
is "faults of touches, by mapping" \
	"$(sed -n 's/^@faults\[touches, [0-9]*, \(.*\)/\1/p' "$out" | sort)" \
"0x100004000000, 0x10000400a000, 3]: 10
0x100008000000, 0x100008014000, 1]: 20
0x10000c000000, 0x10000c01e000, 7]: 30
0x100010000000, 0x100010005000, 3]: 10"
is "two were refused: no mapping, no right" \
	"$(sed -n 's/^@refused\[touches, [0-9]*, \(.*\)/\1/p' "$out" | sort)" "2]: 1
3]: 1"
is "all of them: pgfault's difference" "$(sum faults)" "$fault"
cmp_ok "python3's are among them" "$(grep -c '^@faults\[python3, ' "$out")" -gt 0

ok "all is well" mmlab validate
done_testing
