# `make help` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -e -o pipefail -c
.DEFAULT_GOAL := build

PREFIX ?= /usr/local
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
ABI := $(firstword $(subst ., ,$(VERSION)))

LIBRARY := libconsistent_memcached
TARGET := $(CURDIR)/target
RELEASE := $(TARGET)/release
VENV := $(TARGET)/venv/bin

# The bindings find the library of this source tree by these.
export CARGO_TARGET_DIR := $(TARGET)
export CONSISTENT_MEMCACHED_LIBRARY := $(RELEASE)/$(LIBRARY).so
export PKG_CONFIG_PATH := $(CURDIR)/bindings/go

CFLAGS := -std=c99 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Werror -O1 -g -Iinclude
LDLIBS := -L$(RELEASE) -lconsistent_memcached -lpthread -Wl,-rpath,$(RELEASE)

C_TESTS := null null_objects keys_values servers explain operations batch budget packed meta lease quiet \
           binary unreachable failure liar liar_writes liar_meta interrupted fork threads sharing soak queue \
           metrics events failover changes resolve slow frozen chaos
C_SHARED := support memcached fleet stub fake relay proxy faults noise traffic values operate
C_FILES := $(wildcard tests/c/*.[ch] tests/tsan/*.c examples/*.c benches/peers/*.[ch])
PYTHON_EXAMPLES := $(wildcard examples/*.py examples/demo/*.py tests/*.py \
                              benches/*.py benches/peers/*.py)
RUBY_EXAMPLES := $(wildcard examples/*.rb examples/demo/*.rb)
GO_EXAMPLES := $(wildcard examples/*.go examples/demo/*.go)

.PHONY: setup build header demo test test-rust test-c test-python test-ruby test-go test-examples soak race chaos \
        lint format valgrind tsan fuzz bench bench-smoke bench-placement docs cm help install clean

setup:
	@.ci/setup

# The SONAME too must be found in the folder: by the loader, and by cgo.
build: setup
	cargo build --release --locked
	ln -sf $(LIBRARY).so $(RELEASE)/$(LIBRARY).so.$(ABI)

header:
	cargo build --release
	cp "$$(ls -t $(RELEASE)/build/consistent-memcached-*/out/consistent_memcached.h | head -n 1)" \
	    include/consistent_memcached.h

# Rewrites the tables of options in the documents.
docs:
	UPDATE_DOCS=1 cargo test --locked --test structure

# The command line, target/release/cm.
cm: build
	cargo build --release --locked --features cli --bin cm

help:
	@echo "demo      real servers, four languages, a server more, a server less; SVG=FILE: a picture too"
	@echo "test      every test; test-rust test-c test-python test-ruby test-go test-examples: a part"
	@echo "soak      a million operations while servers are killed; race: handovers, RACE_SECONDS=$(RACE_SECONDS)"
	@echo "chaos     servers that die, freeze, lie and come back, CHAOS_SECONDS=$(CHAOS_SECONDS); figures"
	@echo "lint      formatting and linters; format: mends the formatting"
	@echo "valgrind  the C tests under memcheck; tsan: under ThreadSanitizer"
	@echo "fuzz      every parser, FUZZ_SECONDS=$(FUZZ_SECONDS) each"
	@echo "bench     calls beside other clients; bench-placement: look-ups; bench-smoke: do they work"
	@echo "build     the library; cm: the command line; header, docs: what is generated"
	@echo "install   PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)"

# ---- examples and the demo ----

$(TARGET)/examples/%: examples/%.c include/consistent_memcached.h | build
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $< -o $@ $(LDLIBS)

