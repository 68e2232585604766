# How the third-party libraries are built. Read by the Makefile when it calls itself with INSIDE=1,
# under a lock, so that two makes at once do no harm: first "sources", then the libraries, because
# the lists of source files come from the unpacked tarballs.

PACKAGES := mbedtls bearssl musl inih

.PHONY: sources
sources: $(PACKAGES:%=$(B)/src/%/.pinned)

# The folder's name has no version, so that another accepted version changes no path. ".pinned" is
# newer than the pins it was checked against, ".sum" only as new as the sources themselves.
$(B)/src/%/.pinned: third_party/pins third_party/fetch third_party/rules.mk
	@set -e; tarball=$$(third_party/fetch $* $(B)/distfiles); sum=$$(sha256sum <$$tarball); \
	 if [ "$$sum" != "$$(cat $(B)/src/$*/.sum 2>/dev/null)" ]; then \
	    echo "  SOURCE  $${tarball##*/}"; \
	    rm -rf $(B)/src/$* $(B)/src/$*.new; mkdir -p $(B)/src/$*.new; \
	    tar -x --strip-components=1 --no-same-owner -f $$tarball -C $(B)/src/$*.new; \
	    echo "$$sum" >$(B)/src/$*.new/.sum; \
	    mv $(B)/src/$*.new $(B)/src/$*; \
	 fi; \
	 touch $@

# BearSSL: the hashes and HMAC, the PEM encoder, the elliptic curves with their numbers; nothing else.
BEARSSL_FILES := $(patsubst $(B)/src/bearssl/src/%.c,%,$(wildcard $(B)/src/bearssl/src/int/i31_*.c)) \
    ec/ec_p256_m31 ec/ec_c25519_m31 ec/ec_prime_i31 ec/ec_secp256r1 ec/ec_secp384r1 \
    ec/ec_secp521r1 ec/ec_curve25519 int/i32_div32 codec/ccopy codec/pemenc \
    codec/dec32be codec/enc32be codec/dec64be codec/enc64be \
    codec/dec32le codec/enc32le hash/sha2small hash/sha2big hash/sha1 hash/md5 hash/dig_size \
    mac/hmac
