# The three libraries: fetched, verified, built from source. $(THIRD)/libbearssl.a and $(MUSL)/lib/libc.a are what programs are linked with.
THIRD := $(B)/third_party
MUSL := $(THIRD)/musl-out
# Third-party headers are system headers to us: their warnings are not ours.
THIRD_INC := -isystem $(THIRD)/bearssl/inc -isystem $(THIRD)/jsmn
THIRD_READY := $(MUSL)/stamp $(THIRD)/bearssl.stamp $(THIRD)/jsmn.stamp
# Only musl's headers and the compiler's own: no kernel header and nothing of the build machine's libc.
# Asked once, when the first file is compiled: set-up may have installed the compiler since this file was read.
gcc_inc = $(eval gcc_inc := $$(shell $$(CC) -print-file-name=include 2>/dev/null))$(gcc_inc)
MUSL_INC = -nostdinc -isystem $(MUSL)/include -isystem $(gcc_inc)
# musl's configure takes its flags apart at blanks. Without the map no path gets in either: musl is compiled by relative names.
MUSL_CFLAGS := $(OPT) $(HARDEN) $(if $(word 2,$(CURDIR)),,-ffile-prefix-map=$(CURDIR)/$(THIRD)/musl-obj=. -ffile-prefix-map=$(CURDIR)=.)
BEAR_CFLAGS := -std=c99 $(OPT) $(HARDEN) $(PREFIX_MAP) -w -I$(THIRD)/bearssl/inc -I$(THIRD)/bearssl/src
# A program of these objects, as the linker wants it.
linked = $(MUSL)/lib/rcrt1.o $(MUSL)/lib/crti.o $(1) $(THIRD)/libbearssl.a $(MUSL)/lib/libc.a $(MUSL)/lib/crtn.o

third-party: $(MUSL)/stamp $(THIRD)/libbearssl.a $(THIRD)/jsmn.stamp ## fetch and build musl, BearSSL and jsmn

.PRECIOUS: $(B)/setup-%
$(B)/setup-%: scripts/setup
	@mkdir -p $(@D)
	@scripts/setup $*
	@touch $@

# The pins say what is unpacked, whatever fetches it.
$(THIRD)/%.stamp: third_party/pins | $(B)/setup-build
	@scripts/fetch $* $(THIRD)/$*
	@touch $@
.PRECIOUS: $(THIRD)/%.stamp

$(MUSL)/stamp: $(THIRD)/musl.stamp third_party/flags.mk scripts/build-musl
	@echo "  MUSL    $(MUSL)"
	+@CC='$(CC)' CFLAGS='$(MUSL_CFLAGS)' MAKE='$(MAKE)' scripts/build-musl $(THIRD)/musl $(MUSL)
	@touch $@

BEAR_FILES := $(patsubst src/%.c,%,$(shell cat third_party/bearssl.files))
BEAR_OBJ := $(BEAR_FILES:%=$(THIRD)/bearssl-obj/%.o)

# For the objects below directory $(1): what is compiled in another way than the rest (third_party/flags.mk).
bear_hot = $(HOT:%=$(1)/%.o)
bear_roomy = $(ROOMY:%=$(1)/%.o)
$(call bear_hot,$(THIRD)/bearssl-obj): BEAR_CFLAGS += $(HOT_OPT)
$(call bear_roomy,$(THIRD)/bearssl-obj): BEAR_CFLAGS += -include third_party/bearssl_rsa.h
$(call bear_roomy,$(THIRD)/bearssl-obj): third_party/bearssl_rsa.h
$(BEAR_OBJ): $(THIRD)/bearssl-obj/%.o: $(THIRD)/bearssl.stamp third_party/flags.mk | $(MUSL)/stamp
	@mkdir -p $(@D)
	@$(CC) $(BEAR_CFLAGS) $(MUSL_INC) -c -o $@ $(THIRD)/bearssl/src/$*.c

$(THIRD)/libbearssl.a: $(BEAR_OBJ)
	@mkdir -p $(@D)
	@echo "  AR      $@"
	@rm -f $@ && $(AR) Drcs $@ $^