$(TARGET)/examples/verify-go: examples/demo/verify.go $(wildcard bindings/go/*.go) | build
	@mkdir -p $(@D)
	go build -C bindings/go -o $@ ../../$<

demo: $(TARGET)/examples/store $(TARGET)/examples/verify-go
	PYTHONPATH=bindings/python/src python3 examples/demo/demo.py $(if $(SVG),--svg $(SVG))

# ---- tests ----

test: test-rust test-c test-python test-ruby test-go test-examples

test-rust: build
	cargo test --locked --features cli

# The program of a test is its own file and the ones that all share.
C_HEADERS := $(wildcard tests/c/*.h) include/consistent_memcached.h

# Kept: each test is linked with all of them.
.SECONDARY: $(C_SHARED:%=$(TARGET)/c/shared/%.o)

$(TARGET)/c/shared/%.o: tests/c/%.c $(C_HEADERS) | build
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c $< -o $@

$(TARGET)/c/%: tests/c/%.c $(C_SHARED:%=$(TARGET)/c/shared/%.o) $(C_HEADERS) | build
	$(CC) $(CFLAGS) $(filter %.c %.o,$^) -o $@ $(LDLIBS)

test-c: $(C_TESTS:%=$(TARGET)/c/%)
	$(CC) $(CFLAGS) -Wredundant-decls -fsyntax-only -x c include/consistent_memcached.h
	$(CXX) -std=c++11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c++ \
	    include/consistent_memcached.h
	tests/abi/check $(RELEASE)/$(LIBRARY).so
	failed=; for test in $(C_TESTS); do \
	    echo "== $$test"; $(TARGET)/c/$$test || failed+=" $$test"; done; test -z "$$failed"

# Handovers while many read, write, delete and count; `make test` has a short one.
RACE_SECONDS ?= 60
race: setup
	RACE_SECONDS=$(RACE_SECONDS) cargo test --locked --test handover_races -- --test-threads 1

# A million operations while servers are killed; `make test` has a short one.
soak: $(TARGET)/c/soak
	$(TARGET)/c/soak 1000000

# What measures time, and ten minutes of faults. CHAOS_SEED repeats a run.
CHAOS_SECONDS ?= 600
CHAOS_SEED ?=

chaos: $(TARGET)/c/chaos $(TARGET)/c/frozen $(TARGET)/c/slow $(TARGET)/c/changes
	$(TARGET)/c/slow strict
	$(TARGET)/c/frozen measure
	$(TARGET)/c/changes measure
	$(TARGET)/c/chaos $(CHAOS_SECONDS) strict $(CHAOS_SEED)

test-python: build
	cd bindings/python && $(VENV)/python -m pytest -q

test-ruby: build
	cd bindings/ruby && rake test

test-go: build
	cd bindings/go && go test -count=1 ./...

test-examples: $(TARGET)/examples/quickstart $(TARGET)/examples/store $(TARGET)/examples/verify-go
	$(VENV)/python -m pytest -q -p no:cacheprovider tests

# ---- format and lint ----

lint: build
	cargo fmt --check
	cargo clippy --locked --all-targets --features cli -- -D warnings
	clang-format --dry-run -Werror $(C_FILES)
	cd bindings/python && $(VENV)/ruff check . && $(VENV)/ruff format --check . && $(VENV)/mypy
	$(VENV)/ruff check --config bindings/python/pyproject.toml $(PYTHON_EXAMPLES)
	$(VENV)/ruff format --check --config bindings/python/pyproject.toml $(PYTHON_EXAMPLES)
	cd bindings/python && $(VENV)/mypy $(PYTHON_EXAMPLES:%=../../%)
	cd bindings/ruby && rubocop && rubocop --config .rubocop.yml $(RUBY_EXAMPLES:%=../../%)
	unformatted=$$(gofmt -l bindings/go $(GO_EXAMPLES)); echo "gofmt: $${unformatted:-all clean}"; \
	    test -z "$$unformatted"
	cd bindings/go && go vet ./... && for file in $(GO_EXAMPLES:%=../../%); do go vet $$file; done

format: setup
	cargo fmt
	clang-format -i $(C_FILES)
	$(VENV)/ruff format --config bindings/python/pyproject.toml bindings/python $(PYTHON_EXAMPLES)
	gofmt -w bindings/go $(GO_EXAMPLES)

# ---- memory ----

MEMCHECK := valgrind --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=definite,indirect \
            --errors-for-leak-kinds=definite,indirect --fair-sched=yes

# Each with arguments that make it short. What is not here spends its time waiting; `liar` has a value
# of 4 GB announced, for whose buffer memcheck reports the last byte of a slice that is in bounds.
VALGRIND_RUNS := "null" "null_objects" "servers" "operations" "packed" "meta" "lease" "binary" \
                 "liar_writes" "metrics" "events" "batch 3000 40" "threads 5"

valgrind: $(C_TESTS:%=$(TARGET)/c/%)
	for test in $(VALGRIND_RUNS); do echo "== $$test"; $(MEMCHECK) $(TARGET)/c/$$test; done

# Who reads what another thread writes, without a lock between them.
tsan: setup
	SHARED="$(C_SHARED)" tests/tsan/run "threads 10" "sharing 2" failure fork queue failover changes \
	    "chaos 10"

# ---- fuzzing ----

FUZZ_SECONDS ?= 30
FUZZ := $(TARGET)/tools/bin/cargo-fuzz

$(FUZZ):
	cargo install --locked --quiet --root $(TARGET)/tools --version 0.13.2 cargo-fuzz

# RUSTC_BOOTSTRAP lets the stable compiler take the sanitizer's flags.
fuzz: setup $(FUZZ)
	for target in reply server_list; do \
	    CARGO_TARGET_DIR=$(TARGET)/fuzz RUSTC_BOOTSTRAP=1 $(FUZZ) run $$target --fuzz-dir fuzz -- \
	        -max_total_time=$(FUZZ_SECONDS) -verbosity=0 -print_final_stats=1; done

# ---- benchmarks ----

PEERS := $(addprefix $(TARGET)/bench/peer-,raw ours libmemcached)

# See benches/peers/peer.h; what a peer's own library needs is in LDLIBS_name.
LDLIBS_ours := $(LDLIBS)
LDLIBS_libmemcached := -lmemcached
$(PEERS): $(TARGET)/bench/peer-%: benches/peers/%.c benches/peers/main.c benches/peers/workload.c \
          benches/peers/peer.h include/consistent_memcached.h | build
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -std=c11 -O2 $(filter %.c,$^) -o $@ -lpthread $(LDLIBS_$*)

# Everyone who can be had; ROUNDS=3 is a shorter look, JSON=FILE the figures for a program.
bench: $(PEERS)
	benches/peers/install
	$(VENV)/python benches/run.py $(if $(ROUNDS),--rounds $(ROUNDS),--write docs/benchmarks.md) \
	    $(if $(JSON),--json $(JSON)) $(if $(ONLY),--only '$(ONLY)')

# Whether the benchmark works, with those who are there; its figures mean nothing.
bench-smoke: $(PEERS)
	$(VENV)/python benches/run.py --smoke

bench-placement: setup
	benches/placement/peers/install
	cargo bench --locked --bench placement

# ---- installation ----

INSTALLED := $(DESTDIR)$(PREFIX)

install: build
	install -d $(INSTALLED)/lib/pkgconfig $(INSTALLED)/include
	install -m 755 $(RELEASE)/$(LIBRARY).so $(INSTALLED)/lib/$(LIBRARY).so.$(VERSION)
	ln -sf $(LIBRARY).so.$(VERSION) $(INSTALLED)/lib/$(LIBRARY).so.$(ABI)
	ln -sf $(LIBRARY).so.$(ABI) $(INSTALLED)/lib/$(LIBRARY).so
	install -m 644 $(RELEASE)/$(LIBRARY).a $(INSTALLED)/lib
	install -m 644 include/consistent_memcached.h $(INSTALLED)/include
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' consistent_memcached.pc.in \
	    > $(INSTALLED)/lib/pkgconfig/consistent_memcached.pc

clean:
	cargo clean
