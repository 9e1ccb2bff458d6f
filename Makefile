# Everything that is run here, by people and by .ci/run. `make demo` and `make test` fetch and build all they need; what they cannot get
# themselves, `make prerequisites` names.

VERSION := v$(shell sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
HOST := $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')

# What is built for, by Rust's name: make package TARGET=aarch64-unknown-linux-gnu
TARGET := $(HOST)
OS := $(if $(findstring windows,$(TARGET)),windows,$(if $(findstring apple,$(TARGET)),darwin,$(if $(findstring freebsd,$(TARGET)),freebsd,linux)))
ARCH := $(if $(filter x86_64-%,$(TARGET)),amd64,arm64)

# make package BACKENDS=all: every backend of rclone
$(if $(filter-out all,$(BACKENDS)),$(error BACKENDS is "$(BACKENDS)": write BACKENDS=all for every backend of rclone, or leave it out))
FEATURES := $(if $(BACKENDS),--features plakar-opendrive/all-backends)

# What Cargo builds is looked for in target/.
unexport CARGO_TARGET_DIR

# The static executable. Cargo builds for an explicit target: without one, the flag would also go
# to procedural macros, which cannot be static.
FOLDER := target/$(TARGET)/release
EXECUTABLE := $(FOLDER)/plakar-opendrive$(if $(filter windows,$(OS)),.exe)
CARGO_TARGET := CARGO_TARGET_$(shell echo '$(TARGET)' | tr 'a-z-' 'A-Z_')
# Two megabytes of relocations become a tenth of that where what is linked in undoes it at the start: since glibc 2.36.
PACKED := $(if $(filter x86_64-unknown-linux-gnu_x86_64-unknown-linux-gnu,$(TARGET)_$(HOST)),$(shell getconf GNU_LIBC_VERSION 2>/dev/null | \
	awk '{ split($$2, v, "."); if (v[1] > 2 || v[2] >= 36) print "-C link-arg=-Wl,-z,pack-relative-relocs" }'))
# Where it was built does not show in what is built, so that two builds give the same bytes. RUSTFLAGS takes no path with a space in it.
REMAP := $(foreach map,$(CURDIR)=/plakar-opendrive $(or $(CARGO_HOME),$(HOME)/.cargo)=/cargo,$(if $(findstring =,$(map)),--remap-path-prefix=$(map)))
FLAGS := $(strip $(if $(filter darwin,$(OS)),,-C target-feature=+crt-static $(PACKED)) $(if $(word 2,$(CURDIR)),,$(REMAP)))
STATIC := $(CARGO_TARGET)_RUSTFLAGS="$(FLAGS)"
ifneq ($(TARGET),$(HOST))
ifeq ($(TARGET),aarch64-unknown-linux-gnu)
STATIC += $(CARGO_TARGET)_LINKER=aarch64-linux-gnu-gcc
endif
endif

# The Plakar that the tests pin, and a home for it when it makes a package.
TOOLS := target/tools
PLAKAR := $(TOOLS)/plakar
PLAKAR_STATIC := $(TOOLS)/plakar-static
RCLONE := $(TOOLS)/rclone
SIMULATOR := target/debug/opendrive-sim
NOTICES := $(TOOLS)/notices
NFPM := $(TOOLS)/nfpm
PACKAGE := rclone_$(VERSION)_$(OS)_$(ARCH).ptar

# The same Plakar with the engine that came after its release.
PLAKAR_KLOSET := $(TOOLS)/plakar-kloset-1.1.4

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

# Where `make install` puts everything but what goes into Plakar, and the folder that has it all as it will lie there.
PREFIX ?= $(HOME)/.local
STAGE := target/stage/plakar-opendrive_$(VERSION)_$(OS)_$(ARCH)
# What writes the completions runs here.
RUNNABLE := $(if $(filter $(HOST),$(TARGET)),$(EXECUTABLE),target/$(HOST)/release/plakar-opendrive)

# What is built: the executable that Plakar starts, and that of the source app beside it.
PACKAGES ?= -p plakar-opendrive -p app-cli

# How many walks of 200 commands `make soak` makes.
WALKS ?= 10

# What must be there, and a line for each step that takes long. Go leaves the state of the repository out of what it builds: git is not asked.
PREREQUISITES := packaging/prerequisites
FETCH := packaging/fetch
SAY := @echo "==>"
GO_BUILD := go build -trimpath -buildvcs=false

.PHONY: all help build package stage install uninstall demo test fuzz soak bench bench-console bindings lint audit doc clean prerequisites prerequisites-ci tools fetch plakar plakar-kloset plakar-1.0 kloset-1.0 licenses dist test-all-backends test-remotes test-browser pictures test-aarch64 test-windows test-mac check-platforms image test-packages test-reproducible test-plakar-1.0

all: licenses ## Build, and lay out here what `plakar pkg build` packs; PLAKAR_API=v1.0 for Plakar 1.0
	PLAKAR_API=$(PLAKAR_API) packaging/assemble $(EXECUTABLE) $(VERSION) .

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9.-]+:.*## / { printf "%-24s%s\n", "make " $$1, $$2 }' Makefile

