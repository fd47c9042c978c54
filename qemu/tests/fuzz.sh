#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Hostile users: a million random calls of /dev/mm_lab by threads and processes that
# are killed at random; a hundred thousand on a debug kernel, which is far slower. The
# head of fuzz.c says what is done and what is checked.
#
# MML_FUZZ_CALLS in the environment is another number of calls; options are handed on
# to the program: fuzz.sh --seed 7
#
# kernels: stock debug
# vm: --cpus 4 --mem 1200M --params memory=16M
# timeout: 300

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"

need_program fuzz
header=mm_lab/uapi/mm_lab.h
defined=$(sed -nE 's/^#define[[:space:]]+(MML_IOC_[A-Z_]+)[[:space:]]+_IO[WR]*\(.*/\1/p' "$header" | sort)
known=$(out/tests/fuzz --list | sort)
[[ $defined ]] || bail "no command found in $header"
[[ $known == "$defined" ]] ||
	bail "fuzz-table.h and $header differ: $(comm -3 <(echo "$known") <(echo "$defined") | xargs)"

calls=1000000
[[ $(uname -r) != *labdbg* ]] || calls=100000
run_program fuzz --calls "${MML_FUZZ_CALLS:-$calls}" "$@"
