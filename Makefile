# pbxguard: build, test, measure.  Every target works from a clean checkout.
GO      ?= go
VERSION ?= $(shell packaging/version)
TAGS     = sqlite_omit_load_extension
LDFLAGS  = -s -w -X main.version=$(VERSION)
FUZZTIME ?= 20s
PROGRAM  ?= build/pbxguard

.PHONY: all build manual docs deb apt-repo test-deb test-reproducible release demo demo-freeswitch demo-asterisk test test-short lint mutants fuzz bench bench-peer crash soak flood testbed install clean eval

all: build

build:
	$(GO) build -trimpath -tags $(TAGS) -ldflags '$(LDFLAGS)' -o $(PROGRAM) ./cmd/pbxguard

# Manual pages and completions come out of the program itself.
manual: build
	$(PROGRAM) manual build/manual

docs:
	$(GO) test -tags $(TAGS) -count=1 -run '^TestRules$$' ./guard -update
	$(MAKE) manual
	cp build/manual/configuration.md build/manual/rules.md docs/
	cp build/manual/checks.md docs/checks.md

# A recorded attack against the real daemon: no root, no PBX, half a minute.
demo: build
	./build/pbxguard demo

# The same with what a FreeSWITCH told.
demo-freeswitch: build
	$(PROGRAM) demo --pbx freeswitch

# The same with a real Asterisk, SIP callers and nftables, in a network namespace. Needs root.
demo-asterisk: build testbed
	PBXGUARD_DEMO=1 $(GO) test -tags $(TAGS) -count=1 -run '^TestDemoAsterisk$$' -v ./e2e

# The whole suite: real Asterisk 16 and 22, real nftables, the race detector.
# What could not run here is listed last; under CI=true that is a failure,
# except for what testbed/allowed-skips.txt names.
test: testbed
	@GO='$(GO)' TAGS='$(TAGS)' .ci/test

test-short:
	$(GO) test -short -tags $(TAGS) ./...

# The chroots with Asterisk 16 and 22. Without root or mmdebstrap there are
# none, and the tests that need them say so.
testbed:
	@if [ "$$(id -u)" = 0 ] && command -v mmdebstrap >/dev/null; then \
	  ./testbed/asterisk-testbed build 16 && ./testbed/asterisk-testbed build 22; \
	else echo "testbed: no root or no mmdebstrap, so no real Asterisk"; fi

lint:
	@bad=$$(gofmt -l .); [ -z "$$bad" ] || { echo "not gofmt'ed:"; echo "$$bad"; exit 1; }
	$(GO) vet -tags $(TAGS) ./...
	$(GO) tool staticcheck -tags $(TAGS) ./...
	@.ci/vulncheck

# Leaves out the body of every check of the audit, and every rule, one after the other, and asks of
# each statement that reports a hole which fixture proves it; fails if no test
# notices.
mutants:
	PBXGUARD_MUTANTS=1 $(GO) test -tags $(TAGS) -count=1 -timeout 30m -run '^TestMutants' -v ./audit/... ./guard

fuzz:
	@.ci/fuzz $(FUZZTIME)

# One table of what this machine does now, beside the aims. Five minutes; with
# root and a testbed also on a real Asterisk and in nftables.
bench: testbed
	@PBXGUARD_BENCH=1 $(GO) test -tags $(TAGS) -count=1 -timeout 30m -run '^TestBench$$' -bench '^$$' ./bench

# Packages for amd64 and arm64 in build/deb, linked in a Debian 11 and examined
# by lintian. Needs root and mmdebstrap; three minutes, the first time ten.
DEB = build/deb/pbxguard_$(VERSION)
deb:
	VERSION=$(VERSION) packaging/mkdeb

# A signed apt repository of them in REPO. KEY is what gpg calls your key.
REPO ?= build/repository
apt-repo: deb
	@[ -n "$(KEY)" ] || { echo "make apt-repo KEY=...: which key signs it?" >&2; exit 2; }
	packaging/mkrepo "$(KEY)" $(REPO) $(DEB)_amd64.deb $(DEB)_arm64.deb

