# One line per target; .ci/run runs them. GO=… chooses another toolchain.
GO ?= go
export CGO_ENABLED = 0
# -pgo=off: a profile in the folder would change what is measured. -trimpath and -s keep paths
# and symbols out of the binary; profiles name their functions without them. -tags minimal has
# gonum.org/v1/plot leave out what writes PDF, EPS and TeX.
BUILDFLAGS = -pgo=off -trimpath -ldflags=-s -tags minimal $(shell git status >/dev/null 2>&1 && echo -buildvcs=auto || echo -buildvcs=false)
STATICCHECK = $(GO) tool -modfile=ci/tools/go.mod staticcheck

.PHONY: examples lint-examples peers goals-peers planted bench goals goals-nats apart loops rates bench-components bench-full test race lint gate targets pi bench-pi test-ssh report readme test-browser test-files test-counts test-shells build cross notices dist clean

# Over budget (1) and inconclusive (3) are answers. Invalid or insensitive (4) and failed (5) are errors.
bench: build ; bin/rubato run -controls -decide -time 20s queue-low conversation message-log || case $$? in 1|3) ;; *) exit $$? ;; esac
bench-components: build ; bin/rubato run components
bench-full: build ; bin/rubato run -full -controls
# 3 µs an operation more in the codec: the report shows that the row of the codec moves by them, and no other. Wants a quiet machine.
planted: build ; bin/rubato run -profile 2m -time 60s -styles direct,nats -set mode=closed -set transport=pipe -set planted=none,codec:3us message-log ; case $$? in 0|3) ;; *) exit $$? ;; esac ; sed -n '/: what a switch moves/,/^Planted/p' out/latest/report.md
goals: ; bash ci/goals.sh
goals-nats: ; bash ci/nats.sh
# Rivals of the bus, a module of its own; docs/peers.md
peers: ; cd peers && $(GO) build $(BUILDFLAGS) -o ../bin/peers . && $(GO) vet ./... && $(GO) test -timeout 20m ./...
# The bus in half the time of each rival that promises the same, by interval. Wants an idle machine.
goals-peers: peers ; bin/peers run -time 20s bus-event || case $$? in 1|3) ;; *) exit $$? ;; esac ; bin/peers gate -budgets peers/budgets.yaml
# How often two functions that differ by 1 % are told apart in ten seconds, from a program of one's own. Wants an idle machine.
apart: ; bash ci/apart.sh $(or $(N),10)
# What the library's loops add to an operation, beside a bare loop.
loops: ; $(GO) test -run '^$$' -bench 'Loop|Bare' -count 6 ./measure
# How often the gate is wrong, on this code and on ci/testdata/regressions: make rates N=3. Wants an idle machine; it goes on where it stopped.
rates: ; $(GO) run ./ci/rates -n $(or $(N),3) $(RATES)
test: ; $(GO) test -timeout 30m ./...
# The race detector watches goroutines. These packages have few of their own, or repeat a check
# with other seeds, sounds or processes: with -short each goroutine is still started. Tests whose
# cases start goroutines of their own, and of natsbus those of a cluster, which are slow, run apart.
# make test runs all of them whole. Those of RACE_NONE start no goroutine; web/live renders reports
# from several.
RACE_NONE = '/(ci|history|decode|inference|reports|results)$$'
RACE_SHORT = '(^rubato|/(benchmark|measure|natsbus|playertest|runner|scenarios|cheats))$$'
RACE_WHOLE = '^Test(MessageWorkloads|UIWorkloads|RestartRuns|ServerDies|Parts)$$'
# Of peers, the rivals with goroutines of their own in this process. watermill-nats 2.1.3 itself closes a
# channel beside a send on it when it ends, which is a race.
race: export CGO_ENABLED = 1
race: ; $(GO) test -race -timeout 30m $$($(GO) list ./... | grep -vE -e $(RACE_NONE) -e $(RACE_SHORT)) && \
	$(GO) test -race -short -skip $(RACE_WHOLE) -timeout 30m $$($(GO) list ./... | grep -E $(RACE_SHORT)) && \
	$(GO) test -race -timeout 30m -run $(RACE_WHOLE) ./scenarios && \
	$(GO) test -race -timeout 30m -run '^Test(ReplicasOutliveANode|NodeSchedules)$$/^jetstream-(file|memory)$$/^0$$' ./natsbus && \
	cd peers && $(GO) test -race -timeout 30m -skip '^Test(Contract|Crosses)$$/^(watermill-nats|eventbus|http|bus-otel)$$' ./...
lint: lint-examples ; @test -z "$$(gofmt -l .)" || { gofmt -d . ; exit 1 ; } ; $(GO) vet ./... && $(GO) vet -tags browser ./web/live ./reports && $(GO) vet -tags encoders ./audio && $(GO) vet -tags ssh ./pi && $(GO) vet -tags shells . && $(GO) vet -tags valgrind ./runner && $(STATICCHECK) ./... && cd peers && $(GO) vet ./... && $(GO) tool -modfile=../ci/tools/go.mod staticcheck ./...
# A module of its own, which stands on the library alone.
examples: lint-examples ; cd examples && $(GO) test -timeout 10m ./... && $(GO) build $(BUILDFLAGS) -o ../bin/examples .
lint-examples: ; cd examples && $(GO) vet ./... && $(GO) tool -modfile=../ci/tools/go.mod staticcheck ./...
gate: build ; bin/rubato gate
targets: build ; bin/rubato gate -budgets ci/targets.yaml
report: build ; bin/rubato report out/latest
readme: build ; bin/rubato report -into README.md out/latest
# Needs Debian's lame, vorbis-tools, flac and ffmpeg; it fails without them.
test-files: ; $(GO) test -tags encoders -run 'TestFolder|TestUnsupported' ./audio
# Needs Debian's valgrind; it fails without it.
test-counts: ; $(GO) test -tags valgrind -run TestValgrind ./runner
test-browser: ; $(GO) test -timeout 30m -p 1 -tags browser -run TestBrowser ./web/live ./reports
pi: ; GO='$(GO)' BUILDFLAGS="$(BUILDFLAGS)" pi/build.sh $(BOARDS)
# make bench-pi PI=user@host; docs/pi.md
bench-pi: build ; bin/rubato pi "$$PI" || case $$? in 1|3) ;; *) exit $$? ;; esac
# A real sshd and dropbear on loopback as the device. Needs Debian's openssh-server, dropbear-bin, busybox and systemd, and root.
test-ssh: build ; $(GO) test -timeout 30m -tags ssh -run '^Test(SSHD|BusyBox|Dropbear|SmallMemory|TooLittleMemory|Units|Shells)$$' ./pi
# Real zsh and fish complete. Needs Debian's zsh and fish; it fails without them.
test-shells: ; $(GO) test -tags shells -run TestShells .
build: ; $(GO) build $(BUILDFLAGS) -o bin/rubato .
# Every package compiles for macOS and Windows; docs/platforms.md says what works there.
cross: ; GOOS=darwin GOARCH=arm64 $(GO) build $(BUILDFLAGS) ./... && GOOS=windows GOARCH=amd64 $(GO) build $(BUILDFLAGS) ./...
notices: ; $(GO) run ./ci/notices
# The archives of a release in dist/: docs/release.md. make dist TARGETS="linux-amd64 darwin-arm64"
dist: build ; GO='$(GO)' BUILDFLAGS="$(BUILDFLAGS)" ci/dist.sh $(TARGETS)
clean: ; rm -rf bin dist
