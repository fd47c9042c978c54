#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mmlab walk, and the file behind it: an address of a running program through its page tables, for
# pages of each kind; what is asked wrongly. And pmap reads smaps of a session as it reads /proc.
#
# vm: --mem 2G
# timeout: 120

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"

work=$(mktemp -d)
# Whatever the tests before this one have left
before=$(<"$lab_debugfs/0/fault_around_bytes")
trap 'rm -rf "$work"; echo "$before" >"$lab_debugfs/0/fault_around_bytes"' EXIT
fault_around 0 16

# Some pages, each in a block of its own, behind one that nobody touches; and a child that has one of
# them, too
cat >"$work/pages.py" <<'EOT'
import ctypes, mmap, os, sys
m = mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
start = ctypes.addressof(ctypes.c_char.from_buffer(m))
base = (-start & 0xffff) + 0x10000
m[base + 0x40000] = 1
child = os.fork()
if not child:
    sys.stdin.readline()
    m[base]
    os._exit(0)
m[base] = 1
m[base + 0x20000]
m[base + 0x60000] = 1
m.madvise(mmap.MADV_FREE, base + 0x60000, 4096)
print(f"{start + base:x} {os.getpid()}", flush=True)
sys.stdin.readline()
EOT
coproc mmlab run python3 "$work/pages.py" 2>&1
read -r base pid <&"${COPROC[0]}" || bail "the program does not begin"

# address OFFSET - of the program's page there
address() { printf '%x' $((0x$base + $1)); }

# walk OFFSET - of that page, as JSON
walk() { mmlab walk --json "$pid" "$(address "$1")"; }

wait_until 10 mmlab maps "$pid"
session=$(json_field "$(walk 0)" session)

like "a page that was written" "$(walk 0)" '"state": "used"'
like "is mapped once" "$(walk 0)" '"mapcount": 1,'
like "one that came along" "$(walk 0x1000)" '"state": "around"'
like "one that was only read" "$(walk 0x20000)" '"page": "zero"'
like "one that was never touched" "$(walk 0x30000)" '"page": "none"'
like "one that the child has, too" "$(walk 0x40000)" '"mapcount": 2,'
is "with both sessions" "$(walk 0x40000 | grep -c '{ "session": [0-9]*, "address": '$((0x$base + 0x40000)))" 2
like "one that was given up" "$(walk 0x60000)" '"state": "lazyfree"'
like "an address of nobody" "$(mmlab walk --json "$session" 108000000000)" '"vma": "none"'

# Does each entry lead to the next table, the last one to the frame, and each by its bits?
cat >"$work/check.py" <<'EOT'
import json, sys
walk = json.load(sys.stdin)
levels, frames = walk["levels"], []
assert [l["name"] for l in levels] == ["pgd", "pud", "pmd", "pte"]
for i, level in enumerate(levels):
    assert level["index"] == walk["address"] >> 39 - 9 * i & 511, level
    entry = int(level["entry"], 16)
    assert {"present", "rw", "user"} <= set(level["bits"])
    for bit, name in (0, "present"), (1, "rw"), (2, "user"), (5, "accessed"), (6, "dirty"), (63, "nx"):
        assert (entry >> bit & 1) == (name in level["bits"]), name
    frames.append(entry >> 12 & (1 << 40) - 1)
assert frames == [l["table"] for l in levels[1:]] + [walk["frame"]]
EOT
ok "entries lead to tables, and to the frame" python3 "$work/check.py" < <(walk 0)
mmlab walk "$session" "0x$(address 0x40123)" >"$work/text"
like "as text: the indices" "$(<"$work/text")" "^value +[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+ +0x123\$"
is "four levels" "$(grep -c '^p[gumt][de], in frame [0-9,]*: entry [0-9]* is 0x[0-9a-f]*$' "$work/text")" 4
like "what may be done" "$(<"$work/text")" 'present, may not be written, for user space, accessed, dirty, may not be executed$'
like "the frame" "$(<"$work/text")" '^The page is frame [0-9,]+, anonymous\.$'
like "who maps it" "$(<"$work/text")" "^    session $session at 0x$(address 0x40000), this one\$"
like "nothing there: the walk ends" "$(mmlab walk "$pid" "$(address 0x30000)")" 'not present: the walk ends here'
like "it is in the help" "$(mmlab help)" '^  walk +an address '

exits "no such session" 1 mmlab walk 4000000 1000
exits "no such machine" 1 mmlab walk --machine 4000000 "$session" 1000
exits "no address" 2 mmlab walk "$session"
for wrong in '' x 0x -1 1000000000000 10000000000000000 '1 2'; do
	exits "'$wrong' is no address" 2 mmlab walk "$session" "$wrong"
done

#
# The file
#
file=$lab_debugfs/0/mm/$session/walk

is "only root may" "$(stat -c %a "$file")" 600
is "nothing asked: of address 0" "$(<"$file")" "$(printf 'address: 0\nvma: none\npgd: table %s index 0 entry %016d\npage: none' \
	"$(walk 0 | sed -n 's/.*"pgd", "table": \([0-9]*\),.*/\1/p')" 0)"
exec 3<>"$file"
for offset in 0x20000 0x40000; do
	address $offset >&3
	is "asked, and read, again in one open: $offset" "$(head -n 1 <&3)" "address: $(address $offset)"
done
for wrong in x -1 1000000000000 '' "$(printf '%032d' 1)"; do
	# shellcheck disable=SC2016 # the inner shell's own
	exits "'$wrong' is refused" 1 sh -c 'printf "%s\n" "$1" >&3' sh "$wrong"
done
exec 3>&-

#
# Programs that read /proc: the session's files in the place of those there
#
smaps=$lab_debugfs/0/mm/$session

# instead FILE COMMAND... - run it while /proc/PID/FILE is the session's
instead()
{
	local name=$1
	shift
	# shellcheck disable=SC2016 # the inner shell's own
	unshare --mount sh -c 'mount --bind "$1" "$2" && shift 2 && "$@"' sh "$smaps/$name" "/proc/$pid/$name" "$@"
}

rss=$(awk '$1 == "Rss:" { print $2 }' "$smaps/smaps_rollup")
instead smaps pmap -x "$pid" >"$work/pmap"
is "pmap -x has each mapping" "$(grep -c 'anon' "$work/pmap")" "$(grep -c . "$smaps/maps")"
is "and the sums" "$(tail -n 1 "$work/pmap" | awk '{ print $3, $4 }')" \
	"$(awk '/^VmSize/ { print $2 }' "$smaps/status") $rss"
# columns - what pmap -X has, of this shell's own mappings or of the program's
columns() { sed -n 2p | xargs -n 1 | grep -v ProtectionKey; }
is "pmap -X has the columns that it has of the kernel's" "$(instead smaps pmap -X "$pid" | columns)" \
	"$(pmap -X $$ | columns)"
is "and the sum of Rss" "$(instead smaps pmap -X "$pid" | awk '
	NR == 2 { for (i = 1; i <= NF; i++) if ($i == "Rss") at = i; next }
	/-p / { sum += $at } END { print sum }')" "$rss"
is "pmap reads maps" "$(instead maps pmap "$pid" | grep -c anon)" "$(grep -c . "$smaps/maps")"

# The program and its child read to the end of this
input=${COPROC[1]} program=$COPROC_PID
exec {input}>&-
wait "$program"
ok "all is well" mmlab validate
done_testing