# The packages on a real systemd, with a real Asterisk in bullseye and sid: half
# a minute for each of bullseye bookworm trixie sid. Needs root and systemd-nspawn.
SUITE ?= bullseye bookworm
test-deb: deb
	VERSION=$(VERSION)~before OUT=build/deb/before packaging/mkdeb amd64
	packaging/test-arm64 $(DEB)_arm64.deb
	set -e; for suite in $(SUITE); do packaging/test-deb $$suite build/deb/before/pbxguard_$(VERSION)~before_amd64.deb $(DEB)_amd64.deb; done

# Built again from nothing, the packages come out the same.
test-reproducible: deb
	packaging/test-reproducible $(DEB)_amd64.deb $(DEB)_arm64.deb

# What is published of a version, in build/release; signed if KEY names a key.
release:
	packaging/release $(VERSION)

# pbxguard beside Debian's fail2ban and beside a bare program that only counts
# and bans, in one run of a quarter of an hour; FULL=1 adds fail2ban's restart with 50,000
# bans. Needs root and fail2ban, which it does not touch on this host.
bench-peer:
	@PBXGUARD_BENCH=peer $(GO) test -tags $(TAGS) -count=1 -timeout 90m -run '^TestPeer$$' -bench '^$$' ./bench

# The guard killed 1,000 times at work and 200 times in a migration, and failed by
# its host in every way for as long as that takes: an hour. The moments come from
# a seed that is printed; PBXGUARD_SEED repeats them, PBXGUARD_KILLS makes fewer.
crash: testbed
	@PBXGUARD_CRASH=1 $(GO) test -tags $(TAGS) -count=1 -timeout 4h -run '^(TestKill9|TestKill9Migration|TestTroubles|TestCrashAsterisk)$$' -v ./e2e

# Two hours of fifty calls a second through a real Asterisk, with kills, bans, lost
# connections and rows that come of age. The report, with pictures of memory, files,
# database and drift, is build/soak/soak.html.
SOAK      ?= 2h
SOAK_RATE ?= 50
soak: testbed
	@PBXGUARD_SOAK=$(SOAK) PBXGUARD_SOAK_RATE=$(SOAK_RATE) PBXGUARD_REPORTS=$(CURDIR)/build/soak \
	$(GO) test -tags $(TAGS) -count=1 -timeout 24h -run '^TestSoak$$' -v ./e2e

# 100,000 forged failures a second for a minute, while phones call, people guess
# slowly and frauds are ended. Six minutes; it prints what it measures beside what
# it measured before the flood, so the host should have nothing else to do.
flood: testbed
	@PBXGUARD_FLOOD=1m $(GO) test -tags $(TAGS) -count=1 -timeout 30m -run '^TestFlood$$' -v ./e2e

# How well the shipped policy tells fraud from work: attacks among eight weeks of
# an invented office, on seeds that no limit was fixed with. Not zero when a
# bound of eval/bounds.go is not met. The office says of itself what eval/office.toml
# has, every second one with a rate deck. SEEDS="-first 1 -last 5" are the others.
eval:
	@$(GO) run -tags $(TAGS) ./eval $(SEEDS)

install: build manual
	install -D -m 0755 build/pbxguard $(DESTDIR)/usr/sbin/pbxguard
	@# What is there already is the administrator's.
	test -e $(DESTDIR)/etc/pbxguard/pbxguard.toml || install -D -m 0640 packaging/pbxguard.toml $(DESTDIR)/etc/pbxguard/pbxguard.toml
	test -e $(DESTDIR)/etc/pbxguard/lists || install -D -m 0640 -t $(DESTDIR)/etc/pbxguard/lists packaging/lists/*.list
	install -D -m 0644 -t $(DESTDIR)/etc/pbxguard/lists packaging/lists/*.list
	install -D -m 0644 -t $(DESTDIR)/usr/lib/systemd/system systemd/pbxguard.service systemd/pbxguard-audit.service systemd/pbxguard-audit.timer
	install -D -m 0644 build/manual/pbxguard.8 $(DESTDIR)/usr/share/man/man8/pbxguard.8
	install -D -m 0644 build/manual/pbxguard.toml.5 $(DESTDIR)/usr/share/man/man5/pbxguard.toml.5
	install -D -m 0644 build/manual/completion/bash/pbxguard $(DESTDIR)/usr/share/bash-completion/completions/pbxguard

clean:
	rm -rf build
