# Everything that only tests use. Our own code is compiled for them twice: by clang with sanitizers and coverage (unit tests, fuzz
# targets), and by gcc for glibc (ctgrind). "make check-clang" compiles what is shipped with clang's warnings.
CLANG ?= clang

# --- What is asked for --------------------------------------------------------------------------------------------
.PHONY: test check unit screenshot check-clang debug faults fuzz soak ctgrind test-programs unit-programs fuzz-programs ctgrind-programs
test: $(B)/setup-test ## all tests, fuzz targets for FUZZ_SECONDS=10 each; the last line is "N passed, N failed, N skipped"
	@$(MAKE) --no-print-directory $(jobs) test-programs
	@tests/run $(T)

check: $(B)/setup-test ## before a commit: clang's warnings, shellcheck, the unit tests and the quick checks
	@$(MAKE) --no-print-directory $(jobs) all check-clang unit-programs
	@tests/run unit checks/shell checks/rooms checks/symbols checks/threats checks/elf

unit: $(B)/setup-test ## only the unit tests (sanitizer build)
	@$(MAKE) --no-print-directory $(jobs) unit-programs
	@tests/run unit

screenshot: $(B)/setup-test ## docs/page.png, the page with the result of a real analysis
	@$(MAKE) --no-print-directory demo-programs $(B)/node_modules.stamp
	@scripts/screenshot

SECONDS ?= 60
fuzz: $(B)/setup-test ## every fuzz target for SECONDS=60 seconds each, two at a time; crashers stay in build/fuzz/
	@$(MAKE) --no-print-directory fuzz-programs
	@tests/fuzz/run $(SECONDS) $(if $(TARGETS),$(TARGETS),$(FUZZ_SRC:tests/fuzz/fuzz_%.c=%))

soak: SECONDS = 1800
soak: $(B)/setup-test ## mixed traffic for SECONDS=1800: right answers, and no growth
	@$(MAKE) --no-print-directory $(jobs) test-programs
	@SOAK_SECONDS=$(SECONDS) node --test tests/e2e/soak.test.js

faults: $(B)/setup-test ## every fault at every system call in turn, 400 kills: what "make test" takes samples of
	@$(MAKE) --no-print-directory $(jobs) test-programs
	@FAULTS=all FAULTS_VERBOSE=1 node --test tests/e2e/faults.test.js tests/e2e/crash.test.js

ctgrind: $(B)/setup-test ## secret-independent timing, checked under valgrind
	@$(MAKE) --no-print-directory ctgrind-programs
	@sh tests/checks/ctgrind.sh

test-programs: all $(B)/image/layer.tar $(POLICY)/stamp unit-programs $(B)/tests/snpbox $(B)/tests/snpbox_client $(B)/tests/without $(B)/tests/faultbox \
	$(B)/node_modules.stamp $(B)/debug/parley fuzz-programs ctgrind-programs

$(B)/node_modules.stamp: tests/package.json tests/package-lock.json
	@echo "  NPM     tests"
	@cd tests && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
	@touch $@

# --- clang --------------------------------------------------------------------------------------------------------
# The same headers as the shipped compile, with clang's own in place of gcc's.
clang_inc = $(shell $(CLANG) -print-resource-dir 2>/dev/null)/include
CLANG_CC = $(CLANG) $(STD) $(OWN_OPT) -fPIE $(WARN) $(FRAME) -nostdinc -isystem $(MUSL)/include -isystem $(clang_inc) $(INC) $(THIRD_INC)
OBJ_clang := $(call objects,$(B)/clang,$(SRC_own))
check-clang: $(OBJ_clang) ## compile all own C code with clang, warnings as errors
$(OBJ_clang): | $(THIRD_READY)
$(eval $(call compile,$(B)/clang,CLANG  ,CLANG_CC))

# --- BearSSL on this machine --------------------------------------------------------------------------------------
# $(1) directory, $(2) compiler and flags. For fuzzing its addresses are watched: it reads through pointers as its authors meant it, so the
# rest is not ours to judge.
define bearssl
$(BEAR_FILES:%=$(1)/bearssl/%.o): $(1)/bearssl/%.o: $(THIRD)/bearssl.stamp third_party/flags.mk
	@mkdir -p $$(@D)
	@$(2) -w -I$(THIRD)/bearssl/inc -I$(THIRD)/bearssl/src -c -o $$@ $(THIRD)/bearssl/src/$$*.c
$(1)/libbearssl.a: $(BEAR_FILES:%=$(1)/bearssl/%.o)
	@rm -f $$@ && $$(AR) rcs $$@ $$^
