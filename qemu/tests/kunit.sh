#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The KUnit suites as a module: loading it runs them, writing to a suite's "run" in
# debugfs runs it again. What they leave in "results" is judged by kunit.py. Which
# suites there must be is what the sources say. Then the modules go, with nothing left
# behind.
#
# kernels: lab
# timeout: 540

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
. scripts/lib.sh

kunit_debugfs=/sys/kernel/debug/kunit
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mapfile -t suites < <(sed -n '/^static struct kunit_suite /,/^}/s/.*\.name = "\(.*\)",/\1/p' kunit/*.c | sort)
((${#suites[@]})) || bail "kunit/*.c has no suite"
source=$(kernel_source) || bail "the guest does not see the kernel's source, which has kunit.py"

# one_stream - the results of all suites as one stream of KTAP. Each file is a stream of
# its own; of several, one after the other, kunit.py counts but the first.
one_stream()
{
	local suite n=0

	printf 'KTAP version 1\n1..%d\n' "${#suites[@]}"
	for suite in "${suites[@]}"; do
		n=$((n + 1))
		sed -e '/^KTAP version/d' -e '/^1\.\./d' -e "s/^\(ok\|not ok\) 1 /\1 $n /" "$kunit_debugfs/$suite/results"
	done
}

# parse - kunit.py's verdict of the stream on standard input, in $work/verdict
# shellcheck disable=SC2317 # called by ok and exits
parse() { "$source/tools/testing/kunit/kunit.py" parse >"$work/verdict" 2>&1; }

# count WORD - from "Testing complete. Ran 9 tests: passed: 7, failed: 2"
count()
{
	local summary
	summary=$(grep 'Testing complete\.' "$work/verdict")
	[[ $summary =~ $1:\ ([0-9]+) ]] && echo "${BASH_REMATCH[1]}" || echo 0
}

# judge HOW - a test for each suite, and for all of them together
judge()
{
	local suite cases

	one_stream >"$work/results"
	ok "$1: kunit.py finds no failure" parse <"$work/results"
	for suite in "${suites[@]}"; do
		# [12:34:56] ========= mml_vma (13 subtests) =========
		cases=$(sed -n "s/.*= $suite (\([0-9]*\) subtests\?) =.*/\1/p" "$work/verdict")
		if ((${cases:-0} > 0)) && grep -q "= \[PASSED\] $suite =" "$work/verdict"; then
			pass "$1: $suite, $cases cases"
		else
			fail "$1: $suite, ${cases:-no} cases"
			diag "$(cat "$kunit_debugfs/$suite/results" 2>&1)"
		fi
	done
	is "$1: none failed, crashed or was skipped" "$(count failed) $(count crashed) $(count errors) $(count skipped)" "0 0 0 0"
	cmp_ok "$1: more tests than suites" "$(count passed)" -gt "${#suites[@]}"
	diag "$1: $(sed -n 's/.*Testing complete\. //p' "$work/verdict")"
}

validate_before=$(mmlab validate 2>&1)

ok "mm_lab_kunit.ko is loaded" insmod kunit/mm_lab_kunit.ko
is "the suites are those that the sources have" "$(ls $kunit_debugfs)" "$(printf '%s\n' "${suites[@]}")"
like "it says its seed" "$(dmesg)" 'mm_lab_kunit: seed=[1-9]'
judge "at insmod"

# That a failure would be seen: of one test, or of a suite that is not there
sed '0,/^        ok /s//        not ok /' "$work/results" >"$work/failed"
exits "kunit.py sees a test that failed" 1 parse <"$work/failed"
is "and counts it" "$(count failed)" 1
sed "/Subtest: ${suites[0]}\$/,/^ok 1 /d" "$work/results" >"$work/missing"
exits "kunit.py sees a suite that is missing" 1 parse <"$work/missing"

# Once they have run, the kernel keeps slabs, page tables of vmalloc, stacks in its depot
free_before=$(free_kib)
for suite in "${suites[@]}"; do
	# Whatever is written; "results" is of the last run
	ok "$suite runs again" dd if=/dev/zero of="$kunit_debugfs/$suite/run" bs=1 count=1
done
judge "again"
# What a per-CPU list keeps, and 2 MiB for whatever else runs
cmp_ok "what the suites took the kernel has again" "$(free_kib)" -gt $((free_before - 4096))

ok "no suite holds the module" rmmod mm_lab_kunit
is "and its suites are gone" "$(ls $kunit_debugfs)" ""
is "the machines that there were are as they were" "$(mmlab validate 2>&1)" "$validate_before"
ok "the other modules go after it" unload_all
ok "and come again" load_all
done_testing
