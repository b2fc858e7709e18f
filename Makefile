# parley: the programs, their images and policies. "make help" lists what can be asked for.
#
# Paths are relative and the locale is fixed, so the same tree gives the same bytes wherever it is. Beside this file:
# third_party/build.mk (musl, BearSSL, jsmn), tests/tests.mk (everything that only tests use), tests/bench/bench.mk.

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
LC_ALL := C
SOURCE_DATE_EPOCH ?= 1735689600
export LC_ALL SOURCE_DATE_EPOCH
# For tests and demo, which read them from the environment; TARBALLS: a directory of source archives to take instead of the network.
export ONCE OUT CONTOSO_CSV FABRIKAM_CSV FUZZ_SECONDS PLACE UPDATE TARBALLS

B := build

# --- Sources ------------------------------------------------------------------------------------------------------
# The library: a room uses itself and the rooms before it (tests/checks/rooms.sh).
ROOMS := base os text crypto tls snp http azure attest conf
base := ct err fault log out setting span
os := clock entropy event file lock mem net poll resolve seal seal_calls seal_files snp_device thread
text := base64 cbor chunked csv der hex http_head inflate json_items json_read json_write pem timefmt url utf8 xml
crypto := anchors_data bear cose crl ec gcm hash jwk jws kwp pkcs8 rng rsa sha256_ni x509 x509_anchors x509_chain x509_ext x509_names x509_sig
tls := tls tls_client tls_client_trust tls_given tls_identity tls_profile tls_server tls_sessions tls_settings tls_text
snp := accept amd_roots cert_evidence certs chain checks context did proof proof_token report runtime token trust uvm vcek verify
http := access answer body call conn https rate refusal reply retry server session slots
azure := akv akv_unwrap blob blob_sign identity maa maa_token services thim
attest := attest certificate evidence keys release
conf := confine settings
SRC_lib := $(foreach room,$(ROOMS),$($(room):%=src/lib/$(room)/%.c))

# The programs' own parts.
party := autoinit conf h_attest h_attestation h_company h_info h_partner h_peer h_session h_skr partner partner_key peer populate routes rules share start steps
records := append partread records recread recwrite spool store
query := analysis analyze demographics groups suppress values
demo := access_test conf h_container h_crypt h_debug h_page h_storage probe routes shared storage
sidecar := h_local routes
ui := analysis.js app.js attest.js base.js claims.js compare.html compare.js data.js index.html map.js proof.js style.css verify.mjs
ctl := ctl_evidence ctl_explain ctl_fetch ctl_generate ctl_image ctl_layer ctl_online ctl_options ctl_policy ctl_release ctl_say ctl_show ctl_token ctl_verify main
policy := container drift explain ext4 fs guest image layer party pattern pattern_loose pax rego rego_read release release_check \
	shape simulate tar tarwrite vars verity why xattr
SRC_party := $(party:%=src/party/%.c) $(records:%=src/party/records/%.c) $(query:%=src/party/query/%.c)
SRC_demo := $(demo:%=src/demo/%.c)
SRC_sidecar := $(sidecar:%=src/sidecar/%.c)
SRC_policy := $(policy:%=policy/%.c)

# The files of each program, and the bytes it may have at most.
PROGRAMS := parley parley-party parleyctl
SRC_parley := src/demo/main.c $(SRC_lib) $(SRC_party) $(SRC_demo) $(SRC_sidecar) $(B)/gen/ui.c
SRC_parley-party := src/party/main.c $(SRC_lib) $(SRC_party) $(SRC_sidecar) src/demo/conf.c
SRC_parleyctl := $(filter-out src/lib/http/server.c,$(SRC_lib)) $(ctl:%=src/ctl/%.c) $(SRC_policy) src/party/conf.c src/demo/conf.c
MAX_SIZE := 573440
MAX_parley-party := 471040
SRC_own := $(sort $(foreach p,$(PROGRAMS),$(SRC_$(p))))

# a/b.c -> DIR/a/b.o
objects = $(patsubst %.c,$(1)/%.o,$(2))

# --- Flags --------------------------------------------------------------------------------------------------------
include third_party/flags.mk
# make WERROR= for a compiler whose warnings are not known yet.
WERROR := -Werror
WARN := -Wall -Wextra -Wshadow -Wconversion -Wmissing-prototypes -Wstrict-prototypes -Wvla $(WERROR)
FRAME := -Wframe-larger-than=16384
STD := -std=c11 -D_GNU_SOURCE
PREFIX_MAP := '-ffile-prefix-map=$(CURDIR)=.'
DEP = -MMD -MP -MF $(@:.o=.d)
INC := -Isrc/lib -Isrc -I.
# Our own code is small before it is fast, as the libraries are (third_party/flags.mk says what that costs).
OWN_OPT := -Os
SHIP_CC = $(CC) $(STD) $(OWN_OPT) -g $(HARDEN) $(WARN) $(FRAME) $(PREFIX_MAP) $(MUSL_INC) $(INC) $(THIRD_INC)
LDFLAGS := -static-pie -nostdlib -nostartfiles -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,relro -Wl,-z,now \
	-Wl,-z,noexecstack -Wl,-z,text -Wl,-z,separate-code -Wl,--hash-style=gnu -Wl,--sort-section=name

comma := ,
# "Every source with this compiler and these flags into this directory": $(1) directory, $(2) what is said, $(3) the compiler with its flags.
define compile
$(1)/%.o: %.c
	@mkdir -p $$(@D)
	@echo "  $(2) $$<"
	@$$($(3)) $$(DEP) -c -o $$@ $$<
