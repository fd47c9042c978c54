#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A redis-server with its heap on the lab, under redis-benchmark, which is on it too: the
# data that it ends with are those that it ends with off the lab, before and after it has
# saved them by a fork, while it serves, and read them again. Debian's redis has jemalloc.
#
# Of Debian's packages this needs redis-tools: in it is the server's program, which is one
# with redis-check-rdb. The package redis-server would start a server on the host.
#
# kernels: stock
# vm: --mem 2G
# timeout: 240

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
. "$(dirname "$0")/lib/programs.sh"

# All but session is called by that. Messages of the server are of times and process
# numbers: they are only shown if it does not answer.
# shellcheck disable=SC2317
ask() { redis-cli -s "$work/socket" "$@"; }
# shellcheck disable=SC2317
serve()
{
	"$work/redis-server" --port 0 --unixsocket "$work/socket" --dir "$work" --save '' \
		--enable-debug-command yes >"$work/log" 2>&1 &
	server=$!
	for ((i = 0; i < 100; i++)); do
		[[ $(ask ping 2>&1) != PONG ]] || return 0
		sleep 0.1
	done
	cat "$work/log"
	exit 1
}
# shellcheck disable=SC2317
bench() { redis-benchmark -s "$work/socket" -q -c 8 "$@" >"$work/benchmark" || exit; }
# shellcheck disable=SC2317
commands()
{
	awk 'BEGIN {
		for (i = 0; i < 300; i++) {
			value = sprintf("%0" i % 900 + 1 "d", i)
			print "set key:" i, value
			print "hset hash:" i % 7, "field:" i, value
			print "zadd ranks", i * 7919 % 2003, "member:" i
			if (i % 3 == 0)
				print "del key:" int(i / 2)
		}
	}'
}
# shellcheck disable=SC2317
save_in_background()
{
	ask bgsave
	while [[ $(ask info persistence) == *rdb_bgsave_in_progress:1* ]]; do sleep 0.1; done
	ask info persistence | grep -o 'rdb_last_bgsave_status:[a-z]*'
}
# shellcheck disable=SC2317
session()
{
	# Whatever goes wrong: mmlab run waits for the last process
	trap 'kill "$server" 2>/dev/null' EXIT
	serve
	bench -n 1000 -d 300 -t set,get,lpush,hset,sadd
	bench -n 1000 incr counter
	commands | ask | sort | uniq -c
	save_in_background &
	bench -n 1000 -t incr,rpush
	wait $!
	ask get counter
	ask lrange mylist 0 1
	ask zrange ranks 0 5 withscores
	ask dbsize
	ask debug digest
	ask shutdown save
	wait
	serve
	ask debug digest
	ask shutdown nosave
	wait
	rm "$work/dump.rdb"
}
export -f ask serve bench commands save_in_background session
export work

ln -s "$(command -v redis-check-rdb)" "$work/redis-server"
same "redis-server and redis-benchmark" 1000 bash -c session
at_least processes 20
at_least forks 10
at_least faults 1000
no_fallback
all_is_well
done_testing
