#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mmlab explain: the sentences for what failed, with its numbers, as JSON and in debugfs.
# (The numbers themselves are the business of explain.sh.)
#
# vm: --mem 2G
# timeout: 180

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
need_program touches
need_program small-pieces
need_program mkmachines

# explain - what it says, as one line
explain() { mmlab explain | tr -s '\n ' ' '; }

untouched=$(drained_buddyinfo 0)

#
# Nothing, and no machine
#
# shellcheck disable=SC2016 # the inner shell's own
is "a new machine: nothing has failed" \
	"$(out/tests/mkmachines auto:16M -- sh -c 'mmlab explain --machine "$(mmlab info --json |
		sed -n "s/.*\"machine\": \([1-9][0-9]*\),.*/\1/p")"' | grep -c '^Nothing has failed yet')" 2
exits "a machine that is not there" 1 mmlab explain --machine 4000000
exits "called wrongly" 2 mmlab explain now
exits "called wrongly again" 2 mmlab explain --machine none
like "it is in the help" "$(mmlab help)" '^  explain +why '

#
# Allocations
#
# Of 64 MiB, zone DMA32 keeps 192 frames, and zone DMA 64, and 48 for who can have no other
mmlab alloc --order 10 --count 17 >/dev/null 2>&1
text=$(explain)
like "in reserve" "$text" 'It failed because what is free is kept in reserve: 2,048 frames \(8 MiB\) were free, and 1,024 wanted,'
like "zone by zone" "$text" 'in the order in which they were tried\..* in reserve [^:]*DMA32 1,024 1,216 192 [^:]*DMA 1,024 1,136 112 '
like "and what to do then" "$text" 'What can be done: free some .* or have it keep less:'

trap 'watermarks_back 0' EXIT
watermarks_off 0
mmlab alloc --order 10 --count 17 >/dev/null 2>&1
text=$(explain)
like "who" "$text" 'mmlab \(process [0-9]+, session [0-9]+\) asked for a block of order 10, which is 1,024 frames \(4 MiB\), with GFP_KERNEL\.'
like "when" "$text" 'The last allocation of machine 0 that failed, [0-9.]+ seconds ago \([0-9,]+ failed so far\):'
like "nothing free" "$text" 'It failed because no frame of the machine was free\. Searched: the list of free blocks of order 10\. It had none\. What can be done: free some'

hold() { mmlab alloc --order 9 --count "$1" -- "${@:2}"; }
hold 31 mmlab alloc --order 10 >/dev/null 2>&1
like "too few free" "$(explain)" 'It failed because only 512 frames \(2 MiB\) were free in all\..*Free, but too small: 1 block of order 9 512 frames \(2 MiB\)'

# All frames one by one; then every second one goes back
scatter='import fcntl, os, struct, subprocess, sys
def ioc(write, nr, size): return (3 if write == 2 else write) << 30 | size << 16 | 0xb7 << 8 | nr
control = os.open("/dev/mm_lab", os.O_RDWR)
def call(fd, nr, fmt, *args, way=2):
    arg = bytearray(struct.pack(fmt, *args))
    fcntl.ioctl(fd, ioc(way, nr, len(arg)), arg)
    return struct.unpack(fmt, arg)
fd, number = call(control, 0x07, "=IIQiI", 0, 0, 0, 0, 0)[3:5]
blocks = [call(fd, 0x20, "=IIIIQ", 0, 0, 0, 0, 0) for i in range(16384)]
for block in blocks:
    if block[4] % 2: call(fd, 0x21, "=II", block[2], 0, way=1)
try:
    call(fd, 0x20, "=IIIIQ", 1, 0, 0, 0, 0)
except OSError as e:
    print(e.errno)'
is "every second frame is free, two in a row are not" "$(python3 -c "$scatter")" 12
text=$(explain)
like "fragmented" "$text" 'It failed because the memory is fragmented: 8,192 frames \(32 MiB\) were free, which would be enough, but no 2 of them in a row, beginning at a multiple of that\.'
like "what was searched" "$text" 'Searched, one after the other: the lists of free blocks of order 1 to 10, .* They had none\.'
like "what was too small" "$text" 'Free, but too small: 8,192 blocks of order 0 8,192 frames \(32 MiB\)'
like "what to do" "$text" 'What can be done: ask for order 0 or less;'

#
# Faults
#
out/tests/touches
text=$(explain)
like "no right" "$text" 'touches \(process [0-9]+, session [0-9]+\) wrote to the page at 0x100008000000\. It failed because the mapping there, 0x100008000000-0x100008014000, allows r-- and the access needs -w-; the process got SIGSEGV \(SEGV_ACCERR\)'
mmlab run python3 -c 'import ctypes; ctypes.string_at(0x108000000000)'
text=$(explain)
like "no mapping" "$text" 'python3 \(process [0-9]+, session [0-9]+\) read from the page at 0x108000000000\. It failed because no mapping contains that page'
like "the nearest below is the heap" "$text" "The nearest mapping below is 0x100000000000-0x100000[0-9a-f]+ rw-,"
like "and the nearest above" "$text" "The nearest mapping above is 0x10[0-9a-f]+-0x110000000000 rw-,"

# On machine 0, for a machine of mmlab run goes with it
mmlab run out/tests/small-pieces 80
text=$(explain)
like "no frame, none at all" "$text" 'It failed because a frame was wanted and could not be had; the process was killed \(SIGKILL\)\.'
like "why not" "$text" 'That allocation, of order 0 with GFP_HIGHUSER_MOVABLE\|__GFP_NOWARN\|__GFP_ZERO: It failed because no frame of the machine was free\.'
watermarks_back 0
trap - EXIT
mmlab run out/tests/small-pieces 80
text=$(explain)
like "no frame" "$text" 'small-pieces \(process [0-9]+, session [0-9]+\) wrote to the page at 0x10[0-9a-f]+\. It failed because a frame was wanted and could not be had; the process was killed \(SIGKILL\)\.'
like "what for" "$text" 'All four levels of page tables were there for that address|one of level [0-3] was missing for that address'
like "why not: one frame more, and both zones' reserves are touched" "$text" 'That allocation, of order 0 with GFP_HIGHUSER_MOVABLE\|__GFP_NOWARN\|__GFP_ZERO: It failed because what is free is kept in reserve: 304 frames \(1\.2 MiB\) were free, and 1 wanted,.* DMA32 192 193 192 .* DMA 112 113 112 '

#
# Other ways to read it
#
json=$(mmlab explain --json)
is "the JSON is such" "$(python3 -c 'import json, sys
e = json.load(sys.stdin)
f = e["fault"]
print(e["machine"], e["broken"], f["why"], f["cause"], f["comm"], f["access"], f["steps"][-1]["what"], e["alloc"]["why"])' <<<"$json")" \
	"0 False no_frame watermark small-pieces -w- free_frames watermark"
like "debugfs has the same" "$(<$lab_debugfs/0/explain)" '^  cause watermark$'
is "with each step" "$(grep -c '^  step ' $lab_debugfs/0/explain)" \
	"$(grep -c '"what"' <<<"$json")"
is "and no address of the kernel's" "$(grep -cE '0xf{4,}[0-9a-f]{4,}' $lab_debugfs/0/explain)" 0

is "all blocks are as they were" "$(drained_buddyinfo 0)" "$untouched"
ok "all is well" mmlab validate
done_testing
