# SPDX-License-Identifier: GPL-2.0-or-later
#
# make              the programs, in build/
# make check        every test; as root it installs what the tests need
# make demo         real connections in throw-away network namespaces
# make help         all targets

include config.mk

BUILD ?= build
V     ?= 0
ifeq ($(V),0)
say = @echo "  $(1)" $(2);
endif

PKGS_LIB   = hogweed nettle zlib liblzma libmaxminddb libconfuse
PKGS_NFT   = libmnl libnftnl
PKGS_TOOLS = jansson libcares
# for their headers: what is loaded when it is wanted, see tools/tool_pcap.c, sync_curl.c
PKGS_LOADED = libpcap libcurl
PKGS_DAEMON = libnetfilter_queue libcap-ng libseccomp lmdb hiredis
PKGS_TEST  = cmocka
PKGS       = $(PKGS_LIB) $(PKGS_NFT) $(PKGS_TOOLS) $(PKGS_DAEMON)

# A make that started without the packages must not go on with these: `check` and
# `demo` install, then start another.
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) $(PKGS_LOADED) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
TEST_LIBS  := $(shell pkg-config --libs $(PKGS_TEST) 2>/dev/null)

CPPFLAGS += -D_GNU_SOURCE -DGEOBLOCK_VERSION='"$(VERSION)"' -Iinclude -I. \
            -MMD -MP
CFLAGS   += -std=gnu11 $(OPT) $(WARNINGS)
ifneq ($(SANITIZE),)
CFLAGS   += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all \
            -fno-omit-frame-pointer -fPIE
LDFLAGS  += -fsanitize=$(SANITIZE) -pie
else
CFLAGS   += $(HARDENING)
LDFLAGS  += $(HARDENING_LD)
endif

