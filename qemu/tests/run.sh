#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mmlab run: exit statuses and signals, too little memory, and programs that do odd
# things to their signals, descriptors and children, or cannot be on the lab at all.
#
# kernels: stock lab
# vm: --mem 2G
# timeout: 300

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
need_program small-pieces
need_program malloc-stress

report=$(mktemp)
trap 'rm -f "$report"' EXIT

# left_nothing NAME - of the run that wrote the report
left_nothing()
{
	is "$1: no frame lost, all is well" \
		"$(report_field "$report" frames_lost) $(report_field "$report" validate)" "0 ok"
}

#
# How it ends
#
exits "an exit status" 7 mmlab run python3 -c 'raise SystemExit(7)'
# shellcheck disable=SC2016 # the program's own
exits "a program that is killed: 128 + 9" 137 mmlab run sh -c 'kill -9 $$'
# shellcheck disable=SC2016
exits "or terminated: 128 + 15" 143 mmlab run --report "$report" sh -c 'kill $$'
is "the report has the signal" "$(report_field "$report" signal) $(report_field "$report" exit_status)" "15 143"
exits "one that touches what it must not: 128 + 11" 139 \
	mmlab run python3 -c 'import ctypes; ctypes.string_at(0x108000000000)'
exits "one that is not there" 127 mmlab run /no/such/program
exits "one that is no program" 126 mmlab run /etc/passwd
exits "called wrongly" 2 mmlab run --memory lots true
exits "on a machine that is not there" 125 mmlab run --machine 4000000 true
exits "on one that is too large to be made" 125 mmlab run --memory 100G true
is "standard input and output are the program's" "$(echo through | mmlab run cat)" through
mmlab run sleep 60 &
wait_until 10 pgrep -x sleep
kill $!
wait $!
is "a signal to mmlab is passed on" $? 143

#
# Enough memory, and too little
#
is "64 MiB on a machine of 128" \
	"$(mmlab run --memory 128M --report "$report" python3 -c 'b=bytearray(64<<20); print(len(b))')" 67108864
cmp_ok "are 16384 frames and more" "$(report_field "$report" peak_frames)" -ge 16384
cmp_ok "the kernel's own memory is below 8 MiB" "$(report_field "$report" kernel_rss_anon_kib)" -lt 8192
cmp_ok "but not none" "$(report_field "$report" kernel_rss_anon_kib)" -gt 0
is "no fallback, nobody killed" "$(report_field "$report" fallbacks) $(report_field "$report" oom_kills)" "0 0"
left_nothing "that run"

mmlab run --memory 16M --report "$report" python3 -c 'b=bytearray(64<<20); print(len(b))' 2>"$report.err"
is "on a machine of 16 MiB: status 1" $? 1
like "it was a MemoryError" "$(cat "$report.err")" '^MemoryError'
left_nothing "that run"

exits "64 MiB in small pieces there: SIGKILL" 137 mmlab run --memory 16M --report "$report" out/tests/small-pieces 64
is "one oom_kill" "$(report_field "$report" oom_kills)" 1
peak=$(report_field "$report" peak_frames)
left_nothing "that run"
# What a machine of that size keeps in reserve, as a program on one sees it
export lab_debugfs
export -f reserved_frames
# shellcheck disable=SC2016 # the program's own
reserve=$(mmlab run --memory 16M bash -c 'reserved_frames "$MMLAB_MACHINE"')
cmp_ok "a machine of 16 MiB keeps 512 KiB in reserve" "$reserve" -eq 128
is "all other frames were in use" "$peak" $((4096 - reserve))
is "8 MiB in small pieces fit" "$(mmlab run --memory 16M out/tests/small-pieces 8)" "8389 pieces"