prerequisites: fetch ## Name what is missing to build here, with the command that installs it, and fetch crates and modules
	@echo "all that building takes is here"

tools:
	@$(PREREQUISITES) build $(if $(filter-out $(HOST),$(TARGET)),target:$(TARGET))

prerequisites-ci: ## Install what .ci/run takes beside that: Debian's packages, as root
	@$(PREREQUISITES) --install build lint cargo-deny libclang browser monitoring packages

fetch: tools
	@$(FETCH) $(if $(BACKENDS),all_backends)

build: fetch ## Build the static executable; TARGET=aarch64-unknown-linux-gnu, BACKENDS=all
	$(SAY) "building for $(TARGET): rclone's library, one to two minutes when nothing is there yet, then ours, two to three"
	$(STATIC) cargo build --release --locked --target $(TARGET) $(PACKAGES) $(FEATURES)

licenses: build $(NOTICES) ## Collect the licences of all that is linked in, and the list of it (SBOM), beside the executable
	$(SAY) "collecting the licences"
	$(NOTICES) -target $(TARGET) -os $(OS) -arch $(ARCH) $(if $(BACKENDS),-all-backends) -version $(VERSION) \
		-licenses $(dir $(EXECUTABLE))THIRD-PARTY-LICENSES -sbom $(dir $(EXECUTABLE))sbom.cdx.json

$(NOTICES): FORCE | tools
	@$(FETCH) --modules packaging/notices .
	cd packaging/notices && $(GO_BUILD) -o ../../$@ .

plakar: $(PLAKAR)

$(PLAKAR): tests/plakar/go.mod tests/plakar/go.sum | tools
	$(SAY) "building the real Plakar, about a minute"
	@$(FETCH) --modules tests/plakar github.com/PlakarKorp/plakar
	cd tests/plakar && $(GO_BUILD) -o ../../$@ github.com/PlakarKorp/plakar
	@touch $@

plakar-kloset: $(PLAKAR_KLOSET)

$(PLAKAR_KLOSET): tests/plakar-kloset-1.1.4/go.mod tests/plakar-kloset-1.1.4/go.sum | tools
	$(SAY) "building the real Plakar with kloset v1.1.4, about a minute"
	@$(FETCH) --modules tests/plakar-kloset-1.1.4 github.com/PlakarKorp/plakar
	cd tests/plakar-kloset-1.1.4 && $(GO_BUILD) -o ../../$@ github.com/PlakarKorp/plakar
	@touch $@

kloset-1.0: $(KLOSET_1_0)

$(KLOSET_1_0): tests/kloset-1.0/main.go tests/kloset-1.0/go.mod tests/kloset-1.0/go.sum | tools
	$(SAY) "building the engine of Plakar 1.0, half a minute"
	@$(FETCH) --modules tests/kloset-1.0 .
	cd tests/kloset-1.0 && $(GO_BUILD) -o ../../$@ .
	@touch $@

