#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The owner ledger, poisoning, and what they have to say of misuse: the file page_owner,
# read by a parser for the kernel's; planted misuse, and the kernel log.
#
# kernels: stock debug
# vm: --no-modules --reserve 64M
# timeout: 300

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"

need_program mkmachines
lab=$lab_debugfs/0

# records FILE - a line "PFN ORDER PID COMM GFP TYPE BLOCK BLOCKTYPE CALLS" for each record
# of a page_owner file. Fails, and says at which line, if that is not of the format that
# print_page_owner() in Linux 6.12 writes: two lines, calls, and what else is known of
# the page; an empty line.
records()
{
	gawk '
		function wrong(what) { printf "line %d, %s: %s\n", NR, what, $0; failed = 1; exit 1 }
		state == 0 {
			if (!match($0, /^Page allocated via order ([0-9]+), mask 0x[0-9a-f]+\(([A-Z_0-9|a-fx]+)\), pid ([0-9]+), tgid [0-9]+ \((.*)\), ts ([0-9]+) ns$/, f))
				wrong("not the first of a record")
			state = 1
			next
		}
		state == 1 {
			if (!match($0, /^PFN (0x[0-9a-f]+) type ([A-Za-z]+) Block ([0-9]+) type ([A-Za-z]+) Flags 0x[0-9a-f]+\(([^()]*)\)$/, g))
				wrong("not the second of a record")
			state = 2
			calls = 0
			next
		}
		/^$/ {
			if (!calls)
				wrong("no call")
			gsub(/ /, "_", f[4])
			print strtonum(g[1]), f[1], f[3], f[4], f[2], g[2], g[3], g[4], calls
			state = 0
			next
		}
		/^ [A-Za-z_][A-Za-z0-9_.]*\+0x[0-9a-f]+\/0x[0-9a-f]+( \[[a-z0-9_]+\])?$/ { calls++; next }
		/^(Page has been migrated|Charged |Slab cache page)/ { next }
		{ wrong("not a call") }
		END { if (!failed && state) { print "the file ends within a record"; exit 1 } }
	' "$1"
}

# what the parser takes and what not: a record as the kernel prints it, of Documentation/mm
kernels="Page allocated via order 0, mask 0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), pid 1, tgid 1 (systemd), ts 8034 ns
PFN 0x1a2b type Movable Block 13 type Movable Flags 0x17ffffc0020028(uptodate|lru|mappedtodisk|node=0|zone=2|lastcpupid=0x1fffff)
 post_alloc_hook+0x177/0x1a0
 xfs_file_read_iter+0x1f0/0x380 [xfs]
Charged to memcg init.scope
"
is "the parser reads a record of the kernel's" "$(records <(printf '%s\n' "$kernels"))" \
	"6699 0 1 systemd GFP_HIGHUSER_MOVABLE|__GFP_COMP Movable 13 Movable 2"
exits "and refuses one with an address in it" 1 records <(printf '%s\n' "$kernels" | sed 's/post_.*/0xffffffffc0401234/')
exits "and one that is cut off" 1 records <(printf '%s\n' "$kernels" | head -3)

#
# Off
#
load_all memory=16M
exits "without the ledger there is nothing to be read" 1 cat $lab/page_owner
log_mark
ok "a leak" sh -c "echo leak >$lab/plant_misuse"
exits "nor is anything written where nothing is poisoned" 1 sh -c "echo write_after_free >$lab/plant_misuse"
exits "other words are none" 1 sh -c "echo nonsense >$lab/plant_misuse"
unload_all
like "it is named when the page allocator goes" "$(log_since)" '^buddy_probe: machine 0: frame [0-9]+, order 0, kernel: nobody gave it back$'
like "and how to know more" "$(log_since)" 'machine 0 with page_owner=Y$'

#
# The ledger
#
load_all memory=16M page_owner=Y page_poison=Y watermarks=N
is "nobody has anything" "$(cat $lab/page_owner)" ''

held=/run/mm_lab/held
mmlab alloc --order 3 --count 40 --movable -- mmlab alloc --order 0 --count 300 -- \
	sh -c "cat $lab/page_owner >$held; dd if=$lab/page_owner of=$held.pieces bs=37 2>/dev/null; cat $lab/blocks >$held.blocks"
ok "every record is of the kernel's format" records $held
records $held >$held.records || true
is "there are as many as blocks are held" "$(awk '{ print $2, $4, $6 }' $held.records | sort | uniq -c | sed 's/^ *//')" \
	"300 0 mmlab Unmovable
40 3 mmlab Movable"
is "read in pieces it is the same" "$(md5sum <$held.pieces)" "$(md5sum <$held)"
is "they are those of the file blocks" "$(awk '{ print $1, $2, $6, $8 }' $held.records)" \
	"$(awk '$3 == "allocated" { print $1, $2, $5, $6 }' $held.blocks)"
is "two processes have them" "$(awk '{ print $3 }' $held.records | sort -u | wc -l)" 2
is "each in its pageblock" "$(awk '$7 != int($1 / 512)' $held.records)" ''
is "a gfp flag can be read" "$(awk '$2 == 3 { print $5 }' $held.records | sort -u)" 'GFP_KERNEL|__GFP_MOVABLE'
is "the first call is the allocator's" \
	"$(awk '/^PFN/ { getline; print $1 }' $held | sed 's/+.*//' | sort -u)" mml_alloc_pages_node
