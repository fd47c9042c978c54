# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# A little TAP for the tests in this directory. Source it, and end with
# done_testing:
#
#	. "$(dirname "$0")/tap.sh"
#
#	ok "the device is there" test -c /dev/mm_lab
#	is "one zone" "$(grep -c zone "$file")" 1
#	like "the report names the size" "$(dmesg)" 'asked for 64 MiB'
#	exits "a killed program" 137 mmlab run sh -c 'kill -9 $$'
#	skip "two nodes" "this machine has one"
#	done_testing
#
# Each of these is one test and prints one line. What a failed one has to say
# (the command's output, the two values) follows in lines that begin with "#".
# plan N as the first line says how many tests there must be; done_testing then
# fails if there were more or fewer.

tap_count=0
tap_failed=0
tap_planned=

# plan N - announce the number of tests
plan()
{
	tap_planned=$1
	echo "1..$1"
}

# tap_result STATUS NAME - print a test's line; returns STATUS
tap_result()
{
	tap_count=$((tap_count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_count - $2"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_count - $2"
	fi
	return "$1"
}

# diag TEXT - lines for whoever reads the result
diag() { printf '%s\n' "$*" | sed 's/^/# /'; }

# ok NAME COMMAND... - the command must succeed
ok()
{
	tap_name=$1
	shift
	exits "$tap_name" 0 "$@"
}

# exits NAME STATUS COMMAND... - the command must exit with STATUS
exits()
{
	tap_name=$1 tap_want=$2
	shift 2
	tap_got=0
	# The braces are for what the shell itself says of a killed command
	{ tap_output=$("$@" 2>&1) || tap_got=$?; } 2>/dev/null
	tap_ok=0
	[ "$tap_got" -eq "$tap_want" ] || tap_ok=1
	tap_result "$tap_ok" "$tap_name" && return
	diag "command: $*"
	diag "status: $tap_got, and not $tap_want"
	[ -z "$tap_output" ] || diag "$tap_output"
	return 1
}

# is NAME GOT WANT - the two texts must be the same
is()
{
	tap_ok=0
	[ "$2" = "$3" ] || tap_ok=1
	tap_result "$tap_ok" "$1" && return
	diag "got:  $2"
	diag "want: $3"
	return 1
}

# isnt NAME GOT UNWANTED - the two texts must differ
isnt()
{
	tap_ok=0
	[ "$2" != "$3" ] || tap_ok=1
	tap_result "$tap_ok" "$1" && return
	diag "got what was not wanted: $2"
	return 1
}

# like NAME GOT PATTERN - a line of the text must match the extended regex
like()
{
	tap_ok=0
	printf '%s\n' "$2" | grep -qE -- "$3" || tap_ok=1
	tap_result "$tap_ok" "$1" && return
	diag "nothing here matches: $3"
	diag "$2"
	return 1
}

# cmp_ok NAME LEFT OPERATOR RIGHT - integers compared, as [ ] does it: -ge, -lt
cmp_ok()
{
	tap_ok=0
	test "$2" "$3" "$4" 2>/dev/null || tap_ok=1
	tap_result "$tap_ok" "$1" && return
	diag "not true: $2 $3 $4"
	return 1
}

# pass NAME, fail NAME - for what has been found out already
pass() { tap_result 0 "$1"; }
fail() { tap_result 1 "$1"; }

# skip NAME WHY - a test that cannot be made here
skip()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

# bail WHY - nothing further makes sense
bail()
{
	echo "Bail out! $1"
	exit 1
}

# done_testing - print the plan if there was none, and exit
done_testing()
{
	if [ -z "$tap_planned" ]; then
		echo "1..$tap_count"
	elif [ "$tap_planned" -ne "$tap_count" ]; then
		diag "planned were $tap_planned tests, made were $tap_count"
		exit 1
	fi
	[ "$tap_failed" -eq 0 ] || exit 1
	exit 0
}
