# daneroll. "make help" lists the targets; third_party/README.md says what is fetched and how.
#
# B=DIR       where everything is built (default: build)
# TARGET=...  a row of cross/targets (default: this machine)
# V=1         show the commands
# DISTFILES   a folder with the tarballs of third_party/pins, asked before apt and upstream

SHELL := /bin/sh
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
export LC_ALL := C
unexport LIBRARY_PATH CPATH C_INCLUDE_PATH

B ?= build
PREFIX ?= /usr/local
TARGET ?= $(shell uname -m)
SECONDS ?= 60
V ?=
comma := ,
Q := $(if $(V),,@)

# ---- the target's row ---------------------------------------------------------------------------

row := $(shell sed -e 's/ *| */|/g' -e 's/ /~/g' cross/targets | grep '^$(TARGET)|' | tr '|' ' ')
ifeq ($(row),)
$(error no row for the target "$(TARGET)" in cross/targets: say TARGET=... with one of: $(shell sed -n 's/^\([a-z0-9_]*\) *|.*/\1/p' cross/targets))
endif
row_prefix := $(word 2,$(row))
row_flags := $(subst ~, ,$(word 3,$(row)))
row_dense := $(filter-out -,$(subst ~, ,$(word 4,$(row))))
row_link := $(word 5,$(row))
row_linker := $(filter-out -,$(subst ~, ,$(word 6,$(row))))
row_helpers := $(subst ~, ,$(word 7,$(row)))

# A compiler named on the command line (OpenWrt's SDK does so) beats the row's; where the row's is
# missing but this machine is of that kind, its plain gcc will do.
ifeq ($(origin CC),command line)
TARGET_TOOL = $(if $(filter gcc,$(1)),$(CC),$(CC:gcc=)$(1))
else ifneq ($(shell command -v $(row_prefix)gcc),)
TARGET_TOOL = $(row_prefix)$(1)
else
TARGET_TOOL = $(1)
endif
TARGET_CC := $(call TARGET_TOOL,gcc)
TARGET_AR := $(call TARGET_TOOL,gcc-ar)
TARGET_STRIP := $(call TARGET_TOOL,strip)
HOST_CC := gcc
CLANG := clang

# ---- sources: never listed, always found --------------------------------------------------------

