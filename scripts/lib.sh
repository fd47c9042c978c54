# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034 # used by those who source this
#
# What the shell scripts of mm_lab share: where the checkout and the cache are,
# how messages look, and which kernel is the stock one. To be sourced by bash.
#
# The cache holds what is dear to fetch or build and belongs to no checkout:
#
#   kernels/<release>/    an unpacked Debian kernel image (vmlinuz, modules)
#   kernels/stock         symlink to the one that `--kernel stock` means
#   kernels/lab, debug    the same for those that scripts/kernel builds
#   kernel-build/         where it builds; empty when it has finished
#   ccache/               compiler cache of the kernels that are built here
#   initramfs/            guest initramfs images, named by a hash of their content
#   source/<version>/     the kernel tree of the package linux-source-6.12
#   kunit/                the kernels that the KUnit suites are linked into
#   bench/                the UML kernel that the bench is linked into
#
# Everything in it can be deleted at any time; the next run makes it again.
# Things are built under a temporary name and renamed when they are complete,
# so an interrupted run never leaves half of something behind.

MMLAB_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
MMLAB_CACHE=${MMLAB_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/mm_lab}

# The modules in the order in which they are loaded.
MMLAB_MODULES=(mm_lab buddy_probe slub_probe vma_probe)

# The kernel series the lab is made for. Debian's packages carry it in their
# names: linux-headers-6.12-amd64, linux-source-6.12.
MMLAB_SERIES=6.12

# Lines of a kernel log that mean that the kernel found something wrong: what
# BUG(), WARN(), oopses, the sanitizers, lockdep and the watchdogs print.
MMLAB_SPLAT='BUG: |WARNING: |kernel BUG at |Oops: |Oops\[|KASAN: |UBSAN: |KCSAN: |general protection fault|INFO: (task .* blocked|rcu|trying to register|possible)|rcu: INFO: |kmemleak: [0-9]+ new|Kernel panic'

# What qemu/vm exits with if the emulator was at fault, and not what ran in it
MMLAB_STATUS_BREAKPOINT=121

# Started by make or not, a script's own makes begin afresh: no job server of
# somebody else's, no variable of somebody's command line.
unset MAKEFLAGS MFLAGS MAKELEVEL

mmlab_self=${0##*/}

# Messages go to standard error: standard output belongs to results.
say() { printf '%s: %s\n' "$mmlab_self" "$*" >&2; }
warn() { printf '%s: warning: %s\n' "$mmlab_self" "$*" >&2; }
die() { printf '%s: error: %s\n' "$mmlab_self" "$*" >&2; exit 1; }

have() { command -v "$1" >/dev/null 2>&1; }

# head_value FILE KEY - the value of a "# KEY: VALUE" line in a test file's head
head_value() { sed -n "/^#/!q; s/^# $2: *//p" "$1" | head -n 1; }

# lock_cache - hold the cache's lock until the script ends (file descriptor 9)
#
# Only what changes the cache takes it. A run that finds everything in place
# never gets here.
lock_cache()
{
	mkdir -p "$MMLAB_CACHE" ||
		die "cannot create the cache directory $MMLAB_CACHE; set MMLAB_CACHE to one that can be written"
	exec 9>"$MMLAB_CACHE/lock"
	flock -n 9 && return
	say "waiting for another run to finish with the cache $MMLAB_CACHE"
	flock 9
}

unlock_cache() { exec 9>&-; }

# headers_release - the kernel release that the installed stock headers are for
headers_release()
{
	local depends
	depends=$(dpkg-query -W -f '${db:Status-Abbrev}${Depends}' "linux-headers-$MMLAB_SERIES-amd64" 2>/dev/null) || return 1
	[[ $depends == ii\ *linux-headers-* ]] || return 1
	depends=${depends#*linux-headers-}
	printf '%s\n' "${depends%%[ ,]*}"
}

# stock_release - the kernel release behind `--kernel stock`, if it is fetched
stock_release() { readlink "$MMLAB_CACHE/kernels/stock"; }

# kernel_fragments NAME - what qemu/kernels has on a kernel of our own, in the order
# in which it is read; nothing, and failure, for other names
kernel_fragments()
{
	case $1 in
	lab) printf '%s\n' "$MMLAB_TOP"/qemu/kernels/lab.config ;;
	debug) printf '%s\n' "$MMLAB_TOP"/qemu/kernels/{lab,debug}.config ;;
	*) return 1 ;;
	esac
}

# merge_fragments FILE... - their options as lines of a .config, one each; of several
# lines about one option the last is meant
merge_fragments() { grep -h '^CONFIG_' "$@" | tac | awk -F= '!seen[$1]++' | tac; }

# kernel_options NAME - its options as lines of a .config
kernel_options()
{
	local fragments
	mapfile -t fragments < <(kernel_fragments "$1")
	((${#fragments[@]})) || return
	merge_fragments "${fragments[@]}"
}

# kernel_misses NAME CONFIG - those of its options that CONFIG does not have
kernel_misses()
{
	# One process: the debug kernel needs its time for each
	kernel_options "$1" | awk -F= '
		side == "config" { has[$0]; on[$1]; next }
		/=n$/ ? $1 in on : !($0 in has)' side=config "$2" side=options -
}

# kernel_name RELEASE - which of our own kernels it is of; nothing if of none
kernel_name()
{
	case $1 in
	*-lab-*) echo lab ;;
	*-labdbg-*) echo debug ;;
	esac
}

# kernel_source - the unpacked kernel tree in the cache, if it is there
kernel_source()
{
	local tree
	tree=$MMLAB_CACHE/source/$(dpkg-query -W -f '${Version}' "linux-source-$MMLAB_SERIES" 2>/dev/null) || return 1
	[[ -f $tree/Makefile ]] || return 1
	printf '%s\n' "$tree"
}
