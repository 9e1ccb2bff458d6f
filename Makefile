# Everything that is run here, by people and by .ci/run. `make demo` and `make test` set up all they need.

VERSION := v$(shell sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
HOST := $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')

# What is built for, by Rust's name: make package TARGET=aarch64-unknown-linux-gnu
TARGET := $(HOST)
OS := $(if $(findstring windows,$(TARGET)),windows,$(if $(findstring apple,$(TARGET)),darwin,$(if $(findstring freebsd,$(TARGET)),freebsd,linux)))
ARCH := $(if $(filter x86_64-%,$(TARGET)),amd64,arm64)

# make package BACKENDS=all: every backend of rclone
$(if $(filter-out all,$(BACKENDS)),$(error BACKENDS is "$(BACKENDS)": write BACKENDS=all for every backend of rclone, or leave it out))
FEATURES := $(if $(BACKENDS),--features all-backends)

# What Cargo builds is looked for in target/.
unexport CARGO_TARGET_DIR

# The static executable. Cargo builds for an explicit target: without one, the flag would also go
# to procedural macros, which cannot be static.
FOLDER := target/$(TARGET)/release
EXECUTABLE := $(FOLDER)/plakar-opendrive$(if $(filter windows,$(OS)),.exe)
CARGO_TARGET := CARGO_TARGET_$(shell echo '$(TARGET)' | tr 'a-z-' 'A-Z_')
STATIC := $(if $(filter darwin,$(OS)),,$(CARGO_TARGET)_RUSTFLAGS="-C target-feature=+crt-static")
ifneq ($(TARGET),$(HOST))
ifeq ($(TARGET),aarch64-unknown-linux-gnu)
STATIC += $(CARGO_TARGET)_LINKER=aarch64-linux-gnu-gcc
endif
endif

# The Plakar that the tests pin, and a home for it when it makes a package.
TOOLS := target/tools
PLAKAR := $(TOOLS)/plakar
RCLONE := $(TOOLS)/rclone
SIMULATOR := target/release/opendrive-sim
NOTICES := $(TOOLS)/notices
PACKAGE := rclone_$(VERSION)_$(OS)_$(ARCH).ptar

# What Plakar 1.0 speaks with plugins through, for the tests.
KLOSET_1_0 := $(TOOLS)/kloset-1.0

# The plugin API of the Plakar that the package is for. A package for v1.0 is made by a Plakar 1.0, which
# the Go proxy does not give out: PLAKAR_1_0 names one. Plakar takes name and version from the file's name, hence a folder.
PLAKAR_API ?= v1.1
PACKAGER := $(PLAKAR)
ifeq ($(PLAKAR_API),v1.0)
PACKAGER := $(PLAKAR_1_0)
PACKAGE := plakar-1.0/$(PACKAGE)
endif

# The Plakar that `make install` installs into: the user's own if there is one.
USERS_PLAKAR := $(shell command -v plakar || echo $(PLAKAR))

.PHONY: all help build package install uninstall reinstall demo test fuzz soak bench bench-console bindings lint doc clean prerequisites plakar plakar-1.0 kloset-1.0 licenses dist test-all-backends test-browser test-aarch64 test-windows check-platforms

all: licenses ## Build, and lay out here what `plakar pkg build` packs
	packaging/assemble $(EXECUTABLE) .

help: ## Show this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 24

prerequisites:
	@command -v cargo >/dev/null || { echo "Rust is missing. Install it with: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh" >&2; exit 1; }
	@command -v go >/dev/null || { echo "Go is missing. Install it from https://go.dev/dl, or with: apt-get install golang-go" >&2; exit 1; }
	@command -v $${CC:-cc} >/dev/null || { echo "A C compiler is missing. Install it with: apt-get install gcc libc6-dev" >&2; exit 1; }

build: prerequisites ## Build the static executable; TARGET=aarch64-unknown-linux-gnu, BACKENDS=all
	$(STATIC) cargo build --release --locked --target $(TARGET) $(FEATURES) $(BINARIES)

licenses: build $(NOTICES) ## Collect the licences of all that is linked in, and the list of it (SBOM), beside the executable
	$(NOTICES) -target $(TARGET) -os $(OS) -arch $(ARCH) $(if $(BACKENDS),-all-backends) -version $(VERSION) \
		-licenses $(dir $(EXECUTABLE))THIRD-PARTY-LICENSES -sbom $(dir $(EXECUTABLE))sbom.cdx.json

$(NOTICES): FORCE | prerequisites
	cd packaging/notices && go build -trimpath -o ../../$@ .

plakar: $(PLAKAR)

$(PLAKAR): tests/plakar/go.mod tests/plakar/go.sum | prerequisites
	cd tests/plakar && go build -trimpath -o ../../$@ github.com/PlakarKorp/plakar
	@touch $@

kloset-1.0: $(KLOSET_1_0)

$(KLOSET_1_0): tests/kloset-1.0/main.go tests/kloset-1.0/go.mod tests/kloset-1.0/go.sum | prerequisites
	cd tests/kloset-1.0 && go build -trimpath -o ../../$@ .
	@touch $@

$(RCLONE): tests/bench/rclone/main.go tests/bench/rclone/go.mod tests/bench/rclone/go.sum | prerequisites
	cd tests/bench/rclone && go build -trimpath -o ../../../$@ .
	@touch $@

$(SIMULATOR): FORCE | prerequisites
	cargo build --release --locked -p opendrive-sim

FORCE:

package: $(if $(filter v1.0,$(PLAKAR_API)),plakar-1.0,$(PLAKAR)) licenses ## Make the package for `plakar pkg add`; TARGET, BACKENDS as with build; PLAKAR_API=v1.0 for Plakar 1.0
	PLAKAR=$(PACKAGER) PLAKAR_API=$(PLAKAR_API) GOOS=$(OS) GOARCH=$(ARCH) packaging/make-package $(EXECUTABLE) $(VERSION) $(PACKAGE)

plakar-1.0:
	@test -x "$(PLAKAR_1_0)" || { echo "a package for Plakar 1.0 is made by a Plakar 1.0.3 to 1.0.6: name it, PLAKAR_1_0=/path/to/plakar" >&2; exit 1; }
	@mkdir -p $@

install: package ## Install the package into your Plakar
	$(USERS_PLAKAR) pkg add ./$(PACKAGE)

uninstall: ## Remove the package from your Plakar; configurations stay
	$(USERS_PLAKAR) pkg rm rclone

reinstall: package ## Replace the installed package
	-$(USERS_PLAKAR) pkg rm rclone
	$(USERS_PLAKAR) pkg add ./$(PACKAGE)

demo: package $(SIMULATOR) ## Back up a simulated drive with the real Plakar, step by step
	PLAKAR=$(PLAKAR) SIMULATOR=$(SIMULATOR) PACKAGE=$(PACKAGE) tests/demo/run

dist: ## Build what this machine can, for each platform, into dist/; BACKENDS=all
	packaging/dist $(VERSION) $(HOST) $(BACKENDS)

# Two tests a core: most of the time they wait for the drive's pace.
test: licenses $(PLAKAR) $(KLOSET_1_0) ## Run all tests
	cd go && go test ./...
	cd packaging/notices && go test -trimpath ./...
	cd tests/plakar/ttlmap && go test ./...
	PLAKAR=$(CURDIR)/$(PLAKAR) PLAKAR_OPENDRIVE=$(CURDIR)/$(EXECUTABLE) KLOSET_1_0=$(CURDIR)/$(KLOSET_1_0) \
		RUST_TEST_THREADS=$$((2 * $$(getconf _NPROCESSORS_ONLN))) cargo test --locked --workspace
	tests/bindings

test-all-backends: ## Build with every backend of rclone and back up, restore and keep a store with some of them
	$(MAKE) package BACKENDS=all
	PLAKAR=$(CURDIR)/$(PLAKAR) PACKAGE=$(CURDIR)/$(PACKAGE) tests/all-backends

test-browser: build $(PLAKAR) ## Go through the console in a real browser; screenshots go to target/screenshots
	PLAKAR=$(CURDIR)/$(PLAKAR) PLAKAR_OPENDRIVE=$(CURDIR)/$(EXECUTABLE) tests/browser-all

test-aarch64: $(PLAKAR) ## Build for Linux on aarch64 and test that under qemu-user
	tests/cross aarch64

test-windows: ## Build for Windows and test that under wine
	tests/cross windows

check-platforms: prerequisites ## Check that the code compiles for macOS and Windows
	tests/check-platforms

fuzz: prerequisites ## Feed every fuzz target random input; FUZZ="--seconds 600" for each, else 60
	tests/fuzz-all $(FUZZ)

bench: package $(RCLONE) ## Measure; BENCH="--rounds 3 --long"; PEER=path.ptar adds another package, BEFORE=revision our own of then
	$(STATIC) cargo build --release --locked --target $(HOST) -p bench
	$(if $(BEFORE),BEFORE=$$(tests/bench/before $(BEFORE))) PLAKAR=$(PLAKAR) PLAKAR_OPENDRIVE=$(CURDIR)/$(EXECUTABLE) RCLONE=$(RCLONE) PACKAGE=$(PACKAGE) \
		target/$(HOST)/release/bench $(BENCH)

bench-console: package ## Measure the console's pages with 100 apps, 10,000 tasks and a restore point of 100,000 files
	PLAKAR=$(CURDIR)/$(PLAKAR) PACKAGE=$(CURDIR)/$(PACKAGE) cargo run --release --locked -p source-app --example console_bench

soak: build $(PLAKAR) ## An hour of everything with random faults; SOAK="--minutes 5 --seed 7"
	cargo build --release --locked -p soak
	PLAKAR=$(CURDIR)/$(PLAKAR) PLAKAR_OPENDRIVE=$(CURDIR)/$(EXECUTABLE) target/release/soak $(SOAK)

lint: prerequisites ## Check format and lints, warnings denied
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items
	@cd go && files=$$(gofmt -l . ../tests/plakar/ttlmap ../tests/kloset-1.0 ../packaging/notices) && test -z "$$files" || { echo "gofmt: $$files" >&2; exit 1; }
	cd go && go vet ./...
	cd tests/plakar/ttlmap && go vet ./...
	cd tests/kloset-1.0 && go vet -trimpath ./...
	cd packaging/notices && go vet -trimpath ./...

bindings: prerequisites ## Make rclone-sys/src/bindings.rs anew (needs libclang)
	tests/bindings --write

doc: ## Build the API documentation
	cargo doc --locked --workspace --no-deps

clean: ## Remove what was built
	cargo clean
	rm -rf rclone_v*.ptar manifest.yaml schema plakar-opendrive plakar-1.0 dist THIRD-PARTY-LICENSES
