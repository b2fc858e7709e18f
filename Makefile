# parley: build, tests and demo. "make help" lists what can be asked for.
#
# Three kinds of objects are made: those for the shipped programs (gcc, musl, in build/obj), those for unit tests
# (gcc, glibc, sanitizers, in build/host) and those that only prove that clang has no complaint (build/clang).
# Paths are relative and the locale is fixed, so the same tree gives the same bytes wherever it is.

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin AR),default)
AR := ar
endif
CLANG ?= clang
LC_ALL := C
SOURCE_DATE_EPOCH ?= 1735689600
export LC_ALL SOURCE_DATE_EPOCH
# For tests and demo, which read them from the environment.
export ONCE OUT CONTOSO_CSV FABRIKAM_CSV FUZZ_SECONDS TESTS PLACE
# A directory of source archives to take instead of the network.
export TARBALLS

B := build
T := build/third_party
MAX_SIZE := 573440

include third_party/flags.mk

# --- Sources, by layer --------------------------------------------------------------------------------------------
# Every C file of a layer's directory belongs to that layer and is linked, so the directory is the list: sorted
# wildcards say the same as explicit lists and cannot forget a file. scripts and tests keep nothing else in src/.
layer = $(sort $(wildcard src/$(1)/*.c))
SRC_base := $(call layer,base)
SRC_plat := $(call layer,plat)
SRC_enc := $(call layer,enc)
SRC_crypto := $(call layer,crypto)
SRC_tee := $(call layer,tee)
SRC_client := $(call layer,client)
SRC_svc := $(call layer,svc)
SRC_http := $(call layer,http)
SRC_main := $(sort $(wildcard src/main.c))
SRC_ctl := $(call layer,ctl)
# From a layer to HOST_DATA; stands on base, enc and crypto, and only parleyctl links it.
SRC_policy := $(sort $(wildcard policy/*.c))
# The page: each file becomes a C array.
UI := $(sort $(wildcard src/ui/*.*))
SRC_ui := $(foreach f,$(UI),$(B)/gen/ui_$(subst .,_,$(notdir $(f))).c)

SRC_lib := $(SRC_base) $(SRC_plat) $(SRC_enc) $(SRC_crypto) $(SRC_tee)
SRC_parley := $(SRC_lib) $(SRC_client) $(SRC_svc) $(SRC_http) $(SRC_main)
SRC_parleyctl := $(SRC_lib) $(SRC_policy) $(SRC_client) $(SRC_ctl)
SRC_own := $(sort $(SRC_parley) $(SRC_parleyctl))

# src/a/b.c -> DIR/a/b.o, build/gen/ui_x.c -> DIR/gen/ui_x.o, policy/x.c -> DIR/policy/x.o
objects = $(patsubst src/%.c,$(1)/%.o,$(filter src/%,$(2))) $(patsubst $(B)/gen/%.c,$(1)/gen/%.o,$(filter $(B)/gen/%,$(2))) \
	$(patsubst %.c,$(1)/%.o,$(filter policy/%,$(2)))

# --- Flags --------------------------------------------------------------------------------------------------------
WARN := -Wall -Wextra -Wshadow -Wconversion -Wmissing-prototypes -Wstrict-prototypes -Wvla -Werror
FRAME := -Wframe-larger-than=16384
STD := -std=c11 -D_GNU_SOURCE
PREFIX_MAP := '-ffile-prefix-map=$(CURDIR)=.'
DEP = -MMD -MP -MF $(@:.o=.d)
# Third-party headers are system headers to us: their warnings are not ours.
THIRD_INC := -isystem $(T)/bearssl/inc -isystem $(T)/jsmn
MUSL := $(T)/musl-out
# Only musl's headers and the compiler's own: no kernel header and nothing of the build machine's libc.
# Asked once, when the first file is compiled: set-up may have installed the compiler since this file was read.
gcc_inc = $(eval gcc_inc := $$(shell $$(CC) -print-file-name=include 2>/dev/null))$(gcc_inc)
MUSL_INC = -nostdinc -isystem $(MUSL)/include -isystem $(gcc_inc)

# Our own code is small before it is fast, as the libraries are (third_party/flags.mk says what that costs).
OWN_OPT := -Os
SHIP_CFLAGS = $(STD) $(OWN_OPT) -g $(HARDEN) $(WARN) $(FRAME) $(PREFIX_MAP) $(MUSL_INC) -Isrc -I. $(THIRD_INC)
BEAR_CFLAGS := -std=c99 $(OPT) $(HARDEN) $(PREFIX_MAP) -w -I$(T)/bearssl/inc -I$(T)/bearssl/src
# musl's configure takes its flags apart at blanks. Without the map no path gets in either: musl is compiled by relative names.
MUSL_CFLAGS := $(OPT) $(HARDEN) $(if $(word 2,$(CURDIR)),,-ffile-prefix-map=$(CURDIR)/$(T)/musl-obj=. -ffile-prefix-map=$(CURDIR)=.)
LDFLAGS := -static-pie -nostdlib -nostartfiles -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,relro -Wl,-z,now \
	-Wl,-z,noexecstack -Wl,-z,text -Wl,-z,separate-code -Wl,--hash-style=gnu -Wl,--sort-section=name

# Sanitizers make stack frames larger and some warnings of value flow wrong; both are judged in the shipped compile.
SAN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
HOST_CFLAGS := $(STD) -O1 -g $(SAN) $(WARN) -Wno-maybe-uninitialized -Isrc -I. $(THIRD_INC)
# cmocka's macros convert as they please, so -Wconversion is not for tests.
TEST_CFLAGS := $(filter-out -Wconversion,$(HOST_CFLAGS)) -Itests/unit

# --- What is asked for --------------------------------------------------------------------------------------------
export UPDATE
.PHONY: all audit check fresh debug image policy reproduce help test unit demo screenshot clean distclean check-clang third-party host-objs demo-programs test-programs
all: $(B)/parley $(B)/parleyctl ## build/parley and build/parleyctl (the default)

help: ## this list
	@echo "make TARGET [TARBALLS=directory of source archives]"
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' Makefile | awk -F '\t' '{ printf "  %-12s %s\n", $$1, $$2 }'
	@echo "fuzz takes SECONDS=n and TARGETS='names' (default: 60, all)"
	@echo "test takes TESTS='words': only tests whose path has one"
	@echo "demo takes ONCE=1 (end after the result), OUT=file, CONTOSO_CSV=file, FABRIKAM_CSV=file"

# Set-up may have to install the compiler, which this file has already asked for its directories: hence a second make.
demo: $(B)/setup-demo ## four parties and a snooper on this machine, against stand-ins for Azure and the hardware
	@$(MAKE) --no-print-directory $(jobs) demo-programs
	@if ! command -v npm > /dev/null || ! $(MAKE) --no-print-directory $(B)/node_modules.stamp; then \
		echo "demo: without npm's packages there is no Azurite: records stay in the parties' own files"; fi
	@scripts/demo

demo-programs: $(B)/parley $(B)/parleyctl $(B)/image/layer.tar $(B)/tests/snpbox

# All cores compile, unless make was told how many.
jobs = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
test: $(B)/setup-test ## all tests, fuzz targets for FUZZ_SECONDS=10 each; the last line is "N passed, N failed, N skipped"
	@$(MAKE) --no-print-directory $(jobs) test-programs
	@tests/run $(TESTS)

check: $(B)/setup-test ## before a commit: clang's warnings, shellcheck, the unit tests and the quick checks
	@$(MAKE) --no-print-directory $(jobs) all check-clang unit-programs
	@tests/run unit checks/shell checks/layers checks/symbols checks/threats checks/elf

fresh: ## demo and tests on a fresh Debian 12, made by debootstrap (root; TESTS='words', PLACE=directory)
	@scripts/fresh

screenshot: $(B)/setup-test ## docs/page.png, the page with the result of a real analysis
	@$(MAKE) --no-print-directory demo-programs $(B)/node_modules.stamp
	@scripts/screenshot

unit: $(B)/setup-test ## only the unit tests (sanitizer build)
	@$(MAKE) --no-print-directory unit-programs
	@tests/run unit

audit: all ## count the TCB, check the promises; fails when TCB.md is stale (UPDATE=1 writes it)
	@node scripts/audit.js

check-clang: ## compile all own C code with clang, warnings as errors

third-party: ## fetch and build musl, BearSSL and jsmn

clean: ## remove everything built, keep the fetched archives
	rm -rf $(filter-out $(T),$(wildcard $(B)/*))
	rm -rf $(filter-out $(T)/archives,$(wildcard $(T)/*))

distclean: ## remove build/ and tests/node_modules
	rm -rf $(B) tests/node_modules

.PRECIOUS: $(B)/setup-%
$(B)/setup-%: scripts/setup
	@mkdir -p $(@D)
	@scripts/setup $*
	@touch $@

# --- Third party --------------------------------------------------------------------------------------------------
# The pins say what is unpacked, whatever fetches it.
$(T)/%.stamp: third_party/pins | $(B)/setup-build
	@scripts/fetch $* $(T)/$*
	@touch $@
.PRECIOUS: $(T)/%.stamp

$(MUSL)/stamp: $(T)/musl.stamp third_party/flags.mk scripts/build-musl
	@echo "  MUSL    $(MUSL)"
	+@CC='$(CC)' CFLAGS='$(MUSL_CFLAGS)' MAKE='$(MAKE)' scripts/build-musl $(T)/musl $(MUSL)
	@touch $@

BEAR_FILES := $(patsubst src/%.c,%,$(shell cat third_party/bearssl.files))
BEAR_OBJ := $(BEAR_FILES:%=$(T)/bearssl-obj/%.o)
BEAR_HOST_OBJ := $(BEAR_FILES:%=$(T)/bearssl-host-obj/%.o)

# For the objects below directory $(1): what is compiled in another way than the rest (third_party/flags.mk).
bear_hot = $(HOT:%=$(1)/%.o)
bear_roomy = $(ROOMY:%=$(1)/%.o)
$(call bear_hot,$(T)/bearssl-obj): BEAR_CFLAGS += $(HOT_OPT)
$(call bear_roomy,$(T)/bearssl-obj): BEAR_CFLAGS += -include third_party/bearssl_rsa.h
$(call bear_roomy,$(T)/bearssl-obj): third_party/bearssl_rsa.h
$(BEAR_OBJ): $(T)/bearssl-obj/%.o: $(T)/bearssl.stamp third_party/flags.mk | $(MUSL)/stamp
	@mkdir -p $(@D)
	@$(CC) $(BEAR_CFLAGS) $(MUSL_INC) -c -o $@ $(T)/bearssl/src/$*.c

$(BEAR_HOST_OBJ): $(T)/bearssl-host-obj/%.o: $(T)/bearssl.stamp
	@mkdir -p $(@D)
	@$(CC) -std=c99 -O2 -g -w -I$(T)/bearssl/inc -I$(T)/bearssl/src -c -o $@ $(T)/bearssl/src/$*.c

$(T)/libbearssl.a: $(BEAR_OBJ)
$(B)/host/libbearssl.a: $(BEAR_HOST_OBJ)
$(T)/libbearssl.a $(B)/host/libbearssl.a:
	@mkdir -p $(@D)
	@echo "  AR      $@"
	@rm -f $@ && $(AR) Drcs $@ $^

third-party: $(MUSL)/stamp $(T)/libbearssl.a $(T)/jsmn.stamp $(B)/host/libbearssl.a

# --- Shipped programs ---------------------------------------------------------------------------------------------
OBJ_parley := $(call objects,$(B)/obj,$(SRC_parley) $(SRC_ui))
OBJ_parleyctl := $(call objects,$(B)/obj,$(SRC_parleyctl))
OBJ_ship := $(sort $(OBJ_parley) $(OBJ_parleyctl))
THIRD_READY := $(MUSL)/stamp $(T)/bearssl.stamp $(T)/jsmn.stamp

# A file that changes exactly when the flags do, so that changed flags compile anew.
$(B)/own.flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(OWN_OPT) $(HARDEN) $(WARN)' | cmp -s - $@ || echo '$(CC) $(OWN_OPT) $(HARDEN) $(WARN)' > $@
.PHONY: FORCE
FORCE:

$(OBJ_ship): third_party/flags.mk $(B)/own.flags | $(THIRD_READY)

$(B)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(SHIP_CFLAGS) $(DEP) -c -o $@ $<

$(B)/obj/policy/%.o: policy/%.c
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(SHIP_CFLAGS) $(DEP) -c -o $@ $<

$(B)/obj/gen/%.o: $(B)/gen/%.c
	@mkdir -p $(@D)
	@$(CC) $(SHIP_CFLAGS) $(DEP) -c -o $@ $<

define ui_rule
$(B)/gen/ui_$(subst .,_,$(notdir $(1))).c: $(1) scripts/embed
	@mkdir -p $$(@D)
	@scripts/embed $$< > $$@
endef
$(foreach f,$(UI),$(eval $(call ui_rule,$(f))))

# Without the compiler's own library: what needs it does not link.
define program
$(B)/$(1): $$(OBJ_$(1)) $(T)/libbearssl.a $(MUSL)/stamp scripts/check-elf
	@echo "  LD      $$@"
	@$$(CC) $$(LDFLAGS) -Wl,-Map,$$@.map -o $$@.full $(MUSL)/lib/rcrt1.o $(MUSL)/lib/crti.o $$(OBJ_$(1)) \
		$(T)/libbearssl.a $(MUSL)/lib/libc.a $(MUSL)/lib/crtn.o
	@strip --strip-all -R .comment -o $$@.tmp $$@.full
	@scripts/check-elf $$@.tmp $$(MAX_SIZE)
	@mv $$@.tmp $$@
endef
$(eval $(call program,parley))
$(eval $(call program,parleyctl))

# --- The program that names a call the seal denies it -------------------------------------------------------------
# The shipped objects but for the filter's answer, and tests/seal/debug.c. Never shipped: build/debug only.
OBJ_debug := $(B)/debug/seal_calls.o $(B)/debug/debug.o
debug: $(B)/debug/parley ## build/debug/parley: dies of a denied system call as the shipped one does, but names it first

$(B)/debug/syscall_names.h: $(MUSL)/stamp
	@mkdir -p $(@D)
	@sed -n 's/^#define __NR_\([a-z0-9_]*\)[ \t]*\([0-9]*\)$$/[\2] = "\1",/p' $(MUSL)/include/bits/syscall.h > $@
$(B)/debug/seal_calls.o: src/plat/seal_calls.c $(B)/debug/syscall_names.h
	@$(CC) $(SHIP_CFLAGS) -DRET_DENIED=0x00030000u $(DEP) -c -o $@ $<
$(B)/debug/debug.o: tests/seal/debug.c $(B)/debug/syscall_names.h
	@$(CC) $(SHIP_CFLAGS) -I$(B)/debug $(DEP) -c -o $@ $<
$(B)/debug/parley: $(B)/parley $(OBJ_debug)
	@echo "  LD      $@"
	@$(CC) $(LDFLAGS) -Wl,--wrap=sigfillset -o $@ $(MUSL)/lib/rcrt1.o $(MUSL)/lib/crti.o $(OBJ_debug) \
		$(filter-out %/plat/seal_calls.o,$(OBJ_parley)) $(T)/libbearssl.a $(MUSL)/lib/libc.a $(MUSL)/lib/crtn.o

# --- Image and policy ---------------------------------------------------------------------------------------------
# The layer holds the program and the directory of its data. Labels do not enter the layer, so they do not enter HOST_DATA.
REVISION ?= $(shell git describe --always --abbrev=40 --dirty 2>/dev/null || echo unknown)
VERSION := $(shell sed -n 's/.*PARLEY_VERSION "\(.*\)".*/\1/p' src/base/version.h)
LABEL := org.opencontainers.image
image: $(B)/image/layer.tar ## build/image: OCI layout, docker archive and layer, without docker; prints the digests
	@cat $(B)/image/digests

$(B)/image/layer.tar: $(B)/parley $(B)/parleyctl $(B)/image/revision
	@rm -rf $(B)/image/oci && mkdir -p $(B)/image
	@$(B)/parleyctl image --out $(B)/image --tag parley:$(VERSION) --file parley=$(B)/parley --dir data=0700 --user 0:0 \
		--label $(LABEL).title=parley --label $(LABEL).licenses=MIT --label $(LABEL).version=$(VERSION) \
		--label $(LABEL).revision=$(REVISION) -- /parley > $(B)/image/digests

# Made anew only when the revision is another.
.PHONY: FORCE
$(B)/image/revision: FORCE
	@mkdir -p $(@D)
	@echo '$(REVISION)' | cmp -s - $@ || echo '$(REVISION)' > $@

# VALUES says what ${NAME} in policy/parties stands for: vaults, client ids, hosts (scripts/deploy writes its own).
POLICY := $(B)/policy
VALUES ?= policy/values.example.json
PARTIES ?= $(sort $(wildcard policy/parties/*.json))
policy: $(POLICY)/stamp ## build/policy: policies, HOST_DATA and release policies of all parties (VALUES=file)
	@cat $(POLICY)/digests

# Names and contents of what the policies are made from, not their times: files may have been copied, touched or swapped.
$(POLICY).inputs: FORCE
	@mkdir -p $(@D)
	@sha256sum -- '$(VALUES)' $(PARTIES) policy/platform.json > $@.new || { rm -rf $@.new $@ $(POLICY); exit 1; }
	@if cmp -s $@.new $@; then rm $@.new; else rm -rf $(POLICY) && mv $@.new $@; fi

POLICY_RUN = $(B)/parleyctl policy generate --layer $(B)/image/layer.tar --platform policy/platform.json --values '$(VALUES)'
$(POLICY)/stamp: $(B)/image/layer.tar $(B)/parleyctl $(POLICY).inputs
	@rm -rf $(POLICY) && mkdir -p $(POLICY)
	@echo "values $$(head -n 1 $(POLICY).inputs)" > $(POLICY)/digests
	@$(POLICY_RUN) --out $(POLICY) $(PARTIES) >> $(POLICY)/digests
	@$(POLICY_RUN) --out $(POLICY)/aci-nofragment --no-fragment $(PARTIES) > /dev/null
	@$(POLICY_RUN) --out $(POLICY)/vn2 --target vn2 $(PARTIES) > /dev/null
	@$(POLICY_RUN) --out $(POLICY)/vn2-nofragment --target vn2 --no-fragment $(PARTIES) > /dev/null
	@touch $@

# Set-up first, as for the demo.
reproduce: $(B)/setup-demo ## build twice under different conditions, compare all bytes, print the chain (EXPECTED=file)
	@CC='$(CC)' EXPECTED='$(EXPECTED)' scripts/reproduce

# --- clang --------------------------------------------------------------------------------------------------------
# The same headers as the shipped compile, with clang's own in place of gcc's.
OBJ_clang := $(call objects,$(B)/clang,$(SRC_own) $(SRC_ui))
clang_inc = $(shell $(CLANG) -print-resource-dir 2>/dev/null)/include
check-clang: $(OBJ_clang)
$(OBJ_clang): | $(THIRD_READY)
$(B)/clang/%.o: src/%.c
	@mkdir -p $(@D)
	@$(CLANG) $(STD) $(OWN_OPT) -fPIE $(WARN) $(FRAME) -nostdinc -isystem $(MUSL)/include -isystem $(clang_inc) -Isrc -I. \
		$(THIRD_INC) $(DEP) -c -o $@ $<
$(B)/clang/policy/%.o: policy/%.c
	@mkdir -p $(@D)
	@$(CLANG) $(STD) $(OWN_OPT) -fPIE $(WARN) $(FRAME) -nostdinc -isystem $(MUSL)/include -isystem $(clang_inc) -Isrc -I. \
		$(THIRD_INC) $(DEP) -c -o $@ $<
$(B)/clang/gen/%.o: $(B)/gen/%.c
	@mkdir -p $(@D)
	@$(CLANG) $(STD) $(OWN_OPT) -fPIE $(WARN) -nostdinc -isystem $(MUSL)/include -isystem $(clang_inc) -Isrc \
		$(DEP) -c -o $@ $<

# --- Unit tests ---------------------------------------------------------------------------------------------------
# All own code but main.c is compiled for glibc with sanitizers into one archive; each tests/unit/test_*.c is a program.
# Other files of tests/unit are helpers, linked with every test.
OBJ_host := $(call objects,$(B)/host/obj,$(filter-out $(SRC_main) $(SRC_ctl),$(SRC_own)) $(SRC_ui))
UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
UNIT_HELP := $(filter-out $(UNIT_SRC),$(sort $(wildcard tests/unit/*.c)))
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(B)/tests/unit/%)
OBJ_unit_help := $(UNIT_HELP:tests/%.c=$(B)/host/tests/%.o)

$(OBJ_host): | $(T)/bearssl.stamp $(T)/jsmn.stamp
$(B)/host/obj/%.o: src/%.c
	@mkdir -p $(@D)
	@echo "  HOSTCC  $<"
	@$(CC) $(HOST_CFLAGS) $(DEP) -c -o $@ $<
$(B)/host/obj/policy/%.o: policy/%.c
	@mkdir -p $(@D)
	@echo "  HOSTCC  $<"
	@$(CC) $(HOST_CFLAGS) $(DEP) -c -o $@ $<
$(B)/host/obj/gen/%.o: $(B)/gen/%.c
	@mkdir -p $(@D)
	@$(CC) $(HOST_CFLAGS) $(DEP) -c -o $@ $<
$(B)/host/tests/%.o: tests/%.c | $(T)/bearssl.stamp $(T)/jsmn.stamp
	@mkdir -p $(@D)
	@echo "  HOSTCC  $<"
	@$(CC) $(TEST_CFLAGS) $(DEP) -c -o $@ $<
.PRECIOUS: $(B)/host/tests/%.o

host-objs: $(OBJ_host)
$(B)/host/libparley.a: $(OBJ_host)
	@echo "  AR      $@"
	@rm -f $@ && $(AR) Drcs $@ $(OBJ_host)

$(B)/tests/unit/%: $(B)/host/tests/unit/%.o $(OBJ_unit_help) $(B)/host/libparley.a $(B)/host/libbearssl.a
	@mkdir -p $(@D)
	@$(CC) $(SAN) -o $@ $< $(OBJ_unit_help) $(B)/host/libparley.a $(B)/host/libbearssl.a -lcmocka -lcjson -lresolv -lpthread -lm

.PHONY: unit-programs
unit-programs: $(UNIT_BIN)

# --- The stand-in for the hardware --------------------------------------------------------------------------------
BOX_SRC := $(sort $(wildcard tests/snpbox/snpbox*.c))
BOX_CLIENT := tests/snpbox/test_client.c
BOX_OBJ := $(BOX_SRC:tests/%.c=$(B)/host/%.o)
BOX_CLIENT_OBJ := $(BOX_CLIENT:tests/%.c=$(B)/host/%.o)
$(BOX_OBJ) $(BOX_CLIENT_OBJ): $(B)/host/snpbox/%.o: tests/snpbox/%.c
	@mkdir -p $(@D)
	@echo "  HOSTCC  $<"
	@$(CC) $(STD) -O2 -g $(WARN) -Itests/snpbox $(DEP) -c -o $@ $<
$(B)/tests/snpbox: $(BOX_OBJ)
	@mkdir -p $(@D)
	@$(CC) -o $@ $^ -lcrypto -lpthread
$(B)/tests/snpbox_client: $(BOX_CLIENT_OBJ)
	@mkdir -p $(@D)
	@$(CC) -o $@ $^ -lpthread

# Runs a program as on a kernel without some system calls.
$(B)/tests/without: tests/seal/without.c
	@mkdir -p $(@D)
	@$(CC) $(STD) -O2 -g $(WARN) -o $@ $<

# --- Faults at system calls -----------------------------------------------------------------------------------------
$(B)/tests/faultbox: tests/faults/faultbox.c
	@mkdir -p $(@D)
	@echo "  HOSTCC  $<"
	@$(CC) $(STD) -O2 -g $(WARN) -o $@ $<
.PHONY: faults
faults: $(B)/setup-test ## every fault at every system call in turn, 400 kills: what "make test" takes samples of
	@$(MAKE) --no-print-directory test-programs
	@FAULTS=all FAULTS_VERBOSE=1 node --test tests/e2e/faults.test.js tests/e2e/crash.test.js

# --- Fuzzing --------------------------------------------------------------------------------------------------------
# All own code but main.c, and BearSSL, compiled by clang with coverage and sanitizers; each tests/fuzz/fuzz_*.c is a
# program (libFuzzer). tests/fuzz/README.md says what each of them holds to be true.
FUZZ_SAN := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FUZZ_CFLAGS := $(STD) -O1 -g $(FUZZ_SAN) $(filter-out -Wconversion,$(WARN)) -Isrc -I. -Itests/fuzz $(THIRD_INC)
# BearSSL reads through pointers as its authors meant it: addresses are watched there, the rest is not ours to judge.
FUZZ_BEAR_CFLAGS := -std=c99 -O1 -g -fsanitize=fuzzer-no-link,address -w -I$(T)/bearssl/inc -I$(T)/bearssl/src
OBJ_fuzz_lib := $(call objects,$(B)/fuzz/obj,$(filter-out $(SRC_main) $(SRC_ctl),$(SRC_own)) $(SRC_ui)) \
	$(BEAR_FILES:%=$(B)/fuzz/bearssl/%.o)
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_HELP := $(filter-out $(FUZZ_SRC),$(sort $(wildcard tests/fuzz/*.c)))
OBJ_fuzz := $(FUZZ_SRC:tests/fuzz/%.c=$(B)/fuzz/harness/%.o)
OBJ_fuzz_help := $(FUZZ_HELP:tests/fuzz/%.c=$(B)/fuzz/harness/%.o)
FUZZ_BIN := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=$(B)/fuzz/%)

$(OBJ_fuzz_lib) $(OBJ_fuzz) $(OBJ_fuzz_help): | $(T)/bearssl.stamp $(T)/jsmn.stamp
$(B)/fuzz/obj/%.o: src/%.c
	@mkdir -p $(@D)
	@echo "  FUZZCC  $<"
	@$(CLANG) $(FUZZ_CFLAGS) $(DEP) -c -o $@ $<
$(B)/fuzz/obj/policy/%.o: policy/%.c
	@mkdir -p $(@D)
	@echo "  FUZZCC  $<"
	@$(CLANG) $(FUZZ_CFLAGS) $(DEP) -c -o $@ $<
$(B)/fuzz/obj/gen/%.o: $(B)/gen/%.c
	@mkdir -p $(@D)
	@$(CLANG) $(FUZZ_CFLAGS) $(DEP) -c -o $@ $<
$(B)/fuzz/bearssl/%.o: $(T)/bearssl.stamp
	@mkdir -p $(@D)
	@$(CLANG) $(FUZZ_BEAR_CFLAGS) -c -o $@ $(T)/bearssl/src/$*.c
$(B)/fuzz/harness/%.o: tests/fuzz/%.c
	@mkdir -p $(@D)
	@echo "  FUZZCC  $<"
	@$(CLANG) $(FUZZ_CFLAGS) $(DEP) -c -o $@ $<
.PRECIOUS: $(B)/fuzz/harness/%.o
$(B)/fuzz/libparley.a: $(OBJ_fuzz_lib)
	@echo "  AR      $@"
	@rm -f $@ && $(AR) rcs $@ $(OBJ_fuzz_lib)
$(FUZZ_BIN): $(B)/fuzz/%: $(B)/fuzz/harness/fuzz_%.o $(OBJ_fuzz_help) $(B)/fuzz/libparley.a
	@$(CLANG) -fsanitize=fuzzer,address,undefined -o $@ $< $(OBJ_fuzz_help) $(B)/fuzz/libparley.a -lresolv -lpthread

.PHONY: fuzz fuzz-programs soak
fuzz-programs: $(FUZZ_BIN)

SECONDS ?= 60
fuzz: $(B)/setup-test ## every fuzz target for SECONDS=60 seconds each, two at a time; crashers stay in build/fuzz/
	@$(MAKE) --no-print-directory fuzz-programs
	@tests/fuzz/run $(SECONDS) $(if $(TARGETS),$(TARGETS),$(FUZZ_SRC:tests/fuzz/fuzz_%.c=%))

soak: SECONDS = 1800
soak: $(B)/setup-test ## mixed traffic for SECONDS=1800: right answers, and no growth
	@$(MAKE) --no-print-directory $(jobs) test-programs
	@SOAK_SECONDS=$(SECONDS) node --test tests/e2e/soak.test.js

# --- Secret-independent timing --------------------------------------------------------------------------------------
# Our own code and BearSSL with the shipped compiler and the shipped flags, but for glibc, so that valgrind can run it and say which branches
# and addresses depend on bytes it was told are secret (tests/ctgrind/README.md).
CTGRIND_CFLAGS := $(STD) $(OWN_OPT) -g $(HARDEN) $(WARN) -Isrc -I. -Itests/ctgrind $(THIRD_INC)
CTGRIND_BEAR_CFLAGS := -std=c99 $(OPT) -g $(HARDEN) -w -I$(T)/bearssl/inc -I$(T)/bearssl/src
CTGRIND_LIB := $(call objects,$(B)/ctgrind/obj,$(SRC_lib) $(SRC_client) $(SRC_svc) $(SRC_http) $(SRC_ui)) \
	$(BEAR_FILES:%=$(B)/ctgrind/bearssl/%.o)
CTGRIND_SRC := $(sort $(wildcard tests/ctgrind/ct_*.c))
CTGRIND_BIN := $(CTGRIND_SRC:tests/ctgrind/%.c=$(B)/ctgrind/%)
CTGRIND_WRAP := ct_equal bear_aes_ctr bear_aes_cbcdec bear_ghash br_rsa_i62_oaep_decrypt kwp_unwrap
$(CTGRIND_LIB): third_party/flags.mk | $(T)/bearssl.stamp $(T)/jsmn.stamp
$(B)/ctgrind/obj/%.o: src/%.c
	@mkdir -p $(@D)
	@echo "  CTCC    $<"
	@$(CC) $(CTGRIND_CFLAGS) $(DEP) -c -o $@ $<
$(B)/ctgrind/obj/gen/%.o: $(B)/gen/%.c
	@mkdir -p $(@D)
	@$(CC) $(CTGRIND_CFLAGS) $(DEP) -c -o $@ $<
$(call bear_hot,$(B)/ctgrind/bearssl): CTGRIND_BEAR_CFLAGS += $(HOT_OPT)
$(call bear_roomy,$(B)/ctgrind/bearssl): CTGRIND_BEAR_CFLAGS += -include third_party/bearssl_rsa.h
$(call bear_roomy,$(B)/ctgrind/bearssl): third_party/bearssl_rsa.h
$(B)/ctgrind/bearssl/%.o: $(T)/bearssl.stamp
	@mkdir -p $(@D)
	@$(CC) $(CTGRIND_BEAR_CFLAGS) -c -o $@ $(T)/bearssl/src/$*.c
$(B)/ctgrind/libparley.a: $(CTGRIND_LIB)
	@rm -f $@ && $(AR) rcs $@ $(CTGRIND_LIB)
$(CTGRIND_BIN): $(B)/ctgrind/%: tests/ctgrind/%.c tests/ctgrind/wrap.c tests/ctgrind/secret.h $(B)/ctgrind/libparley.a
	@echo "  CTCC    $<"
	@$(CC) $(CTGRIND_CFLAGS) $(CTGRIND_WRAP:%=-Wl,--wrap=%) -o $@ $< tests/ctgrind/wrap.c $(B)/ctgrind/libparley.a -lresolv -lpthread
.PHONY: ctgrind ctgrind-programs
ctgrind-programs: $(CTGRIND_BIN)
ctgrind: $(B)/setup-test ## secret-independent timing, checked under valgrind
	@$(MAKE) --no-print-directory ctgrind-programs
	@sh tests/checks/ctgrind.sh

# --- Bench ----------------------------------------------------------------------------------------------------------
# Programs that measure the shipped objects are compiled and linked as the shipped programs are; the others stand beside them on glibc.
BENCH_SHIP := $(B)/bench/crypto $(B)/bench/verify
BENCH_HOST := $(B)/bench/verify_openssl $(B)/bench/start
OBJ_bench := $(call objects,$(B)/obj,$(SRC_lib) $(SRC_client))
$(BENCH_SHIP): $(B)/bench/%: tests/bench/%.c tests/bench/measure.h $(OBJ_bench) $(T)/libbearssl.a $(MUSL)/stamp
	@mkdir -p $(@D)
	@echo "  LD      $@"
	@$(CC) $(SHIP_CFLAGS) -Itests/bench -c -o $@.o $<
	@$(CC) $(LDFLAGS) -o $@ $(MUSL)/lib/rcrt1.o $(MUSL)/lib/crti.o $@.o $(OBJ_bench) $(T)/libbearssl.a $(MUSL)/lib/libc.a \
		$(MUSL)/lib/crtn.o
$(BENCH_HOST): $(B)/bench/%: tests/bench/%.c tests/bench/measure.h
	@mkdir -p $(@D)
	@$(CC) $(STD) -O2 $(WARN) -Itests/bench -o $@ $< -lcrypto
.PHONY: bench bench-programs
bench-programs: $(B)/parley $(B)/parleyctl $(B)/image/layer.tar $(B)/tests/snpbox $(BENCH_SHIP) $(BENCH_HOST)
bench: $(B)/setup-bench ## side by side with nginx, Flask, OpenSSL and Python, as ratios: build/bench.md (UPDATE=1: README's table, docs/bench.svg)
	@$(MAKE) --no-print-directory bench-programs
	@node tests/bench/main.js

# --- All that tests/run needs -------------------------------------------------------------------------------------
$(B)/node_modules.stamp: tests/package.json tests/package-lock.json
	@echo "  NPM     tests"
	@cd tests && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
	@touch $@

test-programs: all $(B)/image/layer.tar $(POLICY)/stamp unit-programs $(B)/tests/snpbox $(B)/tests/snpbox_client $(B)/tests/without $(B)/tests/faultbox $(B)/node_modules.stamp \
	$(B)/debug/parley fuzz-programs ctgrind-programs

-include $(sort $(OBJ_ship:.o=.d) $(OBJ_debug:.o=.d) $(OBJ_host:.o=.d) $(OBJ_clang:.o=.d) $(BOX_OBJ:.o=.d) $(BOX_CLIENT_OBJ:.o=.d) \
	$(UNIT_SRC:tests/%.c=$(B)/host/tests/%.d) $(OBJ_unit_help:.o=.d) \
	$(OBJ_fuzz_lib:.o=.d) $(OBJ_fuzz:.o=.d) $(OBJ_fuzz_help:.o=.d) $(CTGRIND_LIB:.o=.d))
