# SPDX-License-Identifier: Apache-2.0
# Forwards to CMake; holds no build rule of its own. See docs/development.md.
VAR  = var
PORT = 8082
JOBS =
PREFIX = /usr

export CC_JOBS ?= 2
cmake_build = cmake --build build/$(1) $(if $(JOBS),-j $(JOBS)) $(2)
configure   = cmake --preset $(1) >build/$(1).log 2>&1 || { cat build/$(1).log; exit 1; }

.PHONY: help run build install deb test test-long bench asan tsan lint fuzz format docs clean

help:
	@echo 'make run        install what is needed, build, serve on http://127.0.0.1:$(PORT) with data in $(VAR)/'
	@echo 'make test       install what is needed, build, run every suite (ARGS="-L unit" chooses)'
	@echo 'make test-long  the same with full counts'
	@echo 'make bench      rates and latencies'
	@echo 'make build      the release program, build/release/controlcored'
	@echo 'make install    program, units, manual pages, settings (PREFIX=/usr, DESTDIR=)'
	@echo 'make deb        the Debian package, build/release/controlcored_*.deb'
	@echo 'make asan       the suites under the address and undefined behaviour sanitizers'
	@echo 'make tsan       the suites under the thread sanitizer'
	@echo 'make lint       cppcheck and clang-tidy'
	@echo 'make fuzz       the programs of tests/fuzz, SECONDS (60) each'
	@echo 'make format     clang-format, in place'
	@echo 'make docs       regenerate what is generated in docs/ and config/'
	@echo 'make clean      remove build/'
	@echo 'Variables: VAR=folder PORT=number ARGS="ctest arguments" JOBS=compilers'

run: packages-run release
	@exec build/release/controlcored serve --embedded $(VAR) --listen 127.0.0.1:$(PORT)

build: packages-run release

# DESTDIR=folder puts all of it below folder.
install: release
	@DESTDIR=$(DESTDIR) cmake --install build/release --prefix $(PREFIX) --strip

deb: build
	@cd build/release && cpack -G DEB

test: packages-test preset-ci
	@tests/run build/ci $(ARGS)

test-long: packages-test preset-ci
	@CC_LONG=1 tests/run build/ci $(ARGS)

asan tsan: %: packages-test preset-%
	@tests/run build/$@ $(ARGS)

bench: packages-bench packages-test release
	@tests/bench/run build/release
	@$(call configure,ci)
	@$(call cmake_build,ci,--target promises domains webhook year) >build/bench.log 2>&1 || { cat build/bench.log; exit 1; }
	@CC_BIN=build/release/controlcored build/ci/tests/promises
	@CC_BIN=build/release/controlcored build/ci/tests/domains
	@failed=0; for program in webhook year; do \
		CC_BIN=build/release/controlcored build/ci/tests/$$program || failed=1; done; exit $$failed

lint: packages-lint preset-clang
	@cmake/lint.sh build/clang

fuzz: packages-lint preset-fuzz
	@cmake/fuzz.sh build/fuzz $(SECONDS)

format:
	@find include src tests -name '*.[ch]' -exec clang-format -i {} +

docs: packages-test preset-ci
	@cmake/docs.sh build/ci/controlcored
	@cmake/examples.sh

clean:
	rm -rf build

.PHONY: release
release: preset-release

packages-%:
	@cmake/packages.sh $*

preset-%:
	@mkdir -p build
	@$(call configure,$*)
	@$(call cmake_build,$*)
