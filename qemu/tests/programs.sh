#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Real programs, unmodified, with their heap on the lab: what they print is what they
# print off it, and the report says that they truly were on it, and left nothing.
#
# kernels: stock debug
# vm: --mem 2G
# timeout: 300

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
need_program malloc-stress

text=/usr/share/common-licenses/GPL-3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A Python program with threads, subprocesses and dictionaries of words
cat >"$work/words.py" <<'EOT'
import collections, subprocess, sys, threading
words = open(sys.argv[1]).read().lower().split()
counts = [None] * 4
def count(i):
    counts[i] = collections.Counter(words[i::4])
threads = [threading.Thread(target=count, args=(i,)) for i in range(4)]
for t in threads: t.start()
for t in threads: t.join()
total = sum(counts, collections.Counter())
for word, n in sorted(total.items(), key=lambda item: (-item[1], item[0]))[:20]:
    print(n, word)
out = subprocess.run(["sort", "-u"], input="\n".join(words), capture_output=True, text=True, check=True).stdout
print(len(out.splitlines()), len(total))
big = bytearray(b"x") * (8 << 20)
print(sum(big[::4096]))
EOT

cat >"$work/table.sql" <<'EOT'
create table t (a integer primary key, b text, c real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
insert into t select i, printf('row %d of many', i), i * 0.25 from n;
create index by_b on t (b);
select count(*), sum(a), avg(c), max(b) from t;
select b, c from t where a % 997 = 0 order by b desc;
select length(group_concat(b)) from t;
delete from t where a % 2;
select count(*) from t where b like '%7%';
EOT

cat >"$work/program.c" <<'EOT'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void)
{
	char *p = malloc(100000);
	memset(p, 'a', 99999);
	p[99999] = 0;
	printf("%zu\n", strlen(p));
	return 0;
}
EOT

# Called by bash -c, below
# shellcheck disable=SC2317
compile() { gcc -O2 -g -c -o "$work/$1" "$work/program.c" && sha256sum <"$work/$1"; }
# shellcheck disable=SC2317
pipeline()
{
	tr -cs A-Za-z '\n' <"$text" | awk '{ n[tolower($1)]++ } END { for (w in n) print n[w], w }' |
		sort -k1,1nr -k2 | uniq | head -n 30
}
export -f compile pipeline
export work text

# same NAME MINIMUM COMMAND... - on the lab as off it; at least MINIMUM frames at once
same()
{
	local name=$1 minimum=$2 off on status_off=0 status_on=0 report=$work/report
	shift 2
	off=$("$@" 2>&1) || status_off=$?
	on=$(mmlab run --memory 128M --report "$report" "$@" 2>&1) || status_on=$?
	is "$name: status 0, off the lab and on it" "$status_off $status_on" "0 0"
	is "$name: the same output" "$on" "$off"
	cmp_ok "$name: $minimum frames at once, or more" "$(report_field "$report" peak_frames)" -ge "$minimum"
	is "$name: no fallback, nobody killed, no frame lost" \
		"$(report_field "$report" fallbacks) $(report_field "$report" oom_kills) $(report_field "$report" frames_lost)" "0 0 0"
	is "$name: all is well after it" "$(report_field "$report" validate)" ok
}

same "python3 with threads and a subprocess" 3000 python3 "$work/words.py" "$text"
cmp_ok "it was two processes" "$(report_field "$work/report" processes)" -ge 2
# Threads, forks and exec have been seen then; the rest is more of the same
if on_debug_kernel; then
	same "a bash pipeline" 120 bash -c pipeline
	ok "all is well" mmlab validate
	done_testing
fi
same "sqlite3" 300 sqlite3 -init /dev/null -batch :memory: ".read $work/table.sql"
same "gcc" 800 bash -c 'compile program.o'
cmp_ok "it was five processes" "$(report_field "$work/report" processes)" -ge 5
same "a bash pipeline" 120 bash -c pipeline
cmp_ok "it was six processes" "$(report_field "$work/report" processes)" -ge 6
same "malloc in threads" 500 out/tests/malloc-stress 4 1500
like "their stacks are the kernel's" "$(mmlab run out/tests/malloc-stress 4 10)" ', 0 bad blocks, 0 stacks in the window$'

# An object that is compiled runs
ok "what gcc compiled on the lab can be linked" mmlab run gcc -o "$work/program" "$work/program.o"
is "and runs" "$(mmlab run "$work/program")" 99999
ok "all is well" mmlab validate
is "every frame of machine 0 is free" "$(machine_field 0 free_frames)" "$(machine_field 0 frames)"

done_testing
