# make ipk: OpenWrt packages, in $(B)/ipk, of all targets that have OpenWrt's names of architectures
# in the last column of cross/targets, or of those in IPK_TARGETS. README.md here says more.

# row:name:name...
IPK_ROWS := $(shell awk -F '|' 'NF >= 7 && $$1 !~ / name / && $$NF ~ /[a-z]/ \
    { gsub(/[ ,]+/, ":"); sub(/:?[|].*[|]:?/, ":"); print }' cross/targets)
IPK_TARGETS ?= $(foreach r,$(IPK_ROWS),$(firstword $(subst :, ,$(r))))

.PHONY: ipk $(IPK_TARGETS:%=ipk-%)
ipk: $(IPK_TARGETS:%=ipk-%)

$(IPK_TARGETS:%=ipk-%): ipk-%:
	+@$(MAKE) --no-print-directory B=$(B) TARGET=$* $(B)/$*/daneroll
	@cross/openwrt/ipk $(B)/$*/daneroll $(B)/src $(B)/ipk $(wordlist 2,99,$(subst :, ,$(filter $*:%,$(IPK_ROWS))))
