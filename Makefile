# What people and CI run. `make` alone lists the targets.
#
# Settings, from the environment or the command line:
#   CARGO_TARGET_DIR  where builds go; cargo's own, default ./target
#   TRUEUP_CACHE      where tools and Python packages go, default ~/.cache/trueup
#   DB=postgres       make demo on PostgreSQL instead of SQLite
#   HOST, FILE        which language runs which scenarios in make scenarios
#   CASES, FUZZ_SECONDS   how deep make test-deep goes
#   BENCH="--case wide1m" what make bench passes on

SHELL := bash
.DEFAULT_GOAL := help
.NOTPARALLEL:

TRUEUP_CACHE ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/trueup
TOOLS := $(TRUEUP_CACHE)/tools
export PATH := $(PATH):$(TOOLS)/bin
# In CI the lock file is taken as it is; at a desk cargo may add a line to it.
LOCKED := $(if $(CI),--locked)

DB ?= sqlite
# Not from the environment, where HOST may be the machine's name.
HOST := python
FILE := tests/scenarios
CASES ?= 4096
FUZZ_SECONDS ?= 60
DENY ?= bans licenses sources
MSRV := $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

# $(call need,program,crate,version): installs a tool once, and only when a target needs it.
need = command -v $(1) > /dev/null || cargo install --locked --root $(TOOLS) $(2)@$(3)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(if $(filter postgres,$(DB)),postgres) ## Compare two real systems: a Debian catalogue and a software inventory (DB=postgres)
	cargo run --profile demo $(LOCKED) -p trueup-examples --bin demo -- --db $(DB)

.PHONY: test
test: lint checker postgres verifiers scim2 jamf graph-clients ## What CI runs: lint, golden scenarios, all tests and doc tests (minutes)
	TRUEUP_REQUIRE_POSTGRES=1 TRUEUP_REQUIRE_VERIFIERS=1 TRUEUP_REQUIRE_SCIM2=1 TRUEUP_REQUIRE_JAMF=1 TRUEUP_REQUIRE_GRAPH_CLIENTS=1 TRUEUP_CACHE="$(TRUEUP_CACHE)" cargo test $(LOCKED) --workspace --all-features --no-fail-fast

# TRUEUP_DEEP=1 tells tests that sample to take everything; PROPTEST_CASES is proptest's own.
.PHONY: test-deep
test-deep: ## Everything: more random cases, fuzzing, coverage, the oldest compiler, licences, spelling
	$(MAKE) test TRUEUP_DEEP=1 PROPTEST_CASES=$(CASES)
	$(MAKE) fuzz coverage msrv deny spelling

.PHONY: bench
bench: ## Measure against Polars, DuckDB, datacompy and csv-diff; writes docs/benchmarks.md
	TRUEUP_BENCH_DIR="$(TRUEUP_CACHE)/bench" python3 benches/run.py $(BENCH)

.PHONY: lint
lint: ## Format, clippy and rustdoc with warnings as errors, the bare crates, the rules of the house
	cargo fmt --all -- --check
	cargo clippy $(LOCKED) --workspace --all-targets --all-features -- -D warnings
	cargo clippy $(LOCKED) -p trueup-connector --no-default-features -- -D warnings
	cargo clippy $(LOCKED) -p trueup --no-default-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc $(LOCKED) --workspace --no-deps --all-features
	cargo test $(LOCKED) --quiet -p trueup-tidy

.PHONY: docs
docs: ## Build the API pages and the book (docs/book/index.html); installs mdbook the first time
	cargo doc $(LOCKED) --workspace --no-deps --all-features
	@$(call need,mdbook,mdbook,0.5.4)
	mdbook build docs

.PHONY: fmt
fmt: ## Format the code
	cargo fmt --all

.PHONY: coverage
coverage: ## Line coverage of the two core crates, at least 90%; pages in coverage/html
	@$(call need,cargo-llvm-cov,cargo-llvm-cov,0.9.1)
	tests/coverage.sh

