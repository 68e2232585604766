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
