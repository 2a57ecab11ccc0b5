# The doors. Three matter: `make demo`, `make check`, and `make test` while one works; the rest is CMake with a
# preset. No rule here builds by itself.
SHELL := /bin/bash
JOBS ?= $(shell nproc)
SUITES ?=
ONCE ?=
SECONDS ?= 60
TARGETS ?=
VERSION ?=
FOR ?= check

.PHONY: build release asan deps demo ui app kibana dashboards dist containers test check check-more check-full
.PHONY: format lint bench coverage fuzz faults clean help

help:            ## this list
	@grep -hE '^[a-z -]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | expand -t 14

demo:            ## build, sample traces, a rule, its replay; stays up until Ctrl-C (ONCE=1 ends). Needs Debian's C tools only
	@distribution/install-build-deps.sh demo
	@test -f build/release/build.ninja || cmake --preset release -DBETRACE_TESTS=OFF
	@cmake --build --preset release -j $(JOBS) --target betrace
	@ONCE=$(ONCE) distribution/demo.sh

ui:              ## the web pages for `betrace serve --ui`, into grafana-betrace-app/dist-ui. Needs Node 20 and npm
	@distribution/build-ui.sh

app:             ## the Grafana app and its data source, into grafana-betrace-app/dist. Needs Node 20, npm and Go
	@distribution/build-app.sh

kibana dashboards: ## the plugin for exactly that release of Kibana or OpenSearch Dashboards, into build/dist: make kibana VERSION=8.12.2
kibana dashboards: ui
	@python3 distribution/kibana/make_plugin.py $@ $(VERSION)

dist:            ## packages into build/dist: .deb, tarball, Helm chart with its index, the Grafana app where it is built
	@distribution/install-build-deps.sh dist
	@distribution/make-dist.sh

containers:      ## build the real Dockerfile without an engine (as root), run it, ask it, end it; prints the image's size
	@distribution/install-build-deps.sh full
	@python3 tests/dist/full_containers.py

deps:            ## install Debian packages that are missing; FOR=check, or demo, dist, full
	@distribution/install-build-deps.sh $(FOR)

test:            ## under two minutes: units and cases of what changed since they passed, on the debug build
	@python3 tests/runner/changed.py

check:           ## what finds regressions, in ten minutes, installing what is missing; SUITES="lint asan" runs some
	@tests/check $(SUITES)

check-more:      ## the rest of what CI does: all builds, other Tempos, all journeys, packages, benches
	@tests/check --more $(SUITES)

check-full:      ## both, and what takes hours: long fuzzing, TSan, a clean root, large benches
	@tests/check --full $(SUITES)

# Through ccache where that is installed, with the cache and the settings that the check has (tests/runner/suites.py).
ifneq ($(shell command -v ccache 2>/dev/null),)
build release asan fuzz: export CMAKE_C_COMPILER_LAUNCHER ?= ccache
build release asan fuzz: export CMAKE_CXX_COMPILER_LAUNCHER ?= ccache
build release asan fuzz: export CCACHE_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/betrace/ccache
build release asan fuzz: export CCACHE_BASEDIR ?= $(CURDIR)
build release asan fuzz: export CCACHE_NOHASHDIR ?= 1
endif

build: PRESET = dev
build:           ## debug build with tests, in build/dev. Installs nothing: `make deps` does
release asan:    ## the same in build/release, build/asan
release asan: PRESET = $@
build release asan:
	@cmake --preset $(PRESET) -DBETRACE_TESTS=ON || \
	  { echo "where something is missing, 'make deps' installs it (Debian)" >&2; exit 1; }
	cmake --build --preset $(PRESET) -j $(JOBS)

format:          ## lay out C files as lint wants them
	git ls-files -z --cached --others --exclude-standard '*.c' '*.h' '*.cc' ':!distribution/editors/*/src/parser.c' \
	  ':!distribution/editors/*/src/tree_sitter/*' | xargs -0 clang-format-14 -i

lint:            ## tests/lint alone
	@tests/check lint

bench:           ## the benches at full size
	@tests/check full:bench-large

coverage:        ## the lines of dsl/ and tempo/ that tests without a Tempo run; details in build/coverage/lines.html
	@tests/check full:coverage

fuzz:            ## each fuzz target for SECONDS=60; TARGETS="eval format" runs some
	@distribution/install-build-deps.sh full
	cmake --preset fuzz && cmake --build --preset fuzz -j $(JOBS) --target fuzz_targets
	@python3 tests/runner/fuzz.py $(SECONDS) $(TARGETS)

faults:          ## random faults between betrace and a real Tempo, at full size; FAULT_SEED=N repeats a run
	@tests/check full:faults

clean:           ## remove build/
	rm -rf build
