# All targets at once. Each row of cross/targets is a make of its own; they share the unpacked sources.
#
# make cross-all   the program for every row
# make dist        the same as build/dist/daneroll-VERSION-TARGET, with SHA256SUMS and a list of them

CROSS_TARGETS := $(shell sed -n 's/^\([a-z0-9_]*\) *|.*/\1/p' cross/targets)
VERSION := $(shell sed -n 's/.*VERSION "\(.*\)".*/\1/p' src/base/version.h)

.PHONY: cross-all dist
cross-all: $(CROSS_TARGETS:%=cross-%)

.PHONY: $(CROSS_TARGETS:%=cross-%)
# A sub-make by the file's name, as this one may have read another row.
$(CROSS_TARGETS:%=cross-%): cross-%: | $(B)/.have-cross
	+@$(MAKE) --no-print-directory TARGET=$* $(B)/$*/daneroll

dist: cross-all
	@cross/dist $(B) $(VERSION)

# ---- tests: the program of each row under qemu-user, with each of its CPUs ------------------------

# TARGET/qemu/daneroll is called as the program is; it names its paths itself, as tests clean the
# environment. Nothing depends on binfmt, which containers often lack.
$(CROSS_TARGETS:%=$(B)/%/qemu/daneroll): $(B)/%/qemu/daneroll: cross/targets cross/cross.mk
	@mkdir -p $(@D)
	@sed -n -e 's/ *| */|/g' -e 's/^$*|.*|\([^| ]*\) \([^| ]*\)[^|]*|[^|]*$$/\1 \2/p' cross/targets | \
	 { read -r name cpu; printf '#!/bin/sh\nexec qemu-%s-static -cpu %s %s "$$@"\n' \
	    "$$name" "$$cpu" $(abspath $(B))/$*/daneroll; } >$@.new
	@chmod +x $@.new && mv -f $@.new $@

.PHONY: cross-check $(CROSS_TARGETS:%=count-%)
cross-check: $(CROSS_TARGETS:%=$(B)/%/qemu/daneroll) $(CROSS_TARGETS:%=count-%)
# The program of the target, and its memory counted (tests/count).
$(CROSS_TARGETS:%=count-%): count-%: cross-%
	+@$(MAKE) --no-print-directory TARGET=$* $(B)/$*/count/daneroll

# The targets that the unit tests and the emulator's end-to-end tests are run for: both byte orders, words of 32 and 64 bits, char with
# a sign and without. tests/run reads the names here.
QEMU_TARGETS := mips mipsel arm aarch64
.PHONY: unit-qemu-all $(QEMU_TARGETS:%=unit-qemu-%)
unit-qemu-all: $(QEMU_TARGETS:%=unit-qemu-%)
$(QEMU_TARGETS:%=unit-qemu-%): unit-qemu-%: cross-%
	+@$(MAKE) --no-print-directory TARGET=$* unit-qemu
