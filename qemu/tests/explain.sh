#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# MML_IOC_EXPLAIN: for each reason for which an allocation or a fault fails, the reason,
# who, what was asked, and each number of each step; and who may know what.
#
# kernels: stock debug
# vm: --mem 2G
# timeout: 60

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/lib/guest.sh"
run_program explain
