#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mmlab trace: the story has every fault that the job counted, of the program and its descendants
# and of nobody else, in order; the program's output, input and exit status are its own; nothing
# is left of the trace.
#
# kernels: stock lab
# vm: --mem 2G
# timeout: 300

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"

story=$(mktemp) report=$(mktemp) out=$(mktemp)
trap 'rm -f "$story" "$report" "$out"' EXIT

# told FIELD [EVENT] - the distinct values of a field of JSON lines, or those of one event
told()
{
	python3 -c 'import json, sys
lines = map(json.loads, open(sys.argv[1]))
print(*sorted({l[sys.argv[2]] for l in lines if sys.argv[3] in ("", l["event"]) and sys.argv[2] in l}))' \
		"$story" "$1" "${2-}"
}

# answered - faults in the summary that were answered, and were no second try
answered()
{
	python3 -c 'import json, sys
paths = json.loads(open(sys.argv[1]).readlines()[-1])["paths"]
print(sum(p["count"] for name, p in paths.items() if name != "retry"))' "$story"
}

# shellcheck disable=SC2317 # called by ok
# consistent - does the last line count the others, and is time in order?
consistent()
{
	python3 -c 'import collections, json, sys
*lines, end = map(json.loads, open(sys.argv[1]))
count = collections.Counter(l["event"] for l in lines)
times = [l["seconds"] for l in lines]
ns = sum(l["ns"] for l in lines if l["event"] == "fault")
sys.exit(not (lines and end["event"] == "end" and end["lost"] == 0 and times == sorted(times) and
              all(end[event] == n for event, n in count.items()) and
              ns == sum(p["ns"] for p in end["paths"].values())))' "$story"
}

#
# For programs. Somebody else is on the same machine meanwhile.
#
family='import os, subprocess
b = bytearray(2 << 20)
pid = os.fork()
if not pid:
    b[:] = b"c" * len(b)
    os._exit(0)
os.waitpid(pid, 0)
subprocess.run(["sh", "-c", ":"], check=True)
print("output")'
mmlab run python3 -c 'while True: bytearray(1 << 20)' &
other=$!
# shellcheck disable=SC2317 # called by wait_until
in_use() { (($(machine_field 0 free_frames) < $(machine_field 0 frames))); }
wait_until 20 in_use || bail "the other program does not get ready"
mmlab trace --json -o "$story" --report "$report" python3 -c "$family" >"$out" 2>&1
is "a program runs" "$?" 0
kill $other
wait $other 2>/dev/null
is "what it prints is its own" "$(<"$out")" output
ok "the story is counted, complete and in order" consistent
is "its faults are those of the job" "$(answered)" "$(report_field "$report" faults)"
cmp_ok "which are some" "$(answered)" -gt 100
first=$(told pid exec | awk '{ print $1 }')
is "there is nobody in it but the first, and whom it forked" \
	"$(told pid | tr ' ' '\n' | grep -vxF "$(told child fork | tr ' ' '\n'; echo "$first")")" ''
is "another program is told of" "$(told file exec | tr ' ' '\n' | grep -c '/sh$')" 1
like "by its name" "$(told name)" '\bsh\b'
copies=$(grep -c '"event": "copy"' "$story")
cmp_ok "the child's writes were copies" "$copies" -ge 512
is "each copy is a fault that was answered by one" "$copies" "$(grep -c '"path": "copy"' "$story")"

#
# For people
#
echo input | mmlab trace cat >"$out" 2>"$story"
is "input and output are the program's" "$(<"$out")" input
like "the story is on standard error" "$(<"$story")" '^  0\.000000 s  cat:[0-9]+ +exec +/usr/bin/cat$'
like "a call" "$(<"$story")" ' s  cat:[0-9]+ +mmap +[0-9.]+ [KM]iB at 0x1[0-9a-f]{11}, rw-$'
like "a fault" "$(<"$story")" ' s  cat:[0-9]+ +fault +write at 0x1[0-9a-f]{11}: a zeroed frame.*, [0-9.]+ [num]?s$'
like "the end" "$(<"$story")" '^exit status 0 after [0-9.]+ s$'
like "a sum" "$(<"$story")" '^  (around|frame) +[0-9]+   a zeroed frame.*: [0-9.]+ [num]?s, [0-9.]+ [num]?s each, [0-9.]+ [num]?s at most$'
is "nobody and nothing without a name" "$(grep -c '?' "$story")" 0

exits "the exit status is the program's" 3 mmlab trace -o "$story" sh -c 'exit 3'
# shellcheck disable=SC2016 # the program's own
exits "or 128 + a signal" 137 mmlab trace -o "$story" sh -c 'kill -9 $$'
like "which is told" "$(<"$story")" '^killed by signal 9 '
mmlab trace --memory 16M -o "$story" python3 -c 'bytearray(64 << 20)' 2>/dev/null
is "too little memory: status 1" $? 1
like "a call that failed, and why" "$(<"$story")" 'mmap +64[0-9.]* MiB at 0x[0-9a-f]+, rw-: ENOMEM$'
mmlab trace -o "$story" python3 -c 'import ctypes; ctypes.string_at(0x108000000000)'
is "an access to nothing: 128 + 11" $? 139
like "is told" "$(<"$story")" 'fault +read at 0x108000000000: nothing is mapped there: SIGSEGV, '

#
# What cannot be
#
exits "no program" 2 mmlab trace
exits "one that is not there" 127 mmlab trace -o "$story" /no/such/program
exits "a file that cannot be written" 125 mmlab trace -o /no/such/story true
exits "a machine that is not there" 125 mmlab trace --machine 4000000 true
cp -r tools /tmp/open
chmod 666 /dev/mm_lab
setpriv --reuid nobody --clear-groups /tmp/open/mmlab trace true 2>"$out"
is "one who may not trace" $? 125
like "of which he is told" "$(<"$out")" 'cannot trace: '
chmod 600 /dev/mm_lab
rm -r /tmp/open

is "no trace is left" "$(ls /sys/kernel/tracing/instances)" ''
ok "all is well" mmlab validate

done_testing