$(RCLONE): tests/bench/rclone/main.go tests/bench/rclone/go.mod tests/bench/rclone/go.sum | tools
	$(SAY) "building the real rclone, about a minute"
	cd tests/bench/rclone && $(GO_BUILD) -o ../../../$@ .
	@touch $@

$(SIMULATOR): FORCE | fetch
	$(SAY) "building the simulated drive, about a minute"
	cargo build --locked -p opendrive-sim

FORCE:

package: $(if $(filter v1.0,$(PLAKAR_API)),plakar-1.0,$(PLAKAR)) licenses ## Make the package for `plakar pkg add`; TARGET, BACKENDS as with build; PLAKAR_API=v1.0 for Plakar 1.0
	PLAKAR="$(PACKAGER)" PLAKAR_API=$(PLAKAR_API) GOOS=$(OS) GOARCH=$(ARCH) packaging/make-package $(EXECUTABLE) $(VERSION) $(PACKAGE)

plakar-1.0:
	@test -x "$(PLAKAR_1_0)" || { echo "a package for Plakar 1.0 is made by a Plakar 1.0.3 to 1.0.6: name it, PLAKAR_1_0=/path/to/plakar" >&2; exit 1; }
	@mkdir -p $@

stage: licenses ## Lay out in target/stage what `make install` installs, with the script that installs it
	PLAKAR_API=$(PLAKAR_API) packaging/stage $(EXECUTABLE) $(VERSION) $(OS)_$(ARCH) $(STAGE) $(RUNNABLE)

install: stage ## Install executables, manual pages, completions and units into PREFIX (~/.local), and the package into your Plakar
	@$(STAGE)/install "$(PREFIX)"

uninstall: ## Remove what `make install` has installed; configurations stay
	@packaging/install --remove "$(PREFIX)"

demo: package $(SIMULATOR) ## Back up a simulated drive with the real Plakar, step by step
	PLAKAR=$(PLAKAR) SIMULATOR=$(SIMULATOR) PACKAGE=$(PACKAGE) tests/demo/run

dist: tools $(NFPM) ## Build archives, .deb, .rpm and packages for each platform that this machine can build for, into dist/; BACKENDS=all
	NFPM="$(CURDIR)/$(NFPM)" packaging/dist $(VERSION) $(HOST) $(BACKENDS)

image: stage $(PLAKAR_STATIC) ## Make a container image without a daemon, in dist/: both executables, plakar and a shell (Debian: busybox-static)
	PLAKAR=$(PLAKAR_STATIC) packaging/image $(STAGE) $(VERSION) $(ARCH) dist

$(PLAKAR_STATIC): tests/plakar/go.mod tests/plakar/go.sum | tools
	$(SAY) "building Plakar for the image, about a minute"
	cd tests/plakar && CGO_ENABLED=0 $(GO_BUILD) -ldflags "-s -w" -o ../../$@ github.com/PlakarKorp/plakar
	@touch $@

$(NFPM): packaging/nfpm/go.mod packaging/nfpm/go.sum | tools
	$(SAY) "building nfpm, which makes .deb and .rpm, half a minute"
	@$(FETCH) --modules packaging/nfpm github.com/goreleaser/nfpm/v2/cmd/nfpm
	cd packaging/nfpm && $(GO_BUILD) -o ../../$@ github.com/goreleaser/nfpm/v2/cmd/nfpm
	@touch $@

# Two tests a core: most of the time they wait for the drive's pace.
test: licenses $(PLAKAR) $(PLAKAR_KLOSET) $(KLOSET_1_0) ## Run all tests
	tests/prerequisites
	$(SAY) "testing what is written in Go"
	cd go && go test ./...
	cd packaging/notices && go test -trimpath ./...
	cd tests/plakar/ttlmap && go test ./...
	$(SAY) "building all tests and running them, ten minutes on two cores"
	PLAKAR="$(CURDIR)/$(PLAKAR)" PLAKAR_KLOSET="$(CURDIR)/$(PLAKAR_KLOSET)" PLAKAR_OPENDRIVE="$(CURDIR)/$(EXECUTABLE)" KLOSET_1_0="$(CURDIR)/$(KLOSET_1_0)" \
		RUST_TEST_THREADS=$$((2 * $$(getconf _NPROCESSORS_ONLN))) cargo test --locked --workspace
	tests/bindings

