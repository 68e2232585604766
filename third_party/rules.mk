# How the third-party libraries are built. Read by the Makefile when it calls itself with INSIDE=1,
# under a lock, so that two makes at once do no harm: first "sources", then the libraries, because
# the lists of source files come from the unpacked tarballs.

PACKAGES := mbedtls bearssl musl inih

.PHONY: sources
sources: $(PACKAGES:%=$(B)/src/%/.pinned)

# The folder's name has no version, so that another accepted version changes no path. ".pinned" is
# newer than the pins it was checked against, ".sum" only as new as the sources themselves.
$(B)/src/%/.pinned: third_party/pins third_party/pins.test third_party/fetch third_party/rules.mk
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
# Its X25519 for machines with 64-bit words; elsewhere the file compiles to little, and nobody calls it.
EVEREST := $(B)/src/mbedtls/3rdparty/everest
EVEREST_FLAGS := -DMBEDTLS_ECDH_VARIANT_EVEREST_ENABLED -I$(B)/src/mbedtls/library \
    $(addprefix -I$(EVEREST)/include,/ /everest /everest/kremlib)

# What is worth speed in the program, in the compiler's own words: the copy in constant time, octet by octet, was a twentieth of a look;
# X25519 takes half the time for 1 KB, P-256 is spared what -Oz does to it. What is aligned is larger, not faster.
unaligned := -fno-align-functions -fno-align-loops -fno-align-jumps
fast_ccopy := -O3 $(unaligned)
fast_ec_p256_m31 := -Os
fast_x25519 := -O2 -fpeel-loops -fno-inline-functions $(unaligned)
# $(call fast,VARIANT,FILE)
fast = $(if $(filter $(TARGET),$(1)),$(fast_$(2)))

# Functions that these files keep in tables or behind states which a client without a certificate never
# enters: the names of src/net/tls_unused.c take their places.
unused_pk := mbedtls_rsa_rsassa_pss_sign_no_mode_check
unused_pk_wrap := mbedtls_rsa_pkcs1_sign mbedtls_rsa_pkcs1_encrypt mbedtls_rsa_pkcs1_decrypt \
    mbedtls_ecdsa_write_signature
unused_psa_crypto := mbedtls_psa_rsa_import_key mbedtls_psa_rsa_export_public_key
unused_rsa := mbedtls_rsa_deduce_primes mbedtls_rsa_deduce_private_exponent \
    mbedtls_rsa_deduce_crt mbedtls_rsa_validate_params mbedtls_rsa_validate_crt
unused_ssl_tls13_client := mbedtls_ssl_tls13_write_certificate_verify

# The arithmetic of cryptography is made for speed where the rest is made dense, and without LTO, whose code would all be dense.
# These loops take the time of a handshake; what is no loop of it is compiled small.
# $(call quick,VARIANT,FILE): the flags of FILE
loops := bearssl bignum bignum_core bignum_mod bignum_mod_raw aes gcm chacha20 poly1305
slowing_$(TARGET) := $(if $(row_dense),-flto $(row_dense))
quick = $(if $(filter bearssl bignum_core,$(2)),$(filter-out $(slowing_$(1)),$($(1)_LIB_CFLAGS)),$($(1)_LIB_CFLAGS)) \
    $(if $(filter $(loops),$(2)),,$($(1)_SMALLER))

# src/net/tls.c asks the library's own, where no good verdict on the chain is known.
other_ssl_tls := -Dmbedtls_x509_crt_verify_with_ca_cb=tls_verify_chain
# src/net/tls_look.c asks it, where what a server shows has to be proven.
other_ssl_tls13_generic := -Dmbedtls_pk_verify_ext=tls_verify_signature

# src/net/curve.c has these; the library's own get other names.
slow_ecp := -Dmbedtls_ecp_mul=mbedtls_slow_mul \
    -Dmbedtls_ecp_mul_restartable=mbedtls_slow_mul_restartable \
    -Dmbedtls_ecp_muladd=mbedtls_slow_muladd \
    -Dmbedtls_ecp_muladd_restartable=mbedtls_slow_muladd_restartable \
    -Dmbedtls_ecp_check_pub_priv=mbedtls_slow_check_pub_priv

# third_party_rules VARIANT: $(B)/VARIANT/lib/lib{mbedtls,bearssl,inih}.a
define third_party_rules
$(B)/$(1)/lib/.done: $(B)/$(1)/lib/libmbedtls.a $(B)/$(1)/lib/libbearssl.a $(B)/$(1)/lib/libinih.a
	@touch $$@

$(B)/$(1)/lib/libmbedtls.a: $(MBEDTLS_FILES:%=$(B)/$(1)/lib/mbedtls/%.o) $(B)/$(1)/lib/mbedtls/x25519.o
$(B)/$(1)/lib/libbearssl.a: $(BEARSSL_FILES:%=$(B)/$(1)/lib/bearssl/%.o)
$(B)/$(1)/lib/libinih.a: $(B)/$(1)/lib/inih/ini.o

$(B)/$(1)/lib/%.a: third_party/rules.mk
	@echo "  AR      $$@"
	@rm -f $$@ && $$($(1)_AR) crD $$@ $$(filter %.o,$$^)

