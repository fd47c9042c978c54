# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the test files share beyond tap.sh: to be sourced by bash, after it. Leaves
# the working directory at the top of the checkout.

cd "$(dirname "${BASH_SOURCE[0]}")/../../.." || exit 1

# run_program NAME [ARGUMENT...] - a test program, which prints its own TAP, becomes
# this process
run_program()
{
	local program=out/tests/$1
	shift
	[[ -x $program ]] || bail "$program is not built: make -C qemu/tests"
	exec "$program" "$@"
}