MBEDTLS_FILES := $(patsubst $(B)/src/mbedtls/library/%.c,%,$(wildcard $(B)/src/mbedtls/library/*.c))

# Functions that these files keep in tables or behind states which a client without a certificate never
# enters: the names of src/net/tls_unused.c take their places.
unused_pk := mbedtls_rsa_rsassa_pss_sign_no_mode_check
unused_pk_wrap := mbedtls_rsa_pkcs1_sign mbedtls_rsa_pkcs1_encrypt mbedtls_rsa_pkcs1_decrypt \
    mbedtls_ecdsa_write_signature
unused_psa_crypto := mbedtls_psa_rsa_import_key mbedtls_psa_rsa_export_public_key
unused_rsa := mbedtls_rsa_deduce_primes mbedtls_rsa_deduce_private_exponent \
    mbedtls_rsa_deduce_crt mbedtls_rsa_validate_params mbedtls_rsa_validate_crt
unused_ssl_tls13_client := mbedtls_ssl_tls13_write_certificate_verify

# src/net/curve.c has these; the library's own get other names.
slow_ecp := -Dmbedtls_ecp_mul=mbedtls_slow_mul \
    -Dmbedtls_ecp_mul_restartable=mbedtls_slow_mul_restartable \
    -Dmbedtls_ecp_muladd=mbedtls_slow_muladd \
    -Dmbedtls_ecp_muladd_restartable=mbedtls_slow_muladd_restartable \
    -Dmbedtls_ecp_check_pub_priv=mbedtls_slow_check_pub_priv

# These loops take the time of a handshake; the rest of the library is compiled small.
quick := bignum bignum_core bignum_mod bignum_mod_raw aes gcm chacha20 poly1305

# third_party_rules VARIANT: $(B)/VARIANT/lib/lib{mbedtls,bearssl,inih}.a
define third_party_rules
$(B)/$(1)/lib/.done: $(B)/$(1)/lib/libmbedtls.a $(B)/$(1)/lib/libbearssl.a $(B)/$(1)/lib/libinih.a
	@touch $$@

$(B)/$(1)/lib/libmbedtls.a: $(MBEDTLS_FILES:%=$(B)/$(1)/lib/mbedtls/%.o)
$(B)/$(1)/lib/libbearssl.a: $(BEARSSL_FILES:%=$(B)/$(1)/lib/bearssl/%.o)
$(B)/$(1)/lib/libinih.a: $(B)/$(1)/lib/inih/ini.o

$(B)/$(1)/lib/%.a: third_party/rules.mk
	@echo "  AR      $$@"
	@rm -f $$@ && $$($(1)_AR) crD $$@ $$(filter %.o,$$^)

$(B)/$(1)/lib/mbedtls/%.o: $(B)/src/mbedtls/library/%.c third_party/mbedtls_config.h $(wildcard third_party/*_alt.h) third_party/rules.mk $(B)/$(1)/lib.flags $(B)/src/mbedtls/.sum
	$$(call third_party_compile,$$($(1)_CC) $$($(1)_LIB_CFLAGS) $$(if $$(filter $$*,$$(quick)),,$$($(1)_SMALLER)) $$(foreach f,$$(unused_$$*),-D$$(f)=unused_$$(f)) $$(slow_$$*),mbedtls)
$(B)/$(1)/lib/bearssl/%.o: $(B)/src/bearssl/src/%.c third_party/rules.mk $(B)/$(1)/lib.flags $(B)/src/bearssl/.sum
	$$(call third_party_compile,$$($(1)_CC) $$($(1)_LIB_CFLAGS) -I$(B)/src/bearssl/src,bearssl)
$(B)/$(1)/lib/inih/%.o: $(B)/src/inih/%.c $(B)/$(1)/lib.flags $(B)/src/inih/.sum
	$$(call third_party_compile,$$($(1)_CC) $$($(1)_LIB_CFLAGS),inih)
endef

# $(1): compiler and flags, $(2): name of the package. The seed makes LTO's names the same each time.
define third_party_compile
@mkdir -p $(@D)
@echo "  CC      $(2)/$(<F)"
@$(1) $(if $(findstring -flto,$(1)),-frandom-seed=$(2)/$(<F)) -w -c -o $@ $<
endef

$(foreach v,$(VARIANTS),$(eval $(call third_party_rules,$(v))))

# musl: static only, no LTO (the compiler takes its memcpy for a builtin and drops it).
$(B)/$(TARGET)/lib/.done: $(B)/$(TARGET)/musl/.done
$(MBEDTLS_FILES:%=$(B)/$(TARGET)/lib/mbedtls/%.o) $(BEARSSL_FILES:%=$(B)/$(TARGET)/lib/bearssl/%.o) \
    $(B)/$(TARGET)/lib/inih/ini.o: | $(B)/$(TARGET)/musl/.done

$(B)/$(TARGET)/musl/.done: $(B)/src/musl/.sum $(B)/$(TARGET)/musl.flags
	@echo "  MUSL    $(TARGET)"
	@rm -rf $(B)/$(TARGET)/musl $(B)/$(TARGET)/musl-build
	@mkdir -p $(B)/$(TARGET)/musl-build
	+@cd $(B)/$(TARGET)/musl-build && exec >build.log 2>&1 && \
	 $(abspath $(B))/src/musl/configure --disable-shared --disable-wrapper \
	    --prefix=$(abspath $(B))/$(TARGET)/musl --syslibdir=/none \
	    CC='$(TARGET_CC)' AR='$(TARGET_AR)' RANLIB=true CFLAGS='$(TARGET_MUSL_CFLAGS)' && \
	 $(MAKE) -f Makefile B= V= && $(MAKE) -f Makefile B= V= install-headers install-libs || \
	 { tail -n 20 build.log >&3; exit 1; } 3>&2
	@touch $@
