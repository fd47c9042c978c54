# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the test files share beyond tap.sh: to be sourced by bash, after it. Leaves
# the working directory at the top of the checkout.

cd "$(dirname "${BASH_SOURCE[0]}")/../../.." || exit 1

# The modules, from the bottom up
# shellcheck disable=SC2034 # used by those who source this
lab_modules=(mm_lab buddy_probe slub_probe vma_probe)

lab_debugfs=/sys/kernel/debug/mm_lab

# need_program NAME - end here if a test program is not built
need_program() { [[ -x out/tests/$1 ]] || bail "out/tests/$1 is not built: make -C qemu/tests"; }

# run_program NAME [ARGUMENT...] - a test program, which prints its own TAP, becomes
# this process
run_program()
{
	local name=$1
	shift
	need_program "$name"
	exec "out/tests/$name" "$@"
}

# on_debug_kernel - where counts must be small: it takes ten times as long and more
on_debug_kernel() { [[ $(uname -r) == *-labdbg-* ]]; }

# drained_buddyinfo MACHINE - its buddyinfo, a line for each zone, once no CPU keeps free
# blocks for itself
drained_buddyinfo()
{
	echo 1 >"$lab_debugfs/$1/drain_pages"
	cat "$lab_debugfs/$1/buddyinfo"
}

# zone_blocks - of a buddyinfo: a line for each zone, with its name and how many free
# blocks it has of order 0 to 10, but no padding
zone_blocks() { awk '{ $1 = $2 = $3 = ""; $0 = $0; $1 = $1; print }'; }

# free_blocks - of a buddyinfo: how many free blocks of order 0 to 10 all zones have
free_blocks()
{
	awk '{ for (i = 5; i <= NF; i++) sum[i - 4] += $i }
		END { for (i = 1; i <= 11; i++) printf "%d%s", sum[i], i < 11 ? " " : "\n" }'
}

# kept_frames MACHINE - how many frames CPUs keep for themselves
kept_frames() { awk '$1 == "count:" { sum += $2 } END { print sum }' "$lab_debugfs/$1/zoneinfo"; }

#
# Watermarks. An ordinary request, whose highest zone is Normal, leaves of each zone the
# min watermark and what that keeps of requests that could have had a higher one.
#

# reserved_frames MACHINE - how many frames that are
reserved_frames()
{
	awk '$1 == "min" { min = $2 }
		$1 == "managed" { managed = $2 }
		$1 == "protection:" {
			keep = min + $4
			sum += keep < managed ? keep : managed
		}
		END { print sum }' "$lab_debugfs/$1/zoneinfo"
}

# blocks_to_have MACHINE ORDER - how many blocks of ORDER can be had at most, if none is
# taken yet
blocks_to_have()
{
	awk -v size=$((1 << $2)) '$1 == "min" { min = $2 }
		$1 == "managed" { managed = $2 }
		$1 == "protection:" && managed > min + $4 {
			sum += int((managed - min - $4) / size)
		}
		END { print sum + 0 }' "$lab_debugfs/$1/zoneinfo"
}

# fault_around MACHINE PAGES - from now on a fault maps as many pages; 1: where each is counted
fault_around() { echo $((4096 * $2)) >"$lab_debugfs/$1/fault_around_bytes"; }

tunables=(min_free_kbytes lowmem_reserve_ratio)
declare -A tunables_before

# watermarks_off MACHINE - from now on, every frame of it can be had
watermarks_off()
{
	local file
	for file in "${tunables[@]}"; do
		tunables_before[$1/$file]=$(<"$lab_debugfs/$1/$file")
	done
	echo 0 >"$lab_debugfs/$1/min_free_kbytes"
	echo 0 0 0 0 >"$lab_debugfs/$1/lowmem_reserve_ratio"
}

# watermarks_back MACHINE - as it was before watermarks_off
watermarks_back()
{
	local file
	for file in "${tunables[@]}"; do
		echo "${tunables_before[$1/$file]}" >"$lab_debugfs/$1/$file"
	done
}

#
# Modules
#

# load MODULE [PARAMETER...]
load()
{
	local module=$1
	shift
	insmod "$module/$module.ko" "$@"
}

# load_all [PARAMETER...] - all of them, with parameters for mm_lab.ko
load_all() { load mm_lab "$@" && load buddy_probe && load slub_probe && load vma_probe; }

unload_all() { rmmod vma_probe slub_probe buddy_probe mm_lab; }

# loaded - the modules that are, in one line, from the bottom up
loaded()
{
	local module list=()
	for module in "${lab_modules[@]}"; do
		[[ ! -d /sys/module/$module ]] || list+=("$module")
	done
	echo "${list[*]}"
}

#
# The kernel log
#

log_marks=0

# log_mark - log_since is about what comes from here on
log_mark()
{
	log_marks=$((log_marks + 1))
	echo "mm_lab test: mark $$.$log_marks" >/dev/kmsg
}

# log_since - what the kernel has said since the mark, without times
log_since() { dmesg | sed -e "1,/mm_lab test: mark $$\\.$log_marks\$/d" -e 's/^\[[^]]*\] //'; }

#
# Looking at the lab
#

# free_kib - what the kernel has free when it keeps nothing for later; pages on its
# per-CPU lists, tens of MiB when many were just freed, are not in MemFree
free_kib()
{
	sync
	echo 3 >/proc/sys/vm/drop_caches
	awk '$1 == "nr_free_pages" || $1 == "count:" { pages += $2 }
		END { print pages * 4 }' /proc/zoneinfo
}

# json_field TEXT FIELD - the value of the first "FIELD": in it
json_field()
{
	local value=${1#*\""$2"\": }
	[[ $value != "$1" ]] || return
	value=${value%%[,$'\n']*}
	value=${value#\"}
	printf '%s\n' "${value%\"}"
}

# machine_field NUMBER FIELD - of mmlab info --json
machine_field()
{
	local all
	all=$(mmlab info --json)
	[[ $all == *'"machine": '$1,* ]] || return
	json_field "${all#*\"machine\": "$1",}" "$2"
}

# make_machine NAME [OPTION...] - one that stays, of these options of mmlab machine create;
# prints its number
make_machine()
{
	local name=$1
	shift
	json_field "$(mmlab machine create --json "$@" "$name")" machine
}

# machine_named NAME - the number of the machine that was made with that name
machine_named()
{
	mmlab info --json | awk -v name="\"$1\"," '$1 == "\"machine\":" { number = $2 + 0 }
		$1 == "\"name\":" && $2 == name { print number }'
}

# report_field FILE FIELD - of mmlab run --report
report_field() { json_field "$(<"$1")" "$2"; }

# vm_event NUMBER NAME - of a machine's vmstat
vm_event()
{
	local name value
	while read -r name value; do
		[[ $name != "$2" ]] || printf '%s\n' "$value"
	done <"$lab_debugfs/$1/vmstat"
}

# wait_until SECONDS COMMAND... - until it succeeds
wait_until()
{
	local limit=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < limit)) || return
		sleep 0.1
	done
}