$(B)/$(1)/lib/mbedtls/%.o: $(B)/src/mbedtls/library/%.c third_party/mbedtls_config.h $(wildcard third_party/*_alt.h) third_party/rules.mk $(B)/$(1)/lib.flags $(B)/src/mbedtls/.sum
	$$(call third_party_compile,$$($(1)_CC) $$(call quick,$(1),$$*) $$(foreach f,$$(unused_$$*),-D$$(f)=unused_$$(f)) $$(slow_$$*) $$(other_$$*),mbedtls)
$(B)/$(1)/lib/mbedtls/x25519.o: $(B)/src/mbedtls/.sum third_party/mbedtls_config.h $(wildcard third_party/*_alt.h) third_party/rules.mk $(B)/$(1)/lib.flags
	$$(call third_party_compile,$$($(1)_CC) $$($(1)_LIB_CFLAGS) $$(call fast,$(1),x25519) $(EVEREST_FLAGS),mbedtls,$(EVEREST)/library/Hacl_Curve25519_joined.c)
$(B)/$(1)/lib/bearssl/%.o: $(B)/src/bearssl/src/%.c third_party/rules.mk $(B)/$(1)/lib.flags $(B)/src/bearssl/.sum
	$$(call third_party_compile,$$($(1)_CC) $$(call quick,$(1),bearssl) -I$(B)/src/bearssl/src $$(call fast,$(1),$$(*F)),bearssl)
$(B)/$(1)/lib/inih/%.o: $(B)/src/inih/%.c $(B)/$(1)/lib.flags $(B)/src/inih/.sum
	$$(call third_party_compile,$$($(1)_CC) $$($(1)_LIB_CFLAGS),inih)
endef

# $(1): compiler and flags, $(2): name of the package, $(3): the source, if it is not $<. The seed makes LTO's names the same each time.
define third_party_compile
@mkdir -p $(@D)
@echo "  CC      $(2)/$(@F:.o=.c)"
@$(1) $(if $(findstring -flto,$(1)),-frandom-seed=$(2)/$(@F:.o=.c)) -w -c -o $@ $(or $(3),$<)
endef

$(foreach v,$(VARIANTS),$(eval $(call third_party_rules,$(v))))

# musl: static only, no LTO (the compiler takes its memcpy for a builtin and drops it).
$(B)/$(TARGET)/lib/.done: $(B)/$(TARGET)/musl/.done
$(MBEDTLS_FILES:%=$(B)/$(TARGET)/lib/mbedtls/%.o) $(B)/$(TARGET)/lib/mbedtls/x25519.o \
    $(BEARSSL_FILES:%=$(B)/$(TARGET)/lib/bearssl/%.o) \
    $(B)/$(TARGET)/lib/inih/ini.o: | $(B)/$(TARGET)/musl/.done

# Nobody calls these (a third of the files), but for what printf and glob of the tests need.
MUSL_UNUSED := aio/% complex/% crypt/% ipc/% math/% mq/% regex/%
MUSL_TESTS := $(addprefix math/,__fpclassifyl __signbitl copysignl fmodl frexpl scalbn scalbnl frexp fmod copysign fabs fabsl) \
    regex/glob regex/fnmatch
# Only what is linked: musl would make crt files for PIE too, whatever our flags say, and its library of -fPIC objects where the
# compiler's default is PIE.
MUSL_PARTS := ALL_LIBS='lib/$(notdir $(CRT)) lib/libc.a' \
    AOBJS='$$(filter-out $(MUSL_UNUSED:%=obj/src/%),$$(LIBC_OBJS))$(MUSL_TESTS:%= obj/src/%.o)'

$(B)/$(TARGET)/musl/.done: $(B)/src/musl/.sum $(B)/$(TARGET)/musl.flags third_party/rules.mk
	@echo "  MUSL    $(TARGET)"
	@rm -rf $(B)/$(TARGET)/musl $(B)/$(TARGET)/musl-build
	@mkdir -p $(B)/$(TARGET)/musl-build
	+@cd $(B)/$(TARGET)/musl-build && exec >build.log 2>&1 && \
	 $(abspath $(B))/src/musl/configure --disable-shared --disable-wrapper \
	    --prefix=$(abspath $(B))/$(TARGET)/musl --syslibdir=/none --with-malloc=oldmalloc \
	    CC='$(TARGET_CC)' AR='$(TARGET_AR)' RANLIB=true CFLAGS='$(TARGET_MUSL_CFLAGS)' && \
	 $(MAKE) -f Makefile B= V= $(MUSL_PARTS) install-headers install-libs || \
	 { tail -n 20 build.log >&3; exit 1; } 3>&2
	@touch $@

# cmocka, for the unit tests of the target alone. Of floating point it only takes the time of tests, and some targets have traps for
# that: its numbers are whole ones. No sigsetjmp: musl's for MIPS is for callers with abicalls, which leave its address in $25.
CMOCKA_FLAGS := -Ddouble=long -Dfloat=long -DHAVE_INTTYPES_H -DHAVE_MALLOC_H -DHAVE_SIGNAL_H -DHAVE_STRINGS_H \
    -DHAVE_STRSIGNAL -DHAVE_GCC_THREAD_LOCAL_STORAGE
$(B)/$(TARGET)/lib/cmocka.o: $(B)/src/cmocka/.pinned third_party/rules.mk $(B)/$(TARGET)/lib.flags | $(B)/$(TARGET)/musl/.done
	$(call third_party_compile,$(TARGET_CC) $(filter-out -flto $(row_dense),$($(TARGET)_LIB_CFLAGS)) $(CMOCKA_HEADER) $(CMOCKA_FLAGS),cmocka,$(B)/src/cmocka/src/cmocka.c)