#
# Programs that are in the way
#
all_signals='import signal, os
signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
signal.signal(signal.SIGSYS, signal.SIG_IGN)
'
# on_the_lab NAME MINIMUM WANT COMMAND... - it prints WANT and has MINIMUM frames at once
on_the_lab()
{
	local name=$1 minimum=$2 want=$3
	shift 3
	is "$name" "$(mmlab run --memory 64M --report "$report" "$@" 2>&1)" "$want"
	cmp_ok "$name: on $minimum frames" "$(report_field "$report" peak_frames)" -ge "$minimum"
	left_nothing "$name"
}
on_the_lab "all signals blocked, SIGSYS ignored" 4096 16777216 \
	python3 -c "$all_signals"'print(len(bytearray(16 << 20)))'
on_the_lab "and a child that inherits that" 4096 "16777216
0" python3 -c "$all_signals"'
import subprocess, sys
r = subprocess.run([sys.executable, "-c", "print(len(bytearray(16 << 20)))"], restore_signals=False)
print(r.returncode)'
on_the_lab "all descriptors closed" 4096 16777216 python3 -c 'import os
os.closerange(3, 1 << 16)
print(len(bytearray(16 << 20)))'
on_the_lab "a child with its descriptors closed" 4096 16777216 python3 -c 'import subprocess, sys
subprocess.run([sys.executable, "-c", "print(len(bytearray(16 << 20)))"], close_fds=True, check=True)'
is "the child is of the same job" "$(report_field "$report" processes)" 2
on_the_lab "a descriptor limit of 16" 4096 16777216 bash -c 'ulimit -n 16; exec python3 -c "print(len(bytearray(16 << 20)))"'
on_the_lab "fork without exec" 4096 "8388608 8388608" python3 -c 'import os
b = bytearray(8 << 20)
pid = os.fork()
if not pid:
    b[:] = b"c" * len(b)
    os._exit(b.count(b"c") != len(b))
print(len(b) if os.waitpid(pid, 0)[1] == 0 else "bad", b.count(0))'
is "it was forked once" "$(report_field "$report" forks)" 1
on_the_lab "a daemon that outlives its parent" 8 "parent
daemon" sh -c '(sleep 1; sh -c "echo daemon") & echo parent'
on_the_lab "a line of execs" 4 "done" sh -c 'exec sh -c "exec sh -c \"echo done\""'
is "is three address spaces and more" "$(($(report_field "$report" processes) >= 3))" 1
on_the_lab "threads" 500 "$(out/tests/malloc-stress 8 300)" out/tests/malloc-stress 8 300

#
# Programs that cannot be on the lab run off it
#
is "a static program runs" "$(mmlab run --report "$report" /bin/busybox echo hello 2>/dev/null)" hello
is "and has no frame" "$(report_field "$report" peak_frames)" 0
like "of which one is told" "$(mmlab run /bin/busybox true 2>&1)" 'did not run on the lab'
cp /usr/bin/id /tmp/set-id
chown nobody /tmp/set-id
chmod u+s /tmp/set-id
is "a program with the set-user-ID bit runs, as that user" "$(mmlab run /tmp/set-id -un 2>/dev/null)" nobody
rm -f /tmp/set-id

# The checkout may be where only root can read
mkdir /tmp/open
cp tools/mmlab tools/libmmlab.so /tmp/open/
as_nobody() { setpriv --reuid nobody --clear-groups /tmp/open/mmlab "$@"; }
exits "nobody may use the lab" 125 as_nobody run true
chmod 666 /dev/mm_lab
is "but if it is allowed to, it may" "$(as_nobody run echo hello)" hello
like "but not make machines" "$(as_nobody run --memory 16M true 2>&1)" 'CAP_SYS_ADMIN'
chmod 600 /dev/mm_lab
rm -r /tmp/open

ok "all is well" mmlab validate
is "every frame of machine 0 is free" "$(machine_field 0 free_frames)" "$(machine_field 0 frames)"
is "no other machine is left" "$(mmlab info --json | grep -c '"machine"')" 1

done_testing