LIB_SRC    := $(sort $(wildcard lib/base/*.c lib/core/*.c lib/geo/*.c))
NFT_SRC    := $(sort $(wildcard nft/*.c))
DAEMON_SRC := $(filter-out daemon/geoblock%,$(sort $(wildcard daemon/*.c)))
SYNC_SRC   := $(sort $(wildcard tools/sync_*.c))
CLI_SRC    := tools/geoblock.c $(sort $(wildcard tools/cmd_*.c))
TOOL_SRC   := $(sort $(wildcard tools/tool_*.c)) # shared by the programs
UNIT_SRC   := $(sort $(wildcard tests/unit/test_*.c))
FUZZ_SRC   := $(sort $(wildcard tests/fuzz/fuzz_*.c))
HELPER_SRC := $(sort $(wildcard tests/net/*.c tests/bench/*.c))

obj = $(patsubst %.c,$(BUILD)/%.o,$(1))

LIB_A := $(BUILD)/libgeoblock.a
NFT_A := $(BUILD)/libgeoblock-nft.a
DAEMON_A := $(BUILD)/libgeoblock-daemon.a
SYNC_A := $(BUILD)/libgeoblock-sync.a
TOOL_A := $(BUILD)/libgeoblock-tool.a

# daemon/geoblockd.c, daemon/geoblock-policyd.c: all but their main() is shared
SERVICES := $(patsubst daemon/%.c,$(BUILD)/%,$(sort $(wildcard daemon/geoblock*.c)))
PROGRAMS := $(BUILD)/geoblock-sync $(BUILD)/geoblock $(SERVICES)
UNIT     := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRC))
REPLAY   := $(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/replay/%,$(FUZZ_SRC))
HELPERS  := $(patsubst tests/%.c,$(BUILD)/helpers/%,$(HELPER_SRC))

.PHONY: all
all: need-build $(PROGRAMS)

# ---- what the build needs; never as a side effect of `make` -----------------

.PHONY: need-build need-unit deps deps-build
need-build:
	@tests/deps check build
need-unit:
	@tests/deps check build unit

# deps-build, deps: install from the distribution's packages (needs root)
deps-build:
	@tests/deps install build
deps:
	@tests/deps install build test

# ---- objects ------------------------------------------------------------------

# build/flags changes with what objects are made with, and they with it: CC=clang
# after gcc builds anew.
FLAGS := $(CC) $(CPPFLAGS) $(CFLAGS) $(WARNINGS_LIB) $(LDFLAGS) $(PKG_CFLAGS)
.PHONY: FORCE
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(FLAGS)' | cmp -s - $@ || echo '$(FLAGS)' >$@

$(BUILD)/lib/%.o: CFLAGS += $(WARNINGS_LIB)
$(BUILD)/%.o: %.c $(BUILD)/flags Makefile | need-build
	@mkdir -p $(@D)
	$(call say,CC,$<) $(CC) $(CPPFLAGS) $(CFLAGS) $(PKG_CFLAGS) -c -o $@ $<

# the signature database is part of the program, see signature_builtin.c
$(BUILD)/lib/core/signature_builtin.o: share/os.fp

$(LIB_A): $(call obj,$(LIB_SRC))
$(NFT_A): $(call obj,$(NFT_SRC))
$(DAEMON_A): $(call obj,$(DAEMON_SRC) $(TOOL_SRC))
$(SYNC_A): $(call obj,$(SYNC_SRC) $(TOOL_SRC))
$(TOOL_A): $(call obj,$(TOOL_SRC))
$(LIB_A) $(NFT_A) $(DAEMON_A) $(SYNC_A) $(TOOL_A):
	@rm -f $@
	$(call say,AR,$@) $(AR) rcs $@ $^

ARCHIVES = $(SYNC_A) $(DAEMON_A) $(NFT_A) $(LIB_A)
# libev has no pkg-config file
LIBS_ALL = $(ARCHIVES) $(PKG_LIBS) -lev -lpthread

# `geoblock query` takes less time than the loader needs for a dozen libraries:
# small ones come from the distribution's static archives, where it has them.
# STATIC=0 links all of them shared, as distributions want it.
STATIC ?= 1
archive = $(if $(filter 1,$(STATIC)),$(findstring /,$(shell $(CC) -print-file-name=lib$(1).a)))
lib     = $(if $(call archive,$(1)),-l:lib$(1).a,-l$(1))
TOOL_LIBS := $(foreach l,nftnl confuse maxminddb jansson hogweed nettle gmp cares lzma z,$(call lib,$(l))) \
             -lmnl -lpthread

$(BUILD)/geoblock-sync: $(call obj,tools/geoblock-sync.c) $(SYNC_A) $(NFT_A) $(LIB_A)
	$(call say,LD,$@) $(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(TOOL_LIBS) \
		-lseccomp -lcap-ng
# an archive: what needs libraries that the command line does not stays out of it
$(BUILD)/geoblock: $(call obj,$(CLI_SRC)) $(TOOL_A) $(NFT_A) $(LIB_A)
	$(call say,LD,$@) $(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(TOOL_LIBS)
$(SERVICES): $(BUILD)/%: $(BUILD)/daemon/%.o $(ARCHIVES)
	$(call say,LD,$@) $(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBS_ALL)

# ---- tests --------------------------------------------------------------------

$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(ARCHIVES)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(CFLAGS) $(LDFLAGS) -o $@ $< $(LIBS_ALL) $(TEST_LIBS)

# a fuzz target with a main() that replays the files it is given
$(BUILD)/replay/%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/replay.o $(ARCHIVES)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBS_ALL)

$(BUILD)/helpers/%: $(BUILD)/tests/%.o $(ARCHIVES)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(CC) $(CFLAGS) $(LDFLAGS) -o $@ $< $(LIBS_ALL)


.PHONY: tests-build unit check check-run
tests-build: $(PROGRAMS) $(UNIT) $(REPLAY) $(HELPERS)
	@:

# unit: seconds, no root
unit: need-unit $(UNIT) $(REPLAY)
	@BUILD=$(BUILD) tests/run unit replay

# A second make reads pkg-config anew after the packages are there.
check:
	@tests/deps ensure build test vm lint
	+@$(MAKE) --no-print-directory check-run

check-run: need-build tests-build
	@BUILD=$(BUILD) tests/run all

# check-vm: the kernel side on Debian's stock kernel, emulated
.PHONY: check-vm check-vm-run
check-vm:
	@tests/deps ensure build test vm
	+@$(MAKE) --no-print-directory check-vm-run
check-vm-run: need-build tests-build
	@BUILD=$(BUILD) tests/run vm

.PHONY: demo demo-run
demo:
	@tests/deps ensure build demo
	+@$(MAKE) --no-print-directory demo-run
demo-run: need-build $(PROGRAMS) $(HELPERS)
	@BUILD=$(BUILD) tests/net/demo

# soak: the long proofs: a flood of 10 s, 10,000 reloads, syncs against flushes
.PHONY: soak soak-run
soak:
	@tests/deps ensure build test
	+@$(MAKE) --no-print-directory soak-run
soak-run: need-build tests-build
	@BUILD=$(BUILD) FLOOD_SECONDS=10 tests/net/test_flood
	@BUILD=$(BUILD) RELOADS=10000 tests/net/test_daemon
	@BUILD=$(BUILD) SOAK=yes SYNCS=40 tests/net/test_race

# accuracy: fingerprints on labelled captures, beside p0f and the kernel's osf
.PHONY: accuracy accuracy-run
accuracy:
	@tests/deps ensure build test bench
	+@$(MAKE) --no-print-directory accuracy-run
accuracy-run: need-build $(BUILD)/geoblock
	@BUILD=$(BUILD) tests/accuracy/run

.PHONY: bench bench-run
bench:
	@tests/deps ensure build test bench
	+@$(MAKE) --no-print-directory bench-run
bench-run: tests-build
	@BUILD=$(BUILD) tests/bench/run

# ---- sanitizers, fuzzing ------------------------------------------------------

# make asan [GROUPS='unit replay']
.PHONY: asan fuzz
GROUPS ?= unit replay cli net
asan:
	+@$(MAKE) --no-print-directory BUILD=$(BUILD)/asan OPT='-O1 -g' \
		SANITIZE=address,undefined tests-build
	@BUILD=$(BUILD)/asan tests/run $(GROUPS)

# make tsan: geoblockd with its worker thread under ThreadSanitizer, end to end
.PHONY: tsan tsan-run
tsan:
	@tests/deps ensure build test
	+@$(MAKE) --no-print-directory tsan-run
tsan-run: need-build tests-build
	+@$(MAKE) --no-print-directory BUILD=$(BUILD)/tsan OPT='-O1 -g' \
		SANITIZE=thread $(BUILD)/tsan/geoblockd
	@BUILD=$(BUILD) GEOBLOCKD=$(abspath $(BUILD)/tsan/geoblockd) tests/net/test_daemon

# make fuzz T=rir [RUNS=1000000]: libFuzzer, needs clang
RUNS ?= 1000000
fuzz:
	@test -n "$(T)" || { echo "make fuzz T=NAME, one of:" \
		$(patsubst tests/fuzz/fuzz_%.c,%,$(FUZZ_SRC)); exit 2; }
	+@$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC=clang OPT='-O1 -g' \
		SANITIZE=address,undefined,fuzzer-no-link $(BUILD)/fuzz/fuzz-$(T)
	@mkdir -p $(BUILD)/fuzz/corpus-$(T)
	$(BUILD)/fuzz/fuzz-$(T) -runs=$(RUNS) -max_len=65536 -timeout=10 \
		-artifact_prefix=$(BUILD)/fuzz/ \
		$(BUILD)/fuzz/corpus-$(T) tests/fuzz/corpus/$(T)
$(BUILD)/fuzz-%: $(BUILD)/tests/fuzz/fuzz_%.o $(ARCHIVES)
	$(call say,LD,$@) $(CC) $(CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -o $@ $< $(LIBS_ALL)

# ---- lint ---------------------------------------------------------------------

.PHONY: lint
lint:
	@tests/deps ensure build lint
	@tests/lint

# ---- install, clean -----------------------------------------------------------

.PHONY: install uninstall clean help
WHERE = BUILD='$(BUILD)' DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' \
	SYSCONFDIR='$(SYSCONFDIR)' LOCALSTATEDIR='$(LOCALSTATEDIR)'
install: all
	@$(WHERE) share/install install
uninstall:
	@$(WHERE) share/install uninstall

clean:
	rm -rf $(BUILD)

help:
	@printf '%s\n' \
	'make               build/geoblock-sync, build/geoblock' \
	'make check         every test (as root: installs what they need)' \
	'make unit          unit tests and fuzz corpora: seconds, no root' \
	'make check-vm      those of them that run on the stock kernel of Debian' \
	'make demo          four senders, real connections, throw-away namespaces' \
	'make bench         the numbers, beside their peers' \
	'make soak          the long proofs: a flood of 10 s, 10,000 reloads' \
	'make accuracy      operating systems named rightly, beside p0f and osf' \
	'make lint          format, static analysis, include arrows' \
	'make asan          the tests under ASan and UBSan, in build/asan' \
	'make tsan          geoblockd under ThreadSanitizer, in build/tsan' \
	'make fuzz T=NAME   libFuzzer on one reader; RUNS=N' \
	'make install       PREFIX=/usr/local DESTDIR=; make uninstall' \
	'make deps          install what build and tests need (root)' \
	'V=1 shows commands; CC=clang, OPT=, BUILD= as usual; STATIC=0: shared libraries'

-include $(patsubst %.o,%.d,$(call obj,$(LIB_SRC) $(NFT_SRC) $(DAEMON_SRC) $(wildcard daemon/geoblock*.c) \
	$(SYNC_SRC) tools/geoblock-sync.c \
	$(CLI_SRC) $(TOOL_SRC) $(UNIT_SRC) $(FUZZ_SRC) $(HELPER_SRC) \
	tests/fuzz/replay.c))
.SECONDARY:
