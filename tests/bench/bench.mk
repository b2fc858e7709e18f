# Programs that measure the shipped objects are compiled and linked as the shipped programs are; the others stand beside them on glibc.
BENCH_SHIP := $(B)/bench/crypto $(B)/bench/verify
BENCH_HOST := $(B)/bench/verify_openssl $(B)/bench/start
OBJ_bench := $(call objects,$(B)/obj,$(filter-out src/lib/http/server.c src/lib/conf/%,$(SRC_lib)))
$(BENCH_SHIP): $(B)/bench/%: tests/bench/%.c tests/bench/measure.h $(OBJ_bench) $(THIRD)/libbearssl.a $(MUSL)/stamp
	@mkdir -p $(@D)
	@echo "  LD      $@"
	@$(SHIP_CC) -Itests/bench -c -o $@.o $<
	@$(CC) $(LDFLAGS) -o $@ $(call linked,$@.o $(OBJ_bench))
$(BENCH_HOST): $(B)/bench/%: tests/bench/%.c tests/bench/measure.h
	@mkdir -p $(@D)
	@$(CC) $(STD) -O2 $(WARN) -Itests/bench -o $@ $< -lcrypto
.PHONY: bench bench-programs
bench-programs: $(B)/parley $(B)/parleyctl $(B)/image/layer.tar $(B)/tests/snpbox $(BENCH_SHIP) $(BENCH_HOST)
bench: $(B)/setup-bench ## side by side with nginx, Flask, OpenSSL and Python, as ratios: build/bench.md (UPDATE=1: README's table, docs/bench.svg)
	@$(MAKE) --no-print-directory bench-programs
	@node tests/bench/main.js
