# What users and CI call. `make demo` and `make test` start what they need of
# the lab (see lab/README.md) and install what is missing with apt.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

VERSION ?= $(shell git describe --tags --match 'v*' --always --dirty 2>/dev/null || echo devel)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)
GOBUILD := CGO_ENABLED=0 go build -trimpath -ldflags "$(LDFLAGS)"
PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
LAB := bin/lab
IN_LAB := eval "$$($(LAB) env)"; export PATH="$(CURDIR)/bin:$$PATH";

.PHONY: build
build: ## bin/kubectl-ystack, bin/kubectl-ystack-tui and bin/openstack-ystack
	$(GOBUILD) -o bin/ ./cmd/...

.PHONY: demo
demo: build lab-up ## the main job on real servers: examples/hello, from source to its page
	$(IN_LAB) lab/demo.sh

.PHONY: test
test: test-tools build lab-up ## unit and integration tests
	$(IN_LAB) go test -race -shuffle=on -timeout 20m ./...
	cd examples/hello && go test -race -shuffle=on ./...
	cd lab/bench/abac && go test ./...

.PHONY: e2e
e2e: test-tools build lab-up ## what needs the whole lab: shell sessions, kills, faults
	$(IN_LAB) go test -race -shuffle=on -count=1 -timeout 30m -tags e2e -run Lab ./pkg/tenancy ./pkg/deploy/ironic
	$(IN_LAB) go test -race -shuffle=on -count=1 -timeout 60m -tags e2e ./e2e/...

.PHONY: lint
lint: bin/staticcheck bin/gofumpt ## gofumpt, go vet, staticcheck; for every platform that is shipped
	@out=$$(bin/gofumpt -l $$(git ls-files -co --exclude-standard '*.go')); [ -z "$$out" ] || { echo "not formatted by gofumpt:" $$out; exit 1; }
	for os in linux darwin windows; do echo "go vet, $$os"; GOOS=$$os CGO_ENABLED=0 go vet ./cmd/... ./pkg/...; done
	go vet -tags e2e ./...
	bin/staticcheck -tags e2e ./...

.PHONY: bench
bench: build lab-up ## benchmarks, and the pipeline against the same tools by hand
	go test -run '^$$' -bench . -benchmem ./pkg/...
	cd lab/bench/abac && go test -run '^$$' -bench . -benchmem .
	$(IN_LAB) lab/bench/overhead.sh
	$(IN_LAB) lab/bench/webhook.sh
	$(IN_LAB) go test -v -count=1 -timeout 30m -tags e2e,scale -run AtScale ./e2e/
	$(IN_LAB) lab/bench/image-copy.sh 512
	lab/bench/hook.sh

# The same commit gives the same bytes, in whatever folder: so no time but the commit's, and
# nothing of what git makes of a changed tree beside the version.
.PHONY: dist
dist: ## archives for every platform in dist/, with man pages and completions, and krew/ystack.yaml
	rm -rf dist
	for p in $(PLATFORMS); do \
	  GOOS=$${p%/*} GOARCH=$${p#*/} $(GOBUILD) -buildvcs=false -o dist/$${p/\//-}/ ./cmd/...; \
	done
	go run -trimpath ./release dist -version '$(VERSION)' -commit-time "$$(git log -1 --format=%ct 2>/dev/null || echo 0)"
	ls -l dist

.PHONY: generate
generate: ## completions/, docs/reference/ and the golden help texts, from the commands
	go run ./release generate
	go test ./pkg/cli -run 'Help|CompletionUsage' -update

.PHONY: man
man: ## man pages in dist/man; man -l dist/man/man1/kubectl-ystack.1 opens one
	go run ./release man dist

# Versions of Python packages and of Debian's are numbers; a commit without a tag is none.
PYTHON ?= python3
PYTHONDIR ?= $(shell $(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("purelib"))' 2>/dev/null)
PACKAGE_VERSION = $(shell echo '$(VERSION)' | sed -E 's/^v([0-9]+(\.[0-9]+)*).*/\1/;t;s/.*/0.0.0/')

.PHONY: install-openstackclient
install-openstackclient: ## the extension that makes `openstack ystack` work, for PYTHON or to PYTHONDIR
	openstackclient/install.sh $(PACKAGE_VERSION) $(DESTDIR)$(PYTHONDIR)

.PHONY: openstackclient-deb
openstackclient-deb: ## the same as a Debian package, in dist/
	openstackclient/deb.sh $(PACKAGE_VERSION) dist/ystack-openstackclient_$(PACKAGE_VERSION)_all.deb

.PHONY: lab-up
lab-up: ## start the lab, or what of it does not run
	go build -o $(LAB) ./lab
	$(LAB) up

.PHONY: lab-down
lab-down: ## stop the lab and clean up
	go run ./lab down

.PHONY: clean
clean: ## remove what make made in this folder
	rm -rf bin dist

# The race detector needs a C compiler; podman is a builder that the lab itself does without;
# kubectl's completion for bash needs bash-completion, and man pages are read with man.
.PHONY: test-tools
test-tools:
	@( for tool in gcc podman man groff; do command -v $$tool >/dev/null || exit 1; done; test -e /usr/share/bash-completion/bash_completion ) || { \
	  apt-get update -qq; apt-get install -y --no-install-recommends gcc libc6-dev podman man-db groff-base bash-completion; }

bin/staticcheck bin/gofumpt: tools/go.mod
	go build -C tools -o ../bin/ honnef.co/go/tools/cmd/staticcheck mvdan.cc/gofumpt

.PHONY: help
help:
	@sed -nE 's/^([a-z0-9-]+):[^#]*## (.*)/  \1\t\2/p' Makefile | expand -t 14
