#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# stress-ng's stressors of memory on the lab, which look themselves at what they find in
# it (--verify): each does as many operations as off the lab, nothing fails, nobody had to
# be started again.
#
# kernels: stock debug
# vm: --mem 2G
# timeout: 150

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
. "$(dirname "$0")/lib/programs.sh"

# stress OPTION... - two of a stressor; of what stress-ng says, that which is no time and no
# process number: what it began, how many operations there were, and whatever went wrong
# shellcheck disable=SC2317
stress()
{
	set -o pipefail
	stress-ng --temp-path "$work" --verify --verbose --metrics-brief "$@" 2>&1 | sed -En '
		/^stress-ng: (fail|error|warn)/p
		s/^stress-ng: [a-z]+: +\[[0-9]+\] ([a-z]+) +([0-9]+) .*/\1: \2 operations/p
		s/^stress-ng: [a-z]+: +\[[0-9]+\] (dispatching hogs.*)/\1/p
		s/^stress-ng: [a-z]+: +\[[0-9]+\] (successful run completed).*/\1/p
		s/^stress-ng: [a-z]+: +\[[0-9]+\] (.*(restart|OOM|skipp|support|implement).*)/\1/p'
}
export -f stress
export work

# ops NUMBER - on the debug kernel, a twentieth
ops() { if on_debug_kernel; then echo $(($1 / 20)); else echo "$1"; fi; }

# stressor NAME FRAMES FAULTS OPERATIONS OPTION... - at least FRAMES at once, and FAULTS
stressor()
{
	local name=$1 frames=$2 faults=$3 operations=$4
	shift 4
	same "stress-ng --$name" "$frames" bash -c 'stress "$@"' - "--$name" 2 "--$name-ops" "$(ops "$operations")" "$@"
	at_least faults "$(ops "$faults")"
}

stressor vm 300 40000 60000 --vm-bytes 1M
no_fallback
stressor mmap 200 2000 40 --mmap-bytes 1M
stressor mremap 300 7000 40 --mremap-bytes 1M
no_fallback
stressor brk 20 1000 2000
no_fallback
stressor fork 20 400 100 --fork-vm
at_least forks "$(ops 100)"
no_fallback
if on_debug_kernel; then
	all_is_well
	done_testing
fi
stressor malloc 300 1500 2000 --malloc-max 100 --malloc-bytes 256K --malloc-touch
no_fallback
# What it touches is a file, so these faults are the kernel's; its heap is the lab's
stressor fault 20 50 1000
no_fallback
all_is_well
done_testing