is "every stack has the ioctl, and the system call" \
	"$(grep -cE '^ mml_ioc_block_alloc\+.* \[buddy_probe\]$' $held) $(grep -cE '^ (__x64_sys_ioctl|__se_sys_ioctl)\+' $held)" "340 340"
is "and no address" "$(grep -cE 'ffff[0-9a-f]{8}' $held)" 0
is "given back, they are gone" "$(cat $lab/page_owner)" ''

#
# Frames of a program, and a machine that is busy all the while
#
if [ -x /usr/bin/python3 ]; then
	mmlab run python3 -c "
b = bytearray(1 << 20)
print(open('$lab/page_owner').read(), end='')" >$held
	ok "the frames of a program: the format" records $held
	like "page tables and memory, by what they are" \
		"$(sed -n 's/.*Flags 0x[0-9a-f]*(\(.*\))/\1/p' $held | sort | uniq -c | sort -n | awk '{ print $2 }' | tr '\n' ' ')" \
		'^page_table\|node=0\|zone=[0-9] anonymous\|node=0\|zone=[0-9] $'
	cmp_ok "as many as it touched" "$(grep -c 'anonymous|' $held)" -gt 256
fi
mmlab alloc --order 0 --count 2000 --hold 3 >/dev/null &
rounds=20
on_debug_kernel && rounds=4
for ((i = 0; i < rounds; i++)); do
	mmlab alloc --order $((i % 6)) --count 50 >/dev/null
	records $lab/page_owner >/dev/null || break
done
is "while others allocate and free it can be read, $rounds times" "$i" $rounds
wait

#
# Misuse
#
# said SED-COMMAND... - what the log has said since the mark, times and numbers made one
said() { log_since | sed -E 's/\bts [0-9]+/ts T/g; s/(frame|pid|tgid) [0-9]+/\1 N/g; s/\+0x[0-9a-f]+\/0x[0-9a-f]+//'; }

log_mark
ok "a double free" sh -c "echo double_free >$lab/plant_misuse"
is "it is reported, and whose block it was" "$(said | grep machine)" \
	"mm_lab: machine 0: bad free of frame N, order 0: it is free already
buddy_probe: machine 0: frame N was last allocated via order 0, mask 0xcc0(GFP_KERNEL), pid N, tgid N (sh), ts T ns
buddy_probe: machine 0: frame N was last freed by pid N, tgid N, ts T ns"
is "with the stacks of both" "$(said | grep -cE '^buddy_probe:  mml_plant_misuse_write ')" 2
is "it is counted" "$(machine_field 0 reports)" 1

log_mark
ok "a write after free" sh -c "echo write_after_free >$lab/plant_misuse"
is "it is not noticed at once" "$(said)" ''
ok "all is allocated" mmlab alloc --order 0 --count 4096
is "then it is, once, and who had the frame" "$(said | grep machine)" \
	"mm_lab: machine 0: frame N was written to while it was free: at offset 0x0 ab aa aa aa aa aa aa aa instead of aa, single bit error
buddy_probe: machine 0: frame N was last allocated via order 0, mask 0xcc0(GFP_KERNEL), pid N, tgid N (sh), ts T ns
buddy_probe: machine 0: frame N was last freed by pid N, tgid N, ts T ns"
is "it is counted" "$(machine_field 0 reports)" 2
ok "all is allocated again" mmlab alloc --order 0 --count 4096
is "and nothing new is found" "$(machine_field 0 reports)" 2
ok "all is well" mmlab validate

unload_all

#
# A machine of its own that goes without some frames
#
load_all memory=0
log_mark
# shellcheck disable=SC2016 # for that shell to expand
made=$(out/tests/mkmachines auto:1M:page_owner:page_poison -- bash -c '
	cd /sys/kernel/debug/mm_lab/[1-9]* && for i in {1..12}; do echo leak >plant_misuse; done; cat page_owner >/run/mm_lab/leaked')
like "twelve leaks on a machine" "$made" '^256 frames, 12 lost, 0 violations$'
is "they are in the file" "$(records /run/mm_lab/leaked | awk '{ print $2, $4 }' | uniq -c | sed 's/^ *//')" "12 0 bash"
is "ten of them are named" "$(said | grep -c 'order 0, kernel: nobody gave it back')" 10
is "with who allocated them" "$(said | grep -cE '^buddy_probe: machine [0-9]+: frame N is allocated via order 0, .* \(bash\), ts T ns$')" 10
is "and from where" "$(said | grep -cE '^buddy_probe:  mml_plant_misuse_write ')" 10
like "two are not" "$(said)" '^buddy_probe: machine [0-9]+: and 2 blocks more$'
like "and it is said how much it is" "$(said)" '^mm_lab: machine [0-9]+ goes without 12 of its 256 frames'
unload_all

#
# An engine that goes and comes back; stacks of what is gone
#
load_all memory=16M page_owner=Y init_on_free=Y watermarks=N
mmlab run sh -c : >/dev/null
rmmod vma_probe slub_probe
log_mark
mmlab alloc --order 0 --count 4096 >/dev/null
echo double_free >$lab/plant_misuse
is "no address is told of a module that is gone" "$(said | grep -cE 'ffff[0-9a-f]{8}')" 0
rmmod buddy_probe
load buddy_probe
is "the page allocator alone can go and come: the ledger is empty" "$(cat $lab/page_owner)" ''
ok "it is kept again" sh -c "mmlab alloc --count 3 -- cat $lab/page_owner | grep -q mmlab"
ok "all is well" mmlab validate
done_testing
