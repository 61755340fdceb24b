# One line a target; these are the steps of .ci/run. GO=… picks another toolchain.
GO ?= go
export CGO_ENABLED = 0
# A profile found in the folder would change what is measured; paths and symbols stay out of
# the binary (profiles name their functions without them).
BUILDFLAGS = -pgo=off -trimpath -ldflags=-s $(shell git status >/dev/null 2>&1 && echo -buildvcs=auto || echo -buildvcs=false)
STATICCHECK = $(GO) tool -modfile=ci/tools/go.mod staticcheck

.PHONY: bench bench-components bench-full test race lint gate targets pi report readme test-browser build clean

# Over a budget (1) and inconclusive (3) are answers of a bench; blind, void or broken (4, 5) is none.
bench: build ; bin/rubato run -fresh -proof -decide -time 90s queue-low message-log || case $$? in 1|3) ;; *) exit $$? ;; esac
bench-components: build ; bin/rubato run components
bench-full: build ; bin/rubato run -full -fresh -proof
test: ; $(GO) test -timeout 30m ./...
race: ; CGO_ENABLED=1 $(GO) test -race -timeout 30m ./...
lint: ; @test -z "$$(gofmt -l .)" || { gofmt -d . ; exit 1 ; } ; $(GO) vet ./... && $(GO) vet -tags browser ./web && $(STATICCHECK) ./...
gate: build ; bin/rubato gate
targets: build ; bin/rubato gate -budgets ci/targets.yaml
report: build ; bin/rubato report out/latest
readme: build ; bin/rubato report -into README.md out/latest
test-browser: ; $(GO) test -tags browser -run TestBrowser ./web
pi: ; GO='$(GO)' BUILDFLAGS="$(BUILDFLAGS)" pi/build.sh
build: ; $(GO) build $(BUILDFLAGS) -o bin/rubato .
clean: ; rm -rf bin