endef
$(eval $(call bearssl,$(B)/host,$$(CC) -std=c99 -O2 -g))
$(eval $(call bearssl,$(B)/san,$$(CLANG) -std=c99 -O1 -g -fsanitize=fuzzer-no-link$(comma)address))

# --- Unit tests and fuzz targets ----------------------------------------------------------------------------------
# All own code but main.c and the tool's own part. Each folder of tests/unit is a program (cmocka) of the room of this name, and each
# tests/fuzz/fuzz_*.c is one (libFuzzer; tests/fuzz/README.md says what each of them holds to be true). Other files of tests/unit and
# tests/fuzz are helpers, linked with every program there.
SAN := -fsanitize=address,undefined -fno-sanitize-recover=all
SAN_FLAGS = $(CLANG) $(STD) -O1 -g -fno-omit-frame-pointer $(SAN) -fsanitize=fuzzer-no-link $(INC) -Itests/unit -Itests/fuzz $(THIRD_INC)
# Sanitizers make stack frames larger: these are judged in the shipped compile. cmocka's macros convert as they please.
SAN_CC = $(SAN_FLAGS) $(filter-out -Wconversion,$(WARN))
OBJ_san := $(call objects,$(B)/san,$(filter-out %/main.c src/ctl/%,$(SRC_own)))
san_sources = $(sort $(wildcard tests/$(1)/*.c))
$(foreach f,$(wildcard tests/unit/test_*.c),$(error $f belongs into tests/unit/ROOM/, with UNIT(name) in place of int main(void)))
UNIT_SRC := $(sort $(wildcard tests/unit/*/test_*.c))
UNIT_ROOMS := $(sort $(patsubst tests/unit/%/,%,$(dir $(UNIT_SRC))))
FUZZ_SRC := $(filter tests/fuzz/fuzz_%,$(call san_sources,fuzz))
OBJ_unit_help := $(call objects,$(B)/san,$(call san_sources,unit))
OBJ_fuzz_help := $(call objects,$(B)/san,$(filter-out $(FUZZ_SRC),$(call san_sources,fuzz)))
OBJ_san_all := $(OBJ_san) $(call objects,$(B)/san,$(UNIT_SRC) $(FUZZ_SRC)) $(OBJ_unit_help) $(OBJ_fuzz_help)
UNIT_BIN := $(UNIT_ROOMS:%=$(B)/tests/unit/%)
FUZZ_BIN := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=$(B)/fuzz/%)

$(OBJ_san_all): | $(THIRD)/bearssl.stamp $(THIRD)/jsmn.stamp
$(eval $(call compile,$(B)/san,SAN    ,SAN_CC))
$(B)/san/libparley.a: $(OBJ_san)
	@echo "  AR      $@"
	@rm -f $@ && $(AR) rcs $@ $^

unit-programs: $(UNIT_BIN)
$(foreach r,$(UNIT_ROOMS),$(eval $(B)/tests/unit/$(r): $(call objects,$(B)/san,$(filter tests/unit/$(r)/%,$(UNIT_SRC)))))
$(UNIT_BIN): $(OBJ_unit_help) $(B)/san/libparley.a $(B)/host/libbearssl.a
	@mkdir -p $(@D)
	@$(CLANG) $(SAN) -o $@ $(filter %.o,$^) $(filter %.a,$^) -lcmocka -lcjson -lresolv -lpthread -lm

fuzz-programs: $(FUZZ_BIN)
$(FUZZ_BIN): $(B)/fuzz/%: $(B)/san/tests/fuzz/fuzz_%.o $(OBJ_fuzz_help) $(B)/san/libparley.a $(B)/san/libbearssl.a
	@mkdir -p $(@D)
	@$(CLANG) $(SAN) -fsanitize=fuzzer -o $@ $^ -lresolv -lpthread

# --- Programs that stand around ours ------------------------------------------------------------------------------
HOST_CC = $(CC) $(STD) -O2 -g $(WARN) -Itests/snpbox
BOX := $(call objects,$(B)/host,$(sort $(wildcard tests/snpbox/snpbox*.c)))
OBJ_host := $(BOX) $(call objects,$(B)/host,tests/snpbox/test_client.c tests/seal/without.c tests/faults/faultbox.c)
$(eval $(call compile,$(B)/host,HOST   ,HOST_CC))
$(B)/tests/snpbox: $(BOX) # the stand-in for the hardware
$(B)/tests/snpbox: LDLIBS = -lcrypto -lpthread
$(B)/tests/snpbox_client: $(B)/host/tests/snpbox/test_client.o
$(B)/tests/snpbox_client: LDLIBS = -lpthread
$(B)/tests/without: $(B)/host/tests/seal/without.o # runs a program as on a kernel without some system calls
$(B)/tests/faultbox: $(B)/host/tests/faults/faultbox.o # faults at system calls
$(B)/tests/snpbox $(B)/tests/snpbox_client $(B)/tests/without $(B)/tests/faultbox:
	@mkdir -p $(@D)
	@$(CC) -o $@ $^ $(LDLIBS)

