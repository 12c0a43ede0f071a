# gc-tools: `make help` lists what can be made.

PREFIX  ?= /usr/local
BINDIR  ?= $(PREFIX)/bin
DATADIR ?= $(PREFIX)/share
MANDIR  ?= $(DATADIR)/man
LIBEXECDIR  ?= $(PREFIX)/libexec
UNITDIR     ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
ZSHDIR      ?= $(DATADIR)/zsh/site-functions
CFLAGS  ?= -O2 -g
V       ?= release
B       := build/$(V)

VERSION := 0.1.0

# One folder a variant, so that none needs a clean before another.
CFLAGS.asan  := -O1 -g -fsanitize=address,undefined \
                -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CFLAGS.fuzz  := $(CFLAGS.asan) -fsanitize=fuzzer-no-link
CFLAGS.afl   := $(CFLAGS.asan)
CFLAGS.cover := -O0 -g --coverage -DGC_COVERAGE
CFLAGS.plain := -DGC_NO_SIMD
ifeq ($(WERROR),1)
CFLAGS.strict := -Werror
endif

override CPPFLAGS += -I. -D_GNU_SOURCE -DGC_VERSION='"$(VERSION)"' -MMD -MP
override CFLAGS   += -std=c11 -Wall -Wextra -Wshadow -Wstrict-prototypes \
                     -Wmissing-prototypes -Wvla -Wformat=2 -Wwrite-strings \
                     $(CFLAGS.$(V)) $(CFLAGS.strict)

# Which system libraries a module brings: a tool links those of the modules
# that it uses, and no other (gc-dedup and gc-reduce speak to no network).
BSD     := $(shell pkg-config --libs libbsd-overlay 2>/dev/null || echo -lbsd)
override CPPFLAGS += $(shell pkg-config --cflags libbsd-overlay 2>/dev/null) \
    -DGC_LIBBSD='"$(shell pkg-config --modversion libbsd-overlay 2>/dev/null)"'
# What the C library has itself is taken from it: a tool starts sooner with
# each library that it does without.
BASE    := -Wl,--as-needed -lc $(BSD) -ldeflate -lm
NET     := -lcurl -lssl -lcrypto
LDLIBS.gc-token     := $(NET) -ljq
LDLIBS.gc-subscribe := $(NET) -lwslay -ljq
LDLIBS.gc-reconcile := $(NET) -ljq
LDLIBS.gc-check     := $(NET) -ljq
LDLIBS.gc-names     := $(NET) -ljq
LDLIBS.gc-queue     := -lrabbitmq -lssl -lcrypto
LDLIBS.gc-cache     := $(NET) $(shell pkg-config --libs hiredis 2>/dev/null || echo -lhiredis)
LDLIBS.gc-sim       := -lmicrohttpd -lssl -lcrypto
LDLIBS.gc-top       := $(shell pkg-config --libs ncursesw 2>/dev/null || echo -lncursesw -ltinfo)
LDLIBS.test         := $(NET) -lwslay -ljq

# cmd/NAME.c is a tool, and so is a folder cmd/NAME/.
TOOLS   := $(sort $(basename $(notdir $(wildcard cmd/*.c))) \
                  $(notdir $(patsubst %/,%,$(wildcard cmd/*/))))
