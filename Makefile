# SPDX-License-Identifier: GPL-2.0
#
# mm_lab: what one can ask of it. `make help` lists the targets. The modules
# themselves are described for kbuild in Kbuild, which kbuild prefers to this
# file.

# Kernel build tree to build the modules against; empty: that of the stock
# kernel's headers.
KDIR ?=

# For `make vm` and `make shell`: the command, and the machine it gets. An empty
# one leaves the default of qemu/vm.
CMD ?=
KERNEL ?=
CPUS ?=
MEM ?=
RESERVE ?=
APPEND ?=
PARAMS ?=
TIMEOUT ?=

# For `make test` and `make kunit`: only what matches
TESTS ?=
SUITES ?=
SEED ?=

# For `make bench`: icount, uml, mttcg2, mttcg4, locks, memory, several with commas between,
# or all
METHOD ?=

# For `make kunit`: um or x86_64. To kbuild the name means something else
ARCH ?=
kunit_arch := $(ARCH)
unexport ARCH

# A $ in CMD is the guest shell's: pass it by environment, unexpanded, and keep
# make from expanding it when it exports what came from its command line.
export MMLAB_CMD := $(value CMD)
unexport CMD

# Variables of a make command line travel to sub-makes in MAKEFLAGS, where CMD
# would be expanded after all, and where they may mean something to kbuild.
MAKEOVERRIDES :=

vm_options = $(if $(KERNEL),--kernel '$(KERNEL)') $(if $(CPUS),--cpus '$(CPUS)') $(if $(MEM),--mem '$(MEM)') \
	$(if $(RESERVE),--reserve '$(RESERVE)') $(if $(APPEND),--append '$(APPEND)') \
	$(if $(PARAMS),--params '$(PARAMS)') $(if $(TIMEOUT),--timeout '$(TIMEOUT)')

# What a run in a VM needs. Everything they say goes to standard error: standard
# output is the command's.
prepare_vm = scripts/setup build vm && $(MAKE) --no-print-directory -s modules tools >&2 $(prepare_kernel)

# A kernel of our own: built if need be, and the modules for it
prepare_kernel = $(if $(filter-out stock,$(KERNEL)),&& scripts/setup kernel && scripts/kernel '$(KERNEL)' >&2 && \
	scripts/modules --kernel '$(KERNEL)' --quiet >&2)

quiet := $(if $(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS)))),--quiet)

.PHONY: all modules tools run test check kunit bench vm shell setup clean help

all: modules tools

modules:
	@scripts/modules $(quiet) $(if $(KDIR),--kdir '$(KDIR)')

tools:
	@$(MAKE) --no-print-directory -C tools

run:
	@scripts/setup build vm test
	+@$(prepare_vm)
	@scripts/run

test:
	@scripts/setup all
	@$(MAKE) --no-print-directory -s modules tools
	@$(MAKE) --no-print-directory -s -C qemu/tests
	@scripts/test --kernels $(if $(TESTS),'$(TESTS)') | while read -r kernel; do \
		scripts/kernel $$kernel && scripts/modules --kernel $$kernel --quiet || exit; done
	@scripts/test $(if $(TESTS),'$(TESTS)')

check:
	@scripts/setup build check
	@scripts/check $(if $(TESTS),'$(TESTS)')

kunit:
	@scripts/setup kunit $(if $(filter x86_64,$(kunit_arch)),kernel vm)
	@scripts/kunit $(if $(kunit_arch),--arch '$(kunit_arch)') $(if $(SEED),--seed '$(SEED)') $(if $(SUITES),'$(SUITES)')

bench:
	@scripts/setup build vm test kunit
	+@$(prepare_vm)
	@scripts/bench $(if $(METHOD),--method '$(METHOD)') $(if $(TESTS),--tests '$(TESTS)')

vm:
	@[ -n "$$MMLAB_CMD" ] || { echo "make vm: say what to run: make vm CMD='uname -a'" >&2; exit 2; }
	+@$(prepare_vm)
	@qemu/vm $(vm_options) -- "$$MMLAB_CMD"

shell:
	+@$(prepare_vm)
	@qemu/vm $(vm_options) --interactive

setup:
	@scripts/setup all

clean:
	@scripts/modules --clean $(if $(KDIR),--kdir '$(KDIR)')
	@$(MAKE) --no-print-directory -C tools clean
	@rm -rf out

help:
	@echo 'mm_lab: the memory management of Linux, rebuilt as modules on memory of their own'
	@echo
	@echo '  make            build the modules (for KDIR, or the stock kernel) and the tools'
	@echo '  make run        set up what is missing, boot a VM, run a program on the lab, show it'
	@echo '  make test       set up, and run all tests: KUnit, VMs with three kernels, harness'
	@echo '  make check      static checks: checkpatch, sparse, W=1, kernel-doc, shellcheck ...'
	@echo '  make kunit      the KUnit suites, on UML or with ARCH=x86_64 on that'
	@echo '  make bench      what allocations cost, the lab beside the kernel (out/bench.json)'
	@echo '  make vm CMD=... run a command in a VM that has the modules loaded'
	@echo '  make shell      the same, with a shell on this terminal'
	@echo '  make setup      install and fetch what all of these need (as root, Debian 12)'
	@echo '  make clean      remove what was built here; the cache stays'
	@echo
	@echo 'Variables, and what they are if not given:'
	@echo
	@echo '  KDIR=           kernel build tree for the modules (headers of the stock kernel)'
	@echo '  CMD=            vm: the command, a line for the shell in the guest'
	@echo '  CPUS= MEM=      vm, shell: processors and memory of the machine (2, 1G)'
	@echo '  RESERVE=        vm, shell: memory set aside for the lab, or none (half of MEM)'
	@echo '  APPEND=         vm, shell: more words for the kernel command line'
	@echo '  PARAMS=         vm, shell: parameters for mm_lab.ko, such as memory=128M'
	@echo '  KERNEL=         vm, shell: the kernel to boot, stock, lab or debug (stock)'
	@echo '  TIMEOUT=        vm, shell: seconds before the VM is given up (300; shell: never)'
	@echo '  TESTS=          test, check, bench: only the stages, files, checks or rows that match'
	@echo '  METHOD=         bench: icount, uml, mttcg2, mttcg4, locks, memory; commas between (all)'
	@echo '  ARCH=           kunit: um or x86_64 (um)'
	@echo '  SUITES= SEED=   kunit: only the suites that match; seed of the random tests'
	@echo '  MMLAB_CACHE=    environment: where downloads and kernels are kept (~/.cache/mm_lab)'
	@echo
	@echo 'make vm CMD=... fails when the command does; qemu/vm exits with its very status.'
