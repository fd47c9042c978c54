#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The suites mml_storm and mml_slub_storm as a module, on four CPUs: threads, a timer and
# an interrupt allocate frames, and objects, while CPUs go and come back.
#
# kernels: lab debug
# vm: --cpus 4
# timeout: 240

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"

results=/run/mm_lab/storm-results
validate_before=$(mmlab validate 2>&1)

# The newline of an echo would be part of the name
printf 'mml_*storm' >/sys/module/kunit/parameters/filter_glob
ok "mm_lab_kunit.ko is loaded" insmod kunit/mm_lab_kunit.ko
is "two suites have run" "$(ls /sys/kernel/debug/kunit)" "mml_slub_storm
mml_storm"
cat /sys/kernel/debug/kunit/mml_storm/results /sys/kernel/debug/kunit/mml_slub_storm/results >$results
diag "$(sed -n 's/^ *# mml_.*storm_test[a-z_]*: //p' $results)"
is "their tests passed" "$(sed -n 's/^ *ok [0-9]* \(mml_.*storm_test[a-z_]*\).*/\1/p' $results)" "mml_storm_test_scarce
mml_storm_test_plenty
mml_storm_test_no_pcp
mml_storm_test_page_owner
mml_slub_storm_test_held
mml_slub_storm_test_plenty
mml_slub_storm_test_scarce"
is "CPUs were unplugged" "$(grep -c ' 6 CPUs unplugged' $results)" 6
like "and sections went offline meanwhile" "$(grep 'mml_storm_test_plenty:' $results)" ' [1-9][0-9]* sections offline'
is "all of them are back" "$(nproc)" 4
ok "the module goes" rmmod mm_lab_kunit
is "machine 0 is as it was" "$(mmlab validate 2>&1)" "$validate_before"
done_testing