.PRECIOUS: $(1)/%.o
endef

include third_party/build.mk

# --- Programs -----------------------------------------------------------------------------------------------------
.PHONY: all audit demo demo-programs fresh help image install policy reproduce clean distclean third-party FORCE
all: $(PROGRAMS:%=$(B)/%) ## the programs, in build/ (the default)
FORCE:

help: ## this list
	@echo "make TARGET [TARBALLS=directory of source archives] [WERROR=]"
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' Makefile tests/tests.mk tests/bench/bench.mk | awk -F '\t' '{ printf "  %-12s %s\n", $$1, $$2 }'
	@echo "fuzz takes SECONDS=n and TARGETS='names' (default: 60, all)"
	@echo "test takes T='words': only tests whose path has one"
	@echo "demo takes ONCE=1 (end after the result), OUT=file, CONTOSO_CSV=file, FABRIKAM_CSV=file"
	@echo "install takes DESTDIR= and PREFIX=/usr/local"

# A file that changes exactly when the flags do, so that changed flags compile anew.
$(B)/own.flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(OWN_OPT) $(HARDEN) $(WARN)' | cmp -s - $@ || echo '$(CC) $(OWN_OPT) $(HARDEN) $(WARN)' > $@

OBJ_ship := $(call objects,$(B)/obj,$(SRC_own))
$(OBJ_ship): third_party/flags.mk $(B)/own.flags | $(THIRD_READY)
$(eval $(call compile,$(B)/obj,CC     ,SHIP_CC))

# The page as C arrays and their table.
$(B)/gen/ui.c: $(ui:%=src/ui/%) scripts/embed
	@mkdir -p $(@D)
	@scripts/embed $(ui:%=src/ui/%) > $@

# Without the compiler's own library: what needs it does not link.
define program
$(B)/$(1): $$(call objects,$(B)/obj,$$(SRC_$(1))) $(THIRD)/libbearssl.a $(MUSL)/stamp scripts/check-elf
	@echo "  LD      $$@"
	@$$(CC) $$(LDFLAGS) -Wl,-Map,$$@.map -o $$@.full $$(call linked,$$(call objects,$(B)/obj,$$(SRC_$(1))))
	@strip --strip-all -R .comment -o $$@.tmp $$@.full
	@scripts/check-elf $$@.tmp $$(or $$(MAX_$(1)),$$(MAX_SIZE))
	@mv $$@.tmp $$@
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

PREFIX ?= /usr/local
install: all ## the programs and their manual pages, below DESTDIR and PREFIX
	@mkdir -p '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/share/man/man1'
	@install -m 0755 $(PROGRAMS:%=$(B)/%) '$(DESTDIR)$(PREFIX)/bin'
	@install -m 0644 $(wildcard docs/*.1) '$(DESTDIR)$(PREFIX)/share/man/man1'

# --- Image and policy ---------------------------------------------------------------------------------------------
# The layer holds the program and the directory of its data. Labels do not enter the layer, so they do not enter HOST_DATA.
REVISION ?= $(shell git describe --always --abbrev=40 --dirty 2>/dev/null || echo unknown)
VERSION := $(shell sed -n 's/.*PARLEY_VERSION "\(.*\)".*/\1/p' src/lib/base/version.h)
LABEL := org.opencontainers.image
image: $(B)/image/layer.tar ## build/image: OCI layout, docker archive and layer, without docker; prints the digests
	@cat $(B)/image/digests

$(B)/image/layer.tar: $(B)/parley $(B)/parleyctl $(B)/image/revision
	@rm -rf $(B)/image/oci && mkdir -p $(B)/image
	@$(B)/parleyctl image --out $(B)/image --tag parley:$(VERSION) --file parley=$(B)/parley --dir data=0700 --user 0:0 \
		--label $(LABEL).title=parley --label $(LABEL).licenses=MIT --label $(LABEL).version=$(VERSION) \
		--label $(LABEL).revision=$(REVISION) -- /parley > $(B)/image/digests

# Made anew only when the revision is another.
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

# --- What is asked for --------------------------------------------------------------------------------------------
# Set-up may have to install the compiler, which this file has already asked for its directories: hence a second make.
demo: $(B)/setup-demo ## four parties and a snooper on this machine, against stand-ins for Azure and the hardware
	@$(MAKE) --no-print-directory $(jobs) demo-programs
	@if ! command -v npm > /dev/null || ! $(MAKE) --no-print-directory $(B)/node_modules.stamp; then \
		echo "demo: without npm's packages there is no Azurite: records stay in the parties' own files"; fi
	@scripts/demo

demo-programs: $(B)/parley $(B)/parleyctl $(B)/image/layer.tar $(B)/tests/snpbox

audit: all ## count the TCB, check the promises; fails when TCB.md is stale (UPDATE=1 writes it)
	@node scripts/audit.js

fresh: ## demo and tests on a fresh Debian 12, made by debootstrap (root; T='words', PLACE=directory)
	@scripts/fresh

clean: ## remove everything built, keep the fetched archives
	rm -rf $(filter-out $(THIRD),$(wildcard $(B)/*))
	rm -rf $(filter-out $(THIRD)/archives,$(wildcard $(THIRD)/*))

distclean: ## remove build/ and tests/node_modules
	rm -rf $(B) tests/node_modules

# All cores compile, unless make was told how many.
jobs = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
include tests/tests.mk
include tests/bench/bench.mk
-include $(OBJ_ship:.o=.d)