.PHONY: deny
deny: ## Licences, bans and sources of all dependencies (DENY=advisories asks the advisory database)
	@$(call need,cargo-deny,cargo-deny,0.20.2)
	cargo deny --locked check --hide-inclusion-graph $(DENY)

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZ_SECONDS; needs a nightly compiler
	@$(call need,cargo-fuzz,cargo-fuzz,0.13.2)
	for target in $(basename $(notdir $(wildcard tests/fuzz/fuzz_targets/*.rs))); do \
	  cargo +nightly fuzz run --fuzz-dir tests/fuzz $$target -- \
	    -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=2048 || exit 1; \
	done

.PHONY: msrv
msrv: ## Check with the oldest compiler promised, if rustup has it
	@if rustup run $(MSRV) cargo --version > /dev/null 2>&1; then \
	  rustup run $(MSRV) cargo check --locked --workspace --all-features; \
	else \
	  echo "not checked: Rust $(MSRV) is not installed (rustup toolchain install $(MSRV))"; \
	fi

.PHONY: spelling
spelling: ## Look for misspelt words
	@$(call need,typos,typos-cli,1.52.0)
	typos

# The golden scenarios, recomputed by code that shares nothing with ours.
.PHONY: checker
checker:
	python3 tests/checker/check.py

.PHONY: python
python: ## Build the Python wheel (bindings/python/dist) and install it in bindings/python/.venv
	bindings/python/build.sh

.PHONY: python-test
python-test: ## The Python package's tests: scenarios, doc tests, types, notebooks, connectors
	bindings/python/build.sh --tests
	cd bindings/python && .venv/bin/python -m pytest

.PHONY: node
node: ## Build the Node package in bindings/node
	bindings/node/build.sh

.PHONY: node-test
node-test: node ## The Node package's tests: scenarios, README, types, connectors
	cd bindings/node && npm test

.PHONY: swift
swift: swift-build ## Build the Swift package in bindings/swift and run its tests (sets Swift up where there is none)
	cd bindings/swift && TRUEUP_CACHE="$(TRUEUP_CACHE)" ./with-swift.sh swift test

.PHONY: swift-build
swift-build:
	TRUEUP_CACHE="$(TRUEUP_CACHE)" bindings/swift/build.sh

# What builds a language before its scenarios, if not the target of its name.
BUILD_swift := swift-build

# What runs scenarios, by language.
RUN_python := bindings/python/.venv/bin/python bindings/python/tests/scenarios.py
RUN_node := node bindings/node/test/scenarios.js
RUN_swift := TRUEUP_CACHE="$(TRUEUP_CACHE)" SEE="$(abspath $(FILE))" bindings/swift/with-swift.sh bindings/swift/.build/debug/trueup-scenarios

.PHONY: scenarios
scenarios: ## Run scenarios through a language: HOST=python|node|swift, FILE=a file or folder; one JSON line each
	@$(MAKE) --no-print-directory $(or $(BUILD_$(HOST)),$(HOST)) 1>&2
	@$(RUN_$(HOST)) $(abspath $(FILE))

# The tests start their own server on loopback; here it is only made sure that there is one to start.
# With TRUEUP_REQUIRE_POSTGRES=1 a test that finds none fails; without, it says so and passes.
.PHONY: postgres
postgres:
	@tests/postgres.sh

# A SCIM server and a checker of SCIM servers, which others wrote. With TRUEUP_REQUIRE_SCIM2=1 a test that finds
# none fails; without, it says so and passes.
.PHONY: scim2
scim2:
	@TRUEUP_CACHE="$(TRUEUP_CACHE)" tests/scim2.sh > /dev/null

# A Jamf client and a checker of JSON, which others wrote. With TRUEUP_REQUIRE_JAMF=1 a test that finds none
# fails; without, it says so and passes.
.PHONY: jamf
jamf:
	@TRUEUP_CACHE="$(TRUEUP_CACHE)" tests/jamf.sh > /dev/null

# Microsoft's own clients for Graph. With TRUEUP_REQUIRE_GRAPH_CLIENTS=1 a test that finds none fails; without, it
# says so and passes.
.PHONY: graph-clients
graph-clients:
	@TRUEUP_CACHE="$(TRUEUP_CACHE)" tests/graph_clients.sh > /dev/null

# Python packages by others that check our evidence packs. With TRUEUP_REQUIRE_VERIFIERS=1 a test that
# finds none fails; without, it says so and passes.
.PHONY: verifiers
verifiers:
	@TRUEUP_CACHE="$(TRUEUP_CACHE)" tests/verifiers.sh