SRC := $(sort $(wildcard src/*.c src/*/*.c))
UNITS := $(patsubst tests/unit/%.c,%,$(sort $(wildcard tests/unit/test_*.c)))
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
TOOLS := $(patsubst tests/tools/%.c,%,$(sort $(wildcard tests/tools/*.c)))
CLOCK := $(patsubst tests/clock/%.c,%,$(sort $(wildcard tests/clock/*.c)))
VARIANTS := $(TARGET) host asan fuzz

# ---- flags --------------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror
LANGUAGE := -std=c11 -D_POSIX_C_SOURCE=200809L
INIH_DEFINES := -DINI_HANDLER_LINENO=1 -DINI_CALL_HANDLER_ON_NEW_SECTION=1 \
    -DINI_ALLOW_NO_VALUE=1 -DINI_ALLOW_MULTILINE=0 -DINI_ALLOW_INLINE_COMMENTS=0 \
    -DINI_MAX_LINE=1100 -DINI_USE_STACK=1
LIB_FLAGS := $(INIH_DEFINES) '-DMBEDTLS_CONFIG_FILE=<mbedtls_config.h>' -isystem third_party \
    -isystem $(B)/src/mbedtls/include -isystem $(B)/src/bearssl/inc -isystem $(B)/src/inih
OUR_FLAGS := $(LANGUAGE) $(WARNINGS) -Isrc $(LIB_FLAGS)

# Two clean builds in two folders give the same bytes: no path gets into an object.
PREFIX_MAP := -ffile-prefix-map=$(CURDIR)=. -ffile-prefix-map=$(abspath $(B))=build \
    -ffile-prefix-map=$(B)=build

# The target: musl's headers and nothing of the machine's libc.
MUSL := $(B)/$(TARGET)/musl
PIE := $(filter pie,$(row_link))
TARGET_CODE := -Oz $(if $(PIE),-fPIE,-fno-pie -fno-pic) $(row_flags) -fno-stack-protector \
    -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-ident -fno-math-errno \
    -fno-inline-functions-called-once
TARGET_MUSL_CFLAGS := $(TARGET_CODE) -ffunction-sections -fdata-sections \
    -ffile-prefix-map=$(abspath $(B))=build
TARGET_FLAGS := $(TARGET_CODE) $(row_dense) -g -flto -ffunction-sections -fdata-sections -fvisibility=hidden \
    $(PREFIX_MAP) -nostdinc -isystem $(MUSL)/include \
    -isystem $(shell $(TARGET_CC) -print-file-name=include 2>/dev/null)
# Each of these costs octets above what -Oz means to (together 7 KB on x86-64), and no time where it
# matters: BearSSL's curves, big numbers, AES and GCM are compiled without them (rules.mk).
$(TARGET)_SMALLER := -fno-tree-sra -fno-thread-jumps -fno-caller-saves -fno-optimize-sibling-calls \
    -fno-if-conversion -fno-move-loop-invariants -fno-tree-dominator-opts -fipa-pta \
    -fallow-store-data-races
$(TARGET)_CC := $(TARGET_CC)
$(TARGET)_AR := $(TARGET_AR)
$(TARGET)_CFLAGS = $(TARGET_FLAGS) $($(TARGET)_SMALLER) $(OUR_FLAGS)
$(TARGET)_LIB_CFLAGS = $(TARGET_FLAGS) -std=gnu11 $(LIB_FLAGS)

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
host_CC := $(HOST_CC)
host_AR := ar
host_CFLAGS := -O1 -g $(OUR_FLAGS)
host_LIB_CFLAGS := -O1 -g -std=gnu11 $(LIB_FLAGS)
asan_CC := $(HOST_CC)
asan_AR := ar
asan_CFLAGS := $(host_CFLAGS) $(SANITIZE)
asan_LIB_CFLAGS := $(host_LIB_CFLAGS) $(SANITIZE)
fuzz_CC := $(CLANG)
fuzz_AR := ar
fuzz_CFLAGS := $(host_CFLAGS) $(SANITIZE) -fsanitize=fuzzer-no-link
fuzz_LIB_CFLAGS := $(host_LIB_CFLAGS) $(SANITIZE) -fsanitize=fuzzer-no-link

# The crt file by name: gcc's own specs would take glibc's, and musl-gcc makes a dynamic file of
# -static-pie without a word. crti.o, crtn.o and gcc's begin and end serve constructors, unwinding
# and transactions: there is none of it.
GCC_FILE = $(shell $(TARGET_CC) $(row_flags) -print-file-name=$(1) 2>/dev/null || :)
# Said to the linker too: the compilers for MIPS and ARM forget what -static-pie means.
STATIC_PIE := -static-pie -Wl,-static,-pie,--no-dynamic-linker,-z,text,--hash-style=gnu
CRT := $(MUSL)/lib/$(if $(PIE),rcrt1.o,crt1.o)
TARGET_LDFLAGS := $(TARGET_CODE) $(row_dense) -g -flto=1 -flto-partition=one $(PREFIX_MAP) -nostdlib \
    $(if $(PIE),$(STATIC_PIE),-static -no-pie) -Wl,--gc-sections \
    -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,noseparate-code -Wl,--build-id=none -Wl,-O1 \
    $(row_linker)
# The helpers are no part of LTO: the compiler calls them after that has dropped what nobody calls.
HELPERS := $(patsubst %,$(B)/$(TARGET)/cross/%.o,$(filter-out libgcc,$(row_helpers)))
TARGET_LIBS := $(B)/$(TARGET)/lib/libmbedtls.a $(B)/$(TARGET)/lib/libbearssl.a \
    $(B)/$(TARGET)/lib/libinih.a $(MUSL)/lib/libc.a $(HELPERS) \
    $(if $(filter libgcc,$(row_helpers)),$(call GCC_FILE,libgcc.a))
# A group: Mbed TLS calls our entropy source, we call Mbed TLS.
HOST_LIBS = -Wl,--start-group $(B)/$(1)/libdaneroll.a $(B)/$(1)/lib/libmbedtls.a \
    $(B)/$(1)/lib/libbearssl.a $(B)/$(1)/lib/libinih.a -Wl,--end-group

# ---- stamps: a changed flag, compiler or list of files rebuilds what it made ---------------------

# The goals that call deps first: their sub-make has the compiler, this one may not.
quiet_goals := help clean deps demo check
ifneq ($(filter-out $(quiet_goals),$(or $(MAKECMDGOALS),all)),)
# $(call stamp,file,text): writes only what differs, and no process is started for it
define stamp
$(if $(call differs,$(strip $(file <$(1))),$(strip $(2))),$(shell mkdir -p $(dir $(1)))$(file >$(1),$(strip $(2))))
endef
differs = $(if $(filter-out x,x$(subst x$(1)x,,x$(2)x)),1)
gcc_version := $(shell { $(TARGET_CC) -dumpfullversion -dumpmachine; } 2>/dev/null)
host_version := $(shell { $(HOST_CC) -dumpfullversion -dumpmachine; } 2>/dev/null)
$(call stamp,$(B)/$(TARGET)/flags,$($(TARGET)_CC) $(gcc_version) $($(TARGET)_CFLAGS))
$(call stamp,$(B)/$(TARGET)/lib.flags,$($(TARGET)_CC) $(gcc_version) $($(TARGET)_LIB_CFLAGS) $($(TARGET)_SMALLER))
$(call stamp,$(B)/$(TARGET)/musl.flags,$($(TARGET)_CC) $(gcc_version) $(TARGET_MUSL_CFLAGS))
$(call stamp,$(B)/$(TARGET)/link.flags,$(TARGET_LDFLAGS) -save-temps $(CRT) $(TARGET_LIBS) $(SRC))
$(foreach v,host asan fuzz,$(call stamp,$(B)/$(v)/flags,$($(v)_CC) $(host_version) $($(v)_CFLAGS)))
$(foreach v,host asan fuzz,$(call stamp,$(B)/$(v)/lib.flags,$($(v)_CC) $(host_version) $($(v)_LIB_CFLAGS)))
$(foreach v,host asan fuzz,$(call stamp,$(B)/$(v)/sources,$(SRC)))
endif

.PHONY: all
all: $(B)/$(TARGET)/daneroll

# ---- third-party libraries ----------------------------------------------------------------------

ifdef INSIDE
include third_party/rules.mk
else
# Two makes may run in one build folder at once: the lock lets one of them do this part.
$(VARIANTS:%=$(B)/%/lib/.done): $(B)/%/lib/.done: $(B)/%/lib.flags third_party/pins \
    third_party/mbedtls_config.h $(wildcard third_party/*_alt.h) third_party/rules.mk | $(B)/.have-build
	+@mkdir -p $(@D) && flock $(B)/.lock sh -e -c '\
	    $(MAKE) -s --no-print-directory INSIDE=1 sources; \
	    $(MAKE) -s --no-print-directory INSIDE=1 $@'
$(B)/$(TARGET)/lib/.done: $(B)/$(TARGET)/musl.flags
$(B)/fuzz/lib/.done: | $(B)/.have-fuzz
$(B)/$(TARGET)/lib/cmocka.o: $(B)/$(TARGET)/lib/.done
	+@flock $(B)/.lock $(MAKE) -s --no-print-directory INSIDE=1 $@
endif

.PRECIOUS: $(B)/.have-%
# Says what is missing, with the line that installs it.
$(B)/.have-%: tests/packages
	@tests/deps check $*
	@mkdir -p $(@D) && touch $@

# ---- our objects --------------------------------------------------------------------------------

# $(1): compiler and flags. Written beside and renamed, so that nobody ever links half an object.
define compile
@mkdir -p $(@D)
@echo "  CC      $@"
$(Q)$(1) $(if $(findstring -flto,$(1)),-frandom-seed=$<) -MD -MP -MF $@.$$$$.d -MT $@ -c -o $@.$$$$.o $< && \
    mv -f $@.$$$$.d $(@:.o=.d) && mv -f $@.$$$$.o $@ || { rm -f $@.$$$$.d $@.$$$$.o; exit 1; }
endef
# $(1): command without -o
define link
@mkdir -p $(@D)
@echo "  LINK    $@"
$(Q)$(1) -o $@.$$$$ && mv -f $@.$$$$ $@ || { rm -f $@.$$$$; exit 1; }
endef

define variant
$(1)_OBJ := $(SRC:src/%.c=$(B)/$(1)/obj/%.o)
$(B)/$(1)/obj/%.o: src/%.c $(B)/$(1)/flags | $(B)/$(1)/lib/.done
	$$(call compile,$$($(1)_CC) $$($(1)_CFLAGS))
-include $(SRC:src/%.c=$(B)/$(1)/obj/%.d)
endef
$(foreach v,$(VARIANTS),$(eval $(call variant,$(v))))

# ---- the program --------------------------------------------------------------------------------

# $(1): objects
target_command = $(TARGET_CC) $(TARGET_LDFLAGS) -Wl$(comma)-Map=$@.map $(CRT) $(1) -Wl$(comma)--start-group $(TARGET_LIBS) -Wl$(comma)--end-group
link_target = $(call link,$(call target_command,$(1)))
# The same, and what LTO has made of it all stays as assembly, for tests/count below. Not with a compiler
# that the caller names (an SDK's): gcc before 11 has no -dumpdir.
define link_kept
@mkdir -p $(@D)
@echo "  LINK    $@"
$(Q)out=$@.$$$$; mkdir $$out.d && $(1) -save-temps=obj -dumpdir $$out.d/ -o $$out && \
    mv -f $$out.d/*ltrans0.ltrans.s $(@:.debug=.s) && rm -r $$out.d && mv -f $$out $@ || { rm -rf $$out $$out.d; exit 1; }
endef
STRIPPED = $(TARGET_STRIP) --strip-all -R .comment -R .note -R '.note.*'

$(B)/$(TARGET)/cross/%.o: cross/%.c $(B)/$(TARGET)/flags | $(B)/$(TARGET)/lib/.done
	$(call compile,$($(TARGET)_CC) $(filter-out -flto $(row_dense),$($(TARGET)_CFLAGS)) -fvisibility=default)
-include $(HELPERS:.o=.d)

$(B)/$(TARGET)/daneroll.debug: $($(TARGET)_OBJ) $(HELPERS) $(B)/$(TARGET)/lib/.done $(B)/$(TARGET)/link.flags
	$(call $(if $(filter command line,$(origin CC)),link,link_kept),$(call target_command,$($(TARGET)_OBJ)))

$(B)/$(TARGET)/daneroll: $(B)/$(TARGET)/daneroll.debug
	$(call link,$(STRIPPED) $<)

# The same objects with the clock (and the built-in anchors) replaced: every tests/clock/NAME.c
# stands for the object of src with that name.
CLOCK_OUT := $(foreach n,$(CLOCK),$(filter %/$(n).o,$($(TARGET)_OBJ)))
CLOCK_OBJ := $(CLOCK:%=$(B)/$(TARGET)/clock/%.o)
$(B)/$(TARGET)/clock/%.o: tests/clock/%.c $(B)/$(TARGET)/flags | $(B)/$(TARGET)/lib/.done
	$(call compile,$($(TARGET)_CC) $($(TARGET)_CFLAGS))
-include $(CLOCK_OBJ:.o=.d)
$(B)/test/daneroll-clock.debug: $(CLOCK_OBJ) $($(TARGET)_OBJ) $(HELPERS) $(B)/$(TARGET)/lib/.done $(B)/$(TARGET)/link.flags
	$(if $(filter $(words $(CLOCK)),$(words $(CLOCK_OUT))),,$(error a file of tests/clock has no object in src to stand for))
	$(call link_target,$(filter-out $(CLOCK_OUT),$($(TARGET)_OBJ)) $(CLOCK_OBJ))
$(B)/test/daneroll-clock: $(B)/test/daneroll-clock.debug
	$(call link,$(STRIPPED) $<)

# The same code with the allocator and the stack watched: tests/count says how. It is the assembly of the
# program's own link, so that the code is the shipped one, and linking it costs a second.
COUNTED := main malloc realloc free __mmap munmap __mremap
$(B)/$(TARGET)/count/count.o: tests/count/count.c $(B)/$(TARGET)/flags | $(B)/$(TARGET)/lib/.done
	$(call compile,$($(TARGET)_CC) $(filter-out -flto,$($(TARGET)_CFLAGS)))
-include $(B)/$(TARGET)/count/count.d
$(B)/$(TARGET)/count/daneroll: $(B)/$(TARGET)/count/count.o $(B)/$(TARGET)/daneroll.debug
	@echo "  AS      $@.o"
	$(Q)$(TARGET_CC) $(TARGET_CODE) $(row_dense) -c -o $@.o $(B)/$(TARGET)/daneroll.s && $(TARGET_STRIP) -g $@.o
	$(call link,$(TARGET_CC) $(filter-out -flto%,$(TARGET_LDFLAGS)) $(COUNTED:%=-Wl$(comma)--wrap=%) $(CRT) $@.o $< -Wl$(comma)--start-group $(TARGET_LIBS) -Wl$(comma)--end-group)

# ---- glibc builds for tests: everything but main.c in a library -----------------------------------

# ar appends ("q"): "r" would take two objects of one name, from two folders, for the same.
define test_variant
$(B)/$(1)/libdaneroll.a: $$(filter-out %/obj/main.o,$$($(1)_OBJ)) $(B)/$(1)/sources
	@echo "  AR      $$@"
	$$(Q)$$($(1)_AR) qcsD $$@.$$$$$$$$ $$(filter %.o,$$^) && mv -f $$@.$$$$$$$$ $$@ || { rm -f $$@.$$$$$$$$; exit 1; }
$(B)/$(1)/daneroll: $(B)/$(1)/obj/main.o $(B)/$(1)/libdaneroll.a $(B)/$(1)/lib/.done
	$$(call link,$$($(1)_CC) $$($(1)_CFLAGS) $(B)/$(1)/obj/main.o $$(call HOST_LIBS,$(1)))
$(B)/$(1)/unit/%.o: tests/unit/%.c $(B)/$(1)/flags | $(B)/$(1)/lib/.done $(B)/.have-test
	$$(call compile,$$($(1)_CC) $$($(1)_CFLAGS) -Itests/unit)
$(B)/$(1)/unit/%: $(B)/$(1)/unit/%.o $(B)/$(1)/libdaneroll.a $(B)/$(1)/lib/.done
	$$(call link,$$($(1)_CC) $$($(1)_CFLAGS) $$< $$(call HOST_LIBS,$(1)) -lcmocka)
$(B)/$(1)/tools/%.o: tests/tools/%.c $(B)/$(1)/flags | $(B)/$(1)/lib/.done
	$$(call compile,$$($(1)_CC) $$($(1)_CFLAGS))
$(B)/$(1)/tools/%: $(B)/$(1)/tools/%.o $(B)/$(1)/libdaneroll.a $(B)/$(1)/lib/.done
	$$(call link,$$($(1)_CC) $$($(1)_CFLAGS) $$< $$(call HOST_LIBS,$(1)))
-include $(UNITS:%=$(B)/$(1)/unit/%.d) $(TOOLS:%=$(B)/$(1)/tools/%.d)
.SECONDARY: $(UNITS:%=$(B)/$(1)/unit/%.o) $(TOOLS:%=$(B)/$(1)/tools/%.o)
endef
$(foreach v,host asan fuzz,$(eval $(call test_variant,$(v))))

$(B)/fuzz/bin/%.o: tests/fuzz/%.c $(B)/fuzz/flags | $(B)/fuzz/lib/.done
	$(call compile,$(fuzz_CC) $(fuzz_CFLAGS))
$(B)/fuzz/bin/%: $(B)/fuzz/bin/%.o $(B)/fuzz/libdaneroll.a $(B)/fuzz/lib/.done
	$(call link,$(fuzz_CC) $(fuzz_CFLAGS) -fsanitize=fuzzer $< $(call HOST_LIBS,fuzz))
-include $(FUZZERS:%=$(B)/fuzz/bin/%.d)
.SECONDARY: $(FUZZERS:%=$(B)/fuzz/bin/%.o)

# ---- unit tests as programs of the target ---------------------------------------------------------

# tests/run runs them under qemu-user. The sources are compiled once more without LTO, into an archive: as on the host, a test's own
# time_wall takes the place of ours. What the libraries' LTO makes is the same for every test, so that is done once for each library.
# No MIPS16 in the tests: it has no atomic instructions.
# cmocka.h's own uintptr_t is wrong with musl and 64 bits.
CMOCKA_HEADER := -isystem $(B)/src/cmocka/include -DHAVE_UINTPTR_T -include stdint.h
TARGET_UNIT := $(B)/$(TARGET)/unit
UNIT_OBJ := $(patsubst src/%.c,$(TARGET_UNIT)/src/%.o,$(filter-out src/main.c,$(SRC)))
UNIT_LIBS := $(TARGET_UNIT)/libmbedtls.a $(TARGET_UNIT)/libbearssl.a $(TARGET_UNIT)/libinih.a
$(TARGET_UNIT)/src/%.o: src/%.c $(B)/$(TARGET)/flags | $(B)/$(TARGET)/lib/.done
	$(call compile,$($(TARGET)_CC) $(filter-out -flto,$($(TARGET)_CFLAGS)))
$(TARGET_UNIT)/libdaneroll.a: $(UNIT_OBJ) $(B)/$(TARGET)/link.flags
	@echo "  AR      $@"
	$(Q)rm -f $@ && $(TARGET_AR) qcsD $@ $(filter %.o,$^)
$(UNIT_LIBS): $(TARGET_UNIT)/%.a: $(B)/$(TARGET)/lib/.done $(B)/$(TARGET)/link.flags
	$(call link,$(filter-out $(STATIC_PIE) -static -no-pie -Wl$(comma)%,$(TARGET_CC) $(TARGET_LDFLAGS)) -no-pie -r -flinker-output=nolto-rel -Wl$(comma)--whole-archive $(B)/$(TARGET)/lib/$*.a)
	$(Q)mv -f $@ $(@:.a=.o) && $(TARGET_AR) crsD $@ $(@:.a=.o)
$(TARGET_UNIT)/test_%.o: tests/unit/test_%.c $(B)/$(TARGET)/flags | $(B)/$(TARGET)/lib/cmocka.o
	$(call compile,$($(TARGET)_CC) $(filter-out -flto $(row_dense),$($(TARGET)_CFLAGS)) -Itests/unit $(CMOCKA_HEADER))
$(UNITS:%=$(TARGET_UNIT)/%): %: %.o $(B)/$(TARGET)/lib/cmocka.o $(TARGET_UNIT)/libdaneroll.a $(UNIT_LIBS) $(HELPERS)
	$(call link,$(TARGET_CC) $(filter-out -flto%,$(TARGET_LDFLAGS)) $(CRT) $(wordlist 1,2,$^) -Wl$(comma)--start-group $(TARGET_UNIT)/libdaneroll.a $(UNIT_LIBS) $(filter-out $(B)/$(TARGET)/lib/%,$(TARGET_LIBS)) -Wl$(comma)--end-group)
-include $(UNIT_OBJ:.o=.d)
-include $(UNITS:%=$(TARGET_UNIT)/%.d)
.SECONDARY: $(UNITS:%=$(TARGET_UNIT)/%.o)

.PHONY: unit-host unit-asan unit-qemu fuzz-build
unit-qemu: $(UNITS:%=$(TARGET_UNIT)/%)
unit-host: $(UNITS:%=$(B)/host/unit/%)
unit-asan: $(UNITS:%=$(B)/asan/unit/%)
fuzz-build: $(FUZZERS:%=$(B)/fuzz/bin/%)

# ---- tests --------------------------------------------------------------------------------------

# Everything that tests/run is told by its environment.
RUN = B=$(B) TARGET=$(TARGET) FUZZ_SECONDS=$(FUZZ_SECONDS) tests/run
FUZZ_SECONDS := 10
GROUP := build test e2e demo bench lint fuzz cross package
# As many jobs as processors, unless the caller said how many.
JOBS = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 2))

# The flags as tests/lint gives them to clang, clang-tidy and cppcheck.
export LINT_FLAGS := $(OUR_FLAGS)

.PHONY: help deps demo test check check-build size size-all bench jsoncheck lint format fuzz install clean
help:
	@echo 'make             the program: $(B)/$(TARGET)/daneroll'
	@echo 'make deps        install the Debian packages of tests/packages (GROUP="$(GROUP)")'
	@echo 'make demo        build, then show a rotation against an emulated provider'
	@echo 'make test        the quick tests: no root, no servers'
	@echo 'make check       all tests; as root, it installs what it needs'
	@echo 'make cross-all   the program for every row of cross/targets; make dist: with sums in $(B)/dist'
	@echo 'make size        the targets that are built beside their budgets; what each component and each feature takes'
	@echo '                 of TARGET; make size-all: builds them all first'
	@echo 'make bench       memory, time, processes, beside the classic script'
	@echo 'make jsoncheck   the program that judges JSON from standard input: $(B)/jsoncheck'
	@echo 'make lint        static analysis and house rules'
	@echo 'make format      lay the sources out with clang-format'
	@echo 'make fuzz        fuzz each parser (SECONDS=$(SECONDS))'
	@echo 'make ipk         OpenWrt packages (IPK_TARGETS="..."): $(B)/ipk'
	@echo 'make deb         a Debian package: $(B)/deb; make tarball: an archive with install, $(B)/tarball'
	@echo 'make install     program and man pages (DESTDIR=, PREFIX=$(PREFIX))'
	@echo 'make clean       remove $(B)'
	@echo
	@echo 'B=DIR builds elsewhere, TARGET=NAME for another row of cross/targets, V=1 shows commands,'
	@echo 'DISTFILES=DIR is asked for the third-party tarballs before apt and upstream.'

deps:
	@tests/deps install $(GROUP)

demo:
	@tests/deps install build demo
	@$(MAKE) --no-print-directory $(JOBS) all
	@DANEROLL=$(abspath $(B))/$(TARGET)/daneroll BUILD=$(abspath $(B)) tests/demo/demo

test: unit-host
	@$(RUN) unit-host

check-build: all unit-host unit-asan $(B)/asan/daneroll fuzz-build jsoncheck \
    $(TOOLS:%=$(B)/$(TARGET)/tools/%) $(TOOLS:%=$(B)/asan/tools/%) \
    $(if $(CLOCK),$(B)/test/daneroll-clock) cross-check unit-qemu-all

SUITES := unit-host unit-asan unit-qemu emulator e2e-target e2e-asan e2e-qemu fuzz lint
# Without root no package can be installed and no namespace made: the quick part, and a failure.
check:
	@if [ "$$(id -u)" != 0 ]; then \
	    $(MAKE) --no-print-directory -k $(JOBS) unit-host; \
	    $(RUN) $(patsubst %,--skip "%=needs root",$(filter-out unit-host,$(SUITES))) unit-host; \
	    echo 'make check needs root for the rest' >&2; exit 1; \
	fi
	@tests/deps install $(filter-out bench,$(GROUP))
	@if $(MAKE) --no-print-directory -k $(JOBS) check-build; then built=passed; else built=failed; fi; \
	 SUITE_LONG=1 $(RUN) --result check-build=$$built $(SUITES)

size: $(B)/$(TARGET)/daneroll
	@tests/size $(B) $(TARGET)
size-all: cross-all
	@$(MAKE) --no-print-directory size

bench: all
	@tests/deps install bench
	@DANEROLL=$(abspath $(B))/$(TARGET)/daneroll BUILD=$(abspath $(B)) tests/bench/bench

$(B)/$(TARGET)/tools/%.o: tests/tools/%.c $(B)/$(TARGET)/flags | $(B)/$(TARGET)/lib/.done
	$(call compile,$($(TARGET)_CC) $($(TARGET)_CFLAGS))
-include $(TOOLS:%=$(B)/$(TARGET)/tools/%.d)
.SECONDARY: $(TOOLS:%=$(B)/$(TARGET)/tools/%.o)
$(B)/$(TARGET)/tools/%: $(B)/$(TARGET)/tools/%.o $(filter-out %/obj/main.o,$($(TARGET)_OBJ)) $(B)/$(TARGET)/lib/.done $(B)/$(TARGET)/link.flags | $(HELPERS)
	$(call link_target,$(filter %.o,$^))
$(B)/jsoncheck: $(B)/$(TARGET)/tools/jsoncheck
	@ln -f $< $@.$$$$ && mv -f $@.$$$$ $@
jsoncheck: $(B)/jsoncheck
	@echo $(B)/jsoncheck

lint: $(B)/host/lib/.done
	@tests/deps check lint
	@$(RUN) lint

format:
	@tests/deps check lint
	clang-format -i $(wildcard src/*.[ch] src/*/*.[ch] tests/*/*.[ch])

fuzz: fuzz-build
	@FUZZ_SECONDS=$(SECONDS) B=$(B) TARGET=$(TARGET) tests/run fuzz

install: $(B)/$(TARGET)/daneroll
	install -D -m 755 $< $(DESTDIR)$(PREFIX)/bin/daneroll
	$(if $(wildcard src/daneroll.8),install -D -m 644 src/daneroll.8 $(DESTDIR)$(PREFIX)/share/man/man8/daneroll.8)
	$(if $(wildcard src/daneroll.conf.5),install -D -m 644 src/daneroll.conf.5 $(DESTDIR)$(PREFIX)/share/man/man5/daneroll.conf.5)

clean:
	rm -rf $(B)

# What is made of the programs of all targets: packages, the distribution folder.
include $(sort $(wildcard cross/*.mk cross/*/*.mk))
