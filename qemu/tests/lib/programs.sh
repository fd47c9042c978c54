# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Real programs, off the lab and on it: to be sourced by bash, after guest.sh. Makes the
# directory $work, which goes with the test.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
report=$work/report

# of_report FIELD... - of the last run's report, in one line
of_report()
{
	local field values=()
	for field in "$@"; do values+=("$(report_field "$report" "$field")"); done
	echo "${values[*]}"
}

# same NAME MINIMUM COMMAND... - on the lab as off it; at least MINIMUM frames at once
same()
{
	local name=$1 minimum=$2 off on status_off=0 status_on=0
	shift 2
	off=$("$@" 2>&1) || status_off=$?
	on=$(mmlab run --memory 128M --report "$report" "$@" 2>&1) || status_on=$?
	is "$name: status 0, off the lab and on it" "$status_off $status_on" "0 0"
	is "$name: the same output" "${on:-none}" "${off:-none, off the lab}"
	cmp_ok "$name: $minimum frames at once, or more" "$(of_report peak_frames)" -ge "$minimum"
	is "$name: nobody killed, no frame lost" "$(of_report oom_kills frames_lost)" "0 0"
	is "$name: all is well after it" "$(of_report validate)" ok
	diag "$(of_report processes) processes, $(of_report calls) calls, $(of_report faults) faults," \
		"$(of_report forks) forks, $(of_report fallbacks) fallbacks"
}

# at_least FIELD NUMBER - a test: what the report of same says of FIELD
at_least() { cmp_ok "$2 $1, or more" "$(of_report "$1")" -ge "$2"; }

# no_fallback - a test: all that the program mapped is of a kind that the lab has
no_fallback() { is "no fallback" "$(of_report fallbacks)" 0; }

# all_is_well - the last tests: the lab as it was
all_is_well()
{
	ok "all is well" mmlab validate
	is "every frame of machine 0 is free" "$(machine_field 0 free_frames)" "$(machine_field 0 frames)"
}
