#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every allocation of the lab fails once: those of loading mm_lab.ko here, all others in
# the program fail-nth, which ends with the list of the places that allocate and of what
# failed there.
#
# vm: --no-modules --mem 2G
# timeout: 300

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
need_program fail-nth

# load_nth N [PARAMETER...] - mm_lab.ko, its N-th allocation failing; it is gone again
# afterwards. Sets $status to insmod's, and $log to what the kernel said.
load_nth()
{
	local nth=$1 output
	shift
	status=0
	log_mark
	output=$(load mm_lab "fail_nth=$nth" "$@" 2>&1) || status=$?
	[[ $status != 0 ]] || unload=$(rmmod mm_lab 2>&1) || status="rmmod: $unload"
	log=$(log_since)
	[[ $status == 0 || $output == *'Cannot allocate memory'* ]] || status="$status: $output"
}

# The sites that failed, by number: these of mm_lab.ko are the same each time
failed=()

# loading PARAMETER... - one test: with these, each allocation of loading fails once. It
# then does not load for want of memory, or does without.
loading()
{
	local nth refused=0 good=yes
	for ((nth = 1; nth < 50; nth++)); do
		load_nth "$nth" "$@"
		[[ $log =~ that\ of\ site\ ([0-9]+)\ failed ]] || break
		failed+=("${BASH_REMATCH[1]}")
		[[ $status == [01] && ! $(loaded) && ! -e /dev/mm_lab && ! -e $lab_debugfs ]] || {
			good=no
			diag "allocation $nth: status $status, loaded: $(loaded)" "$log"
		}
		((refused += status))
	done
	[[ $status == 0 && $log == *'none failed'* && $refused -ge 3 ]] || {
		good=no
		diag "at last: status $status, $refused refused" "$log"
	}
	is "loading mm_lab ${*:-without parameters}: each of $((nth - 1)) allocations fails once" "$good" yes
}

loading
loading memory=16M backend=reserve_mem
loading memory=16M backend=contig
loading memory=16M backend=sparse

free_before=$(free_kib)
load mm_lab
made=0 planned=
# The program's tests become ours
while IFS= read -r line; do
	case $line in
	'ok '*) made=$((made + 1)); pass "${line#*- }" ;;
	'not ok '*) made=$((made + 1)); fail "${line#*- }" ;;
	'1..'*) planned=${line#1..} ;;
	*) printf '%s\n' "$line" ;;
	esac
done < <(exec out/tests/fail-nth "${failed[@]}")
wait $!
is "the program that did all this ended well, having made the tests it planned" "status $?, ${planned:-none}" "status 0, $made"
ok "all modules go" unload_all
free_after=$(free_kib)
cmp_ok "the kernel has its memory back, but for 8 MiB at most" $((free_before - free_after)) -lt 8192
done_testing