LIBOBJ  := $(patsubst %.c,$(B)/%.o,$(wildcard lib/*.c))
UNIT    := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/*.c))
FUZZ    := $(patsubst %.c,$(B)/%,$(wildcard tests/fuzz/*.c))
REPLAY  := $(patsubst tests/fuzz/%.c,$(B)/tests/replay/%, \
             $(wildcard tests/fuzz/*.c))
HELPERS := $(patsubst %.c,$(B)/%,$(wildcard tests/helpers/*.c))
BENCH   := $(patsubst %.c,$(B)/%,$(wildcard tests/bench/*.c))
# a peer that is there where its library is
ifneq ($(and $(wildcard /usr/include/simdjson.h),$(shell command -v $(CXX))),)
BENCH   += $(B)/tests/bench/simdjson
endif
objects  = $(patsubst %.c,$(B)/%.o,$(wildcard cmd/$(1).c cmd/$(1)/*.c))

all: $(TOOLS:%=$(B)/%)

help:
	@echo 'make                 build into build/release'
	@echo 'make demo            install what is missing, build, watch it work'
	@echo 'make check           the same, then every test'
	@echo 'make quick           unit and golden tests only'
	@echo 'make asan            every test under the address sanitizer'
	@echo 'make fuzz            a short run of each fuzzer (clang), for'
	@echo '                     FUZZ_SECONDS each; ENGINE=afl: with AFL++'
	@echo 'make soak SOAK=1m    faults drawn by chance, for so long'
	@echo 'make bench           measured beside peers: gc-performance(7)'
	@echo 'make lint            layers, banned functions, man pages'
	@echo 'make V=plain         plain C alone, as where there is no SSE2'
	@echo 'make V=cover test    the same tests, with gcov counts in build/cover'
	@echo 'make install         DESTDIR= PREFIX=$(PREFIX)'
	@echo 'make uninstall       removes just that'
	@echo 'make deb             a Debian package, in build'
	@echo 'make clean           remove build'

define tool
$(B)/$(1): $(call objects,$(1)) $(B)/libgc.a
	$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(LDLIBS.$(1)) $$(BASE)
endef
$(foreach t,$(TOOLS),$(eval $(call tool,$(t))))

$(B)/libgc.a: $(LIBOBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(B)/tests/unit/%: $(B)/tests/unit/%.o $(B)/libgc.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS.test) $(BASE)

# tests/faults.h stands under lib/ in these tests, and in nothing else.
FAULTY := open mkostemp read write fsync fdatasync rename ftruncate close clock_wall_ms
$(B)/tests/unit/%_faults: override LDFLAGS += $(FAULTY:%=-Wl,--wrap=%)

$(B)/tests/helpers/%: $(B)/tests/helpers/%.o $(B)/libgc.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS.test) $(BASE)

$(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(B)/libgc.a
	$(CC) $(CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ \
	    $(LDLIBS.test) $(BASE)

$(B)/tests/bench/%: $(B)/tests/bench/%.o $(B)/libgc.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS.test) $(BSD) -lm

# In C++, so none of our warnings; AVX2, as it is chosen when it is compiled.
$(B)/tests/bench/simdjson: tests/bench/simdjson.cc
	@mkdir -p $(@D)
	$(CXX) -std=c++17 -O2 -march=haswell -o $@ $< -lsimdjson

# The same function, run over files without an engine.
$(B)/tests/replay/%: $(B)/tests/fuzz/%.o $(B)/tests/replay.o $(B)/libgc.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS.test) $(BASE)

tests-built: all $(UNIT) $(HELPERS) $(REPLAY) $(BENCH)

RUN := PATH="$(CURDIR)/$(B):$$PATH" GC_BUILD="$(CURDIR)/$(B)" prove

deps:
	@sh scripts/deps

check:
	@sh scripts/deps check
	@$(MAKE) --no-print-directory lint test

# Those that wait longest begin first.
SLOW := $(patsubst %,tests/%.t,tutorial status subscribe-health loop \
          converge sim \
          clock sim-channels reconcile-closed reconcile-channels channels \
          channels-start docs queue-workers queue-amqp queue-crash \
          install)

test: tests-built
	$(RUN) -e '' $(UNIT) && \
	    $(RUN) -j7 $(SLOW) $(filter-out $(SLOW),$(wildcard tests/*.t))

quick: tests-built
	$(RUN) -e '' $(UNIT) && $(RUN) tests/cases.t

asan: deps
	@$(MAKE) --no-print-directory V=asan test

# The engines: the variant that each builds, and with what.
ENGINE  ?= fuzz
ENGINE.fuzz := clang
ENGINE.afl  := afl-clang-fast

fuzz:
	$(if $(ENGINE.$(ENGINE)),,$(error ENGINE is fuzz or afl))
	@sh scripts/deps $(ENGINE)
	@$(MAKE) --no-print-directory V=$(ENGINE) CC=$(ENGINE.$(ENGINE)) \
	    fuzz-run

fuzz-run: $(FUZZ)
	@sh scripts/fuzz $(ENGINE) $(FUZZ)

SOAK ?= 1m
soak: all
	@PATH="$(CURDIR)/$(B):$$PATH" sh scripts/soak $(if $(VERBOSE),-v) \
	    -k build/soak $(SOAK)

bench:
	@sh scripts/deps bench
	@$(MAKE) --no-print-directory all bench-built
	@GC_BUILD="$(CURDIR)/$(B)" sh scripts/bench $(ROWS)

bench-built: $(BENCH)

lint:
	@sh scripts/check-layers
	@sh scripts/check-style

demo: deps
	@$(MAKE) --no-print-directory all
	@PATH="$(CURDIR)/$(B):$$PATH" sh scripts/demo

# What is installed, each MODE:FILE:PLACE; and the folders that are ours.
OURS    := $(LIBEXECDIR)/gc-tools $(DATADIR)/gc-tools/monitoring
UNITS   := $(patsubst scripts/systemd/%.in,%,$(wildcard \
           scripts/systemd/*.service.in))
PARTS    = $(foreach t,$(TOOLS),755:$(B)/$(t):$(BINDIR)/$(t) \
    644:$(B)/completions/bash/$(t):$(DATADIR)/bash-completion/completions/$(t) \
    644:$(B)/completions/zsh/_$(t):$(ZSHDIR)/_$(t) \
    644:$(B)/completions/fish/$(t).fish:$(DATADIR)/fish/vendor_completions.d/$(t).fish) \
  $(foreach s,1 5 7,$(foreach p,$(wildcard man/*.$(s)), \
    644:$(p):$(MANDIR)/man$(s)/$(notdir $(p)))) \
  $(foreach f,gc-stream gc-snapshot, \
    755:scripts/systemd/$(f):$(LIBEXECDIR)/gc-tools/$(f)) \
  $(foreach u,$(UNITS),644:$(B)/units/$(u):$(UNITDIR)/$(u)) \
  644:scripts/systemd/gc-snapshot@.timer:$(UNITDIR)/gc-snapshot@.timer \
  644:scripts/systemd/gc-tools.sysusers:$(SYSUSERSDIR)/gc-tools.conf \
  $(foreach f,grafana.json alerts.yml alerts-test.yml, \
    644:scripts/monitoring/$(f):$(DATADIR)/gc-tools/monitoring/$(f))

$(B)/completions/made: $(TOOLS:%=$(B)/%) scripts/completions
	@sh scripts/completions $(@D) $(TOOLS:%=$(B)/%)
	@touch $@

# for where they are installed this time
units:
	@sh scripts/units $(BINDIR) $(LIBEXECDIR) $(B)/units

install: all $(B)/completions/made units
	@set -e; IFS=:; for part in $(foreach p,$(PARTS),'$(p)'); do \
	    set -- $$part; to="$(DESTDIR)$$3"; \
	    mkdir -p "$${to%/*}"; \
	    install -m $$1 "$$2" "$$to"; \
	done
	@echo 'installed in $(DESTDIR)$(PREFIX)'

# Folders of others stay, save in DESTDIR where nothing is in them any more.
uninstall:
	@IFS=:; for part in $(foreach p,$(PARTS),'$(p)'); do \
	    set -- $$part; rm -f "$(DESTDIR)$$3"; \
	done; \
	if [ -z "$(DESTDIR)" ]; then \
	    rmdir $(OURS) $(DATADIR)/gc-tools 2> /dev/null; \
	else \
	    cd "$(DESTDIR)/" || exit; \
	    for part in $(foreach p,$(PARTS),'$(p)'); do \
		set -- $$part; at="$${3%/*}"; \
		rmdir -p "$${at#/}" 2> /dev/null; \
	    done; \
	fi; \
	echo 'removed from $(DESTDIR)$(PREFIX)'

deb:
	@sh scripts/deb build

clean:
	rm -rf build

.PHONY: all help deps check test quick asan fuzz fuzz-run soak bench lint \
        demo install uninstall units deb clean tests-built bench-built
.SECONDARY:
-include $(shell find build/$(V) -name '*.d' 2>/dev/null)