test-all-backends: ## Build with every backend of rclone and back up, restore and keep a store with some of them
	cd go && go vet -tags all_backends ./guards && go test -tags all_backends ./guards
	$(MAKE) build PACKAGES="-p plakar-opendrive"
	cp $(EXECUTABLE) $(TOOLS)/plakar-opendrive-slim
	cargo build --locked -p support-plugin --example starts
	$(MAKE) package BACKENDS=all PACKAGES="-p plakar-opendrive"
	PLAKAR="$(CURDIR)/$(PLAKAR)" PACKAGE="$(CURDIR)/$(PACKAGE)" EXECUTABLE="$(CURDIR)/$(EXECUTABLE)" SLIM="$(CURDIR)/$(TOOLS)/plakar-opendrive-slim" \
		STARTS="$(CURDIR)/target/debug/examples/starts" tests/all-backends

test-packages: $(NFPM) $(PLAKAR) $(SIMULATOR) ## Install .deb, .rpm and the container image where nothing else is, and run them; needs root
	@$(PREREQUISITES) packages
	$(MAKE) stage image
	rm -rf target/packages && mkdir -p target/packages
	NFPM="$(CURDIR)/$(NFPM)" SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) packaging/distribution-packages $(STAGE) $(VERSION) $(ARCH) target/packages
	SIMULATOR="$(CURDIR)/$(SIMULATOR)" tests/packages target/packages/*.deb target/packages/*.rpm dist/plakar-opendrive_$(VERSION)_linux_$(ARCH).oci.tar

test-reproducible: $(PLAKAR) ## Build this commit twice, in two folders, and compare what `make dist` gives; takes two builds
	PLAKAR=$(PLAKAR) tests/reproducible

test-plakar-1.0: $(if $(PLAKAR_1_0),package $(SIMULATOR)) ## Go the whole way with a real Plakar 1.0; PLAKAR_1_0=/path/to/plakar
	$(if $(PLAKAR_1_0),$(MAKE) package PLAKAR_API=v1.0)
	PLAKAR_1_0="$(PLAKAR_1_0)" PLAKAR=$(PLAKAR) PACKAGE=$(PACKAGE) PACKAGE_1_0=plakar-1.0/$(PACKAGE) SIMULATOR=$(SIMULATOR) tests/plakar-1.0

test-remotes: $(PLAKAR) ## Try real servers (SFTP, FTP, WebDAV, S3) and the backends that wrap others; REMOTES="--only ftp"
	@$(PREREQUISITES) servers
	@$(FETCH) all_backends
	$(SAY) "building rclone's servers and our own with every backend, three to five minutes when nothing is there yet"
	cd tests/bench/rclone && $(GO_BUILD) -o ../../../$(TOOLS)/rclone-serve ./serve
	cargo build --locked -p plakar-opendrive --features all-backends
	strip --strip-debug -o $(TOOLS)/plakar-opendrive-all target/debug/plakar-opendrive
	cargo build --locked -p remotes
	PLAKAR="$(CURDIR)/$(PLAKAR)" PLAKAR_OPENDRIVE="$(CURDIR)/$(TOOLS)/plakar-opendrive-all" RCLONE_SERVE="$(CURDIR)/$(TOOLS)/rclone-serve" \
		target/debug/remotes $(REMOTES)

test-browser: build $(PLAKAR) ## Go through the console in a real browser; screenshots go to target/screenshots
	PLAKAR="$(CURDIR)/$(PLAKAR)" PLAKAR_OPENDRIVE="$(CURDIR)/$(EXECUTABLE)" tests/browser-all

pictures: build $(PLAKAR) ## Take the pictures of docs/ anew, of an account that is a month old; they go to target/screenshots
	PLAKAR="$(CURDIR)/$(PLAKAR)" PLAKAR_OPENDRIVE="$(CURDIR)/$(EXECUTABLE)" tests/browser-all of_a_month

test-aarch64: $(PLAKAR) ## Build for Linux on aarch64 and test that under qemu-user
	tests/cross aarch64

test-mac: ## On a Mac: build, demo, the tests of the main job, and a report to send; STEPS="demo go" for some
	tests/mac $(STEPS)

test-windows: $(PLAKAR) $(KLOSET_1_0) ## Build for Windows and test that under wine
	tests/cross windows

check-platforms: fetch ## Check that the code compiles for macOS and Windows
	tests/check-platforms

fuzz: fetch ## Feed every fuzz target random input, for 60 seconds each; FUZZ="--seconds 600" for longer
	tests/fuzz-all $(FUZZ)

bench: package $(PLAKAR_KLOSET) $(RCLONE) ## Measure; BENCH="--rounds 3 --long --scale"; PEER=path adds another package (a .ptar, or the folder of Plakar's own executables), BEFORE=revision an earlier version of ours
	$(STATIC) cargo build --release --locked --target $(HOST) -p bench
	$(if $(BEFORE),BEFORE=$$(tests/bench/before $(BEFORE))) PLAKAR=$(PLAKAR) PLAKAR_KLOSET=$(PLAKAR_KLOSET) \
		PLAKAR_OPENDRIVE="$(CURDIR)/$(EXECUTABLE)" RCLONE=$(RCLONE) PACKAGE=$(PACKAGE) target/$(HOST)/release/bench $(BENCH)

bench-console: package ## Measure the console's pages with 100 apps, 10,000 tasks and a restore point of 100,000 files
	PLAKAR="$(CURDIR)/$(PLAKAR)" PACKAGE="$(CURDIR)/$(PACKAGE)" cargo run --release --locked -p web-console --example console_bench

soak: build $(PLAKAR) ## An hour of everything with random faults, then walks of three machines; SOAK="--minutes 5 --seed 7" WALKS=1
	cargo build --release --locked -p soak
	PLAKAR="$(CURDIR)/$(PLAKAR)" PLAKAR_OPENDRIVE="$(CURDIR)/$(EXECUTABLE)" target/release/soak $(SOAK)
	$(SAY) "walking over two stores with three machines: $(WALKS) times 200 commands, in any order"
	PLAKAR="$(CURDIR)/$(PLAKAR)" MACHINES_STEPS=$${MACHINES_STEPS:-200} MACHINES_WALKS=$(WALKS) \
		cargo test --locked --test with_plakar -- --nocapture what_one_machine_lists

lint: fetch ## Check format and lints, warnings denied
	@$(PREREQUISITES) lint
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items
	@cd go && files=$$(gofmt -l . ../tests/plakar/ttlmap ../tests/kloset-1.0 ../packaging/notices) && test -z "$$files" || { echo "gofmt: $$files" >&2; exit 1; }
	cd go && go vet ./...
	cd tests/plakar/ttlmap && go vet ./...
	@$(FETCH) --modules tests/kloset-1.0 .
	cd tests/kloset-1.0 && go vet -trimpath ./...
	cd packaging/notices && go vet -trimpath ./...

audit: fetch ## Check licences, sources and bans of all dependencies, and known vulnerabilities where their lists can be reached
	tests/audit

bindings: fetch ## Make rclone-sys/src/bindings.rs anew (needs libclang)
	tests/bindings --write

doc: ## Build the API documentation
	cargo doc --locked --workspace --no-deps

clean: ## Remove what was built
	cargo clean
	rm -rf rclone_v*.ptar manifest.yaml schema plakar-opendrive plakar-opendrive-storage plakar-opendrive-exporter plakar-1.0 dist THIRD-PARTY-LICENSES