# --- The program that names a call the seal denies it -------------------------------------------------------------
# The shipped objects but for the filter's answer, and tests/seal/debug.c. Never shipped: build/debug only.
OBJ_debug := $(call objects,$(B)/debug,src/lib/os/seal_calls.c tests/seal/debug.c)
DEBUG_CC = $(SHIP_CC) -DRET_DENIED=0x00030000u -I$(B)/debug
debug: $(B)/debug/parley ## build/debug/parley: dies of a denied system call as the shipped one does, but names it first
$(eval $(call compile,$(B)/debug,DEBUG  ,DEBUG_CC))
$(B)/debug/syscall_names.h: $(MUSL)/stamp
	@mkdir -p $(@D)
	@sed -n 's/^#define __NR_\([a-z0-9_]*\)[ \t]*\([0-9]*\)$$/[\2] = "\1",/p' $(MUSL)/include/bits/syscall.h > $@
$(OBJ_debug): $(B)/debug/syscall_names.h
$(B)/debug/parley: $(B)/parley $(OBJ_debug)
	@echo "  LD      $@"
	@$(CC) $(LDFLAGS) -Wl,--wrap=sigfillset -o $@ $(call linked,$(OBJ_debug) $(filter-out %/os/seal_calls.o,$(call objects,$(B)/obj,$(SRC_parley))))

# --- Secret-independent timing ------------------------------------------------------------------------------------
# Our own code and BearSSL with the shipped compiler and the shipped flags, but for glibc, so that valgrind can run it and say which branches
# and addresses depend on bytes it was told are secret (tests/ctgrind/README.md).
CTGRIND_CC = $(CC) $(STD) $(OWN_OPT) -g $(HARDEN) $(WARN) $(INC) -Itests/ctgrind $(THIRD_INC)
CTGRIND_BEAR := -std=c99 $(OPT) -g $(HARDEN) -w -I$(THIRD)/bearssl/inc -I$(THIRD)/bearssl/src
CTGRIND_LIB := $(call objects,$(B)/ctgrind,$(filter-out %/main.c,$(SRC_parley))) $(BEAR_FILES:%=$(B)/ctgrind/bearssl/%.o)
CTGRIND_SRC := $(sort $(wildcard tests/ctgrind/ct_*.c))
CTGRIND_BIN := $(CTGRIND_SRC:tests/ctgrind/%.c=$(B)/ctgrind/%)
CTGRIND_WRAP := ct_equal bear_aes_ctr bear_aes_cbcdec bear_ghash br_rsa_i62_oaep_decrypt kwp_unwrap
$(CTGRIND_LIB): third_party/flags.mk | $(THIRD)/bearssl.stamp $(THIRD)/jsmn.stamp
$(eval $(call compile,$(B)/ctgrind,CT     ,CTGRIND_CC))
$(call bear_hot,$(B)/ctgrind/bearssl): CTGRIND_BEAR += $(HOT_OPT)
$(call bear_roomy,$(B)/ctgrind/bearssl): CTGRIND_BEAR += -include third_party/bearssl_rsa.h
$(call bear_roomy,$(B)/ctgrind/bearssl): third_party/bearssl_rsa.h
$(B)/ctgrind/bearssl/%.o: $(THIRD)/bearssl.stamp
	@mkdir -p $(@D)
	@$(CC) $(CTGRIND_BEAR) -c -o $@ $(THIRD)/bearssl/src/$*.c
$(B)/ctgrind/libparley.a: $(CTGRIND_LIB)
	@rm -f $@ && $(AR) rcs $@ $^
$(CTGRIND_BIN): $(B)/ctgrind/%: tests/ctgrind/%.c tests/ctgrind/wrap.c tests/ctgrind/secret.h $(B)/ctgrind/libparley.a
	@echo "  CT      $<"
	@$(CTGRIND_CC) $(CTGRIND_WRAP:%=-Wl,--wrap=%) -o $@ $< tests/ctgrind/wrap.c $(B)/ctgrind/libparley.a -lresolv -lpthread
ctgrind-programs: $(CTGRIND_BIN)

-include $(sort $(patsubst %.o,%.d,$(OBJ_san_all) $(OBJ_clang) $(OBJ_host) $(OBJ_debug) $(filter-out %/bearssl/%,$(CTGRIND_LIB))))
