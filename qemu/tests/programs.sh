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
. "$(dirname "$0")/lib/programs.sh"
need_program malloc-stress

text=/usr/share/common-licenses/GPL-3

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
compile() { gcc -O2 -g -I. -c -o "$work/$1.o" "$2" && sha256sum <"$work/$1.o"; }
# shellcheck disable=SC2317
pipeline()
{
	tr -cs A-Za-z '\n' <"$text" | awk '{ n[tolower($1)]++ } END { for (w in n) print n[w], w }' |
		sort -k1,1nr -k2 | uniq | head -n 30
}
# shellcheck disable=SC2317
history()
{
	local repository=$work/repository
	export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
	export GIT_AUTHOR_NAME=mm_lab GIT_AUTHOR_EMAIL=mm_lab GIT_AUTHOR_DATE='1000000000 +0000'
	export GIT_COMMITTER_NAME=mm_lab GIT_COMMITTER_EMAIL=mm_lab GIT_COMMITTER_DATE='1000000000 +0000'
	set -e
	git init -q -b main "$repository"
	cp -r tools/*.c vma_probe/mm/*.[ch] "$repository"
	cd "$repository"
	git add . && git commit -q -m one
	git checkout -q -b other
	sed -i 's/struct/union/' ./*.c
	git commit -q -a -m two
	git log --stat && git diff main other | sha256sum
	git gc -q && git fsck --full
	git clone -q . clone && git -C clone log --format='%H %s'
	rm -rf "$repository"
}
export -f compile pipeline history
export work text

same "python3 with threads and a subprocess" 3000 python3 "$work/words.py" "$text"
at_least processes 2
no_fallback
# Threads, forks and exec have been seen then; the rest is more of the same
if on_debug_kernel; then
	same "a bash pipeline" 120 bash -c pipeline
	no_fallback
	all_is_well
	done_testing
fi
same "sqlite3" 300 sqlite3 -init /dev/null -batch :memory: ".read $work/table.sql"
no_fallback
same "gcc" 800 bash -c "compile program '$work/program.c'"
at_least processes 5
no_fallback
same "gcc, a file of this project" 2000 bash -c 'compile map-text tools/map-text.c'
at_least processes 5
no_fallback
same "git" 300 bash -c history
at_least processes 20
at_least faults 500
no_fallback
same "a bash pipeline" 120 bash -c pipeline
at_least processes 6
no_fallback
same "malloc in threads" 500 out/tests/malloc-stress 4 1500
no_fallback
like "their stacks are the kernel's" "$(mmlab run out/tests/malloc-stress 4 10)" ', 0 bad blocks, 0 stacks in the window$'

# An object that is compiled runs
ok "what gcc compiled on the lab can be linked" mmlab run gcc -o "$work/program" "$work/program.o"
is "and runs" "$(mmlab run "$work/program")" 99999
all_is_well
done_testing
