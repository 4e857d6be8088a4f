# prefork-upper: one Makefile, no recursion into folders. `make help` says what each target does.
#   BUILD=dir     where everything is built (default build)       V=1           show the commands
#   FLAVOUR=asan  compile with the sanitizers (see `make asan`)   NO_INSTALL=1  name missing packages, install none
#   FAULTS=0      leave out the faults of trials (`--fault`); built in build/nofaults

VERSION := 0.1.0
FLAVOUR ?=
FAULTS  ?= 1
BUILD   ?= $(if $(filter 0,$(FAULTS)),build/nofaults,build)
PREFIX  ?= /usr/local
ifeq ($(origin CC),default)
CC      := gcc
endif
Q       := $(if $(V),,@)
# As many compilers at once as there are processors, unless the caller says how many (his -j wins), or names several targets,
# which are meant to come one after the other.
ifeq ($(word 2,$(MAKECMDGOALS))$(filter-out 0,$(MAKELEVEL)),)
MAKEFLAGS += -j$(shell nproc)
endif

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla -Wformat=2 \
	-Wnull-dereference -Wimplicit-fallthrough -Wswitch-enum -Werror
HARDENING := -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fPIE -fno-common \
	-fno-strict-aliasing -ftrivial-auto-var-init=pattern
# The same programs from the same source, wherever it lies. (gcov wants to find the source.)
ifneq ($(FLAVOUR),coverage)
REPRODUCIBLE := -ffile-prefix-map=$(CURDIR)=.
endif
CPPFLAGS += -D_GNU_SOURCE -DPREFORK_UPPER_VERSION='"$(VERSION)"' -I.
ifneq ($(FAULTS),0)
CPPFLAGS += -DWITH_FAULTS
endif
CFLAGS   ?= -O2 -g
ifeq ($(FLAVOUR),asan)
FLAVOUR_CFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer \
	-DSANDBOX_UNFIT='"sanitizers"'
endif
ifeq ($(FLAVOUR),fuzz)
FLAVOUR_CFLAGS := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer -U_FORTIFY_SOURCE -DSANDBOX_UNFIT='"sanitizers"'
endif
ifeq ($(FLAVOUR),coverage)
FLAVOUR_CFLAGS := --coverage -O0 -U_FORTIFY_SOURCE -w -DSANDBOX_UNFIT='"coverage"'
FLAVOUR_LDFLAGS := -Wl,--wrap=_exit -Wl,--wrap=abort -Wl,--wrap=raise $(BUILD)/obj/tests/coverage/dump.o
endif
ifeq ($(FLAVOUR),steps)
FLAVOUR_CFLAGS := -DWITH_STEPS
endif
ALL_CFLAGS := -std=gnu11 $(CFLAGS) $(WARNINGS) $(HARDENING) $(REPRODUCIBLE) $(FLAVOUR_CFLAGS)
ALL_LDFLAGS := -pie -Wl,-z,relro,-z,now $(LDFLAGS) $(FLAVOUR_LDFLAGS)

WORKER_OBJS   := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard worker/*.c))
MASTER_OBJS   := $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out master/main.c,$(wildcard master/*.c)))
LOADTOOL_OBJS := $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out loadtool/main.c,$(wildcard loadtool/*.c)))
SUPPORT_OBJS  := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/support/*.c))
FUZZ_TARGETS  := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
UNIT_TESTS    := $(patsubst %.c,$(BUILD)/tests/%,$(notdir $(wildcard tests/unit/test_*.c tests/model/test_*.c))) \
	$(FUZZ_TARGETS:%=$(BUILD)/tests/test_fuzz_%)

WORKER_LIBS   := -lseccomp
MASTER_LIBS   := -linih -ljansson $(WORKER_LIBS)
LOADTOOL_LIBS := -luv -ljansson -lz -lm
TEST_LIBS     := -lcmocka -ljansson -lm

.PHONY: all
all: $(BUILD)/prefork-upper $(BUILD)/loadtool ## Build the server and the load tool (the default)

$(BUILD)/prefork-upper: $(BUILD)/obj/master/main.o $(BUILD)/libmaster.a $(BUILD)/libworker.a
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(MASTER_LIBS)

$(BUILD)/loadtool: $(BUILD)/obj/loadtool/main.o $(BUILD)/libloadtool.a
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LOADTOOL_LIBS)

$(BUILD)/libworker.a: $(WORKER_OBJS)
$(BUILD)/libmaster.a: $(MASTER_OBJS)
$(BUILD)/libloadtool.a: $(LOADTOOL_OBJS)
$(BUILD)/libsupport.a: $(SUPPORT_OBJS)
$(BUILD)/libmodel_world.a: $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/model/world*.c))
$(BUILD)/lib%.a:
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/obj/%.o: %.c | deps
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# What is made from the option tables: a generator for each program, linked with its tables.
MANUALS     := $(BUILD)/package/prefork-upper.8 $(BUILD)/package/loadtool.1
COMPLETIONS := $(BUILD)/package/prefork-upper.bash $(BUILD)/package/loadtool.bash
$(BUILD)/libpackage.a: $(patsubst %,$(BUILD)/obj/master/package/%.o,roff completion)
$(BUILD)/package/make-server: $(BUILD)/obj/master/package/server.o $(BUILD)/libpackage.a $(BUILD)/libmaster.a $(BUILD)/libworker.a
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(MASTER_LIBS)
$(BUILD)/package/make-loadtool: $(BUILD)/obj/master/package/loadtool.o $(BUILD)/libpackage.a $(BUILD)/libloadtool.a
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LOADTOOL_LIBS)
$(BUILD)/package/prefork-upper.%: $(BUILD)/package/make-server
	$(Q)$< $(if $(filter bash,$*),bash,man) >$@
$(BUILD)/package/loadtool.%: $(BUILD)/package/make-loadtool
	$(Q)$< $(if $(filter bash,$*),bash,man) >$@
.PHONY: manuals
manuals: $(MANUALS) $(COMPLETIONS) ## Make the man pages and the completions for bash, in build/package
.DELETE_ON_ERROR:

# A unit test names the functions that it replaces in a comment: /* wrap: recv send */
# A test named test_loadtool_* links the load tool, test_package_* what makes man pages, every other one the server.
# What replaces them may stand in a fixture that it includes: that one is linked first, since several have their own recv.
wraps = $(patsubst %,-Wl$(comma)--wrap=%,$(shell sed -n 's|^/\* wrap: \(.*\) \*/$$|\1|p' $(1)))
fixtures = $(filter $(SUPPORT_OBJS),$(patsubst %.h,$(BUILD)/obj/%.o,$(shell sed -n 's|^.include "\(tests/support/.*\)"$$|\1|p' $(1))))
comma := ,
$(BUILD)/tests/test_loadtool_%: $(BUILD)/obj/tests/unit/test_loadtool_%.o $(BUILD)/libloadtool.a
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(call wraps,tests/unit/$(@F).c) -o $@ $^ $(LOADTOOL_LIBS) $(TEST_LIBS)
$(BUILD)/tests/test_package_%: $(BUILD)/obj/tests/unit/test_package_%.o $(BUILD)/libpackage.a
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(TEST_LIBS)
$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/libsupport.a $(BUILD)/libmaster.a $(BUILD)/libworker.a
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(call wraps,tests/unit/$(@F).c) -o $@ $< $(call fixtures,tests/unit/$(@F).c) \
		$(filter-out $<,$^) $(MASTER_LIBS) $(TEST_LIBS)

# A fuzz target is linked likewise; as test_fuzz_NAME it replays its corpus.
$(BUILD)/tests/test_fuzz_loadtool_%: $(BUILD)/obj/tests/fuzz/fuzz_loadtool_%.o $(BUILD)/obj/tests/fuzz/replay.o \
		$(BUILD)/libloadtool.a
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(call wraps,$(<:$(BUILD)/obj/%.o=%.c)) -o $@ $^ $(LOADTOOL_LIBS)
$(BUILD)/tests/test_fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(BUILD)/obj/tests/fuzz/replay.o $(BUILD)/libmaster.a \
		$(BUILD)/libworker.a
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(call wraps,$(<:$(BUILD)/obj/%.o=%.c)) -o $@ $^ $(MASTER_LIBS) -lm
$(BUILD)/fuzz_loadtool_%: $(BUILD)/obj/tests/fuzz/fuzz_loadtool_%.o $(BUILD)/libloadtool.a
	$(Q)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(ALL_LDFLAGS) $(call wraps,$(<:$(BUILD)/obj/%.o=%.c)) -o $@ $^ $(LOADTOOL_LIBS)
$(BUILD)/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(BUILD)/libmaster.a $(BUILD)/libworker.a
	$(Q)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(ALL_LDFLAGS) $(call wraps,$(<:$(BUILD)/obj/%.o=%.c)) -o $@ $^ $(MASTER_LIBS) -lm

# test_socket_* of tests/model: the real worker with its steps on, and system calls that the model answers.
# (Without the fortified calls: the linker must see each by its plain name.)
SOCKET_OBJS := $(patsubst %.c,$(BUILD)/model/%.o,$(wildcard tests/model/socket*.c) \
	$(filter-out worker/steps.c,$(wildcard worker/*.c)))
$(BUILD)/model/%.o: %.c | deps
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -U_FORTIFY_SOURCE -DWITH_STEPS -MMD -MP -c -o $@ $<
$(BUILD)/tests/test_socket_%: $(BUILD)/model/tests/model/test_socket_%.o $(SOCKET_OBJS)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(call wraps,tests/model/socket_calls.c) -o $@ $^ $(WORKER_LIBS) $(TEST_LIBS)

# test_NAME_* of tests/model links the model NAME first: it stands in for the functions of the server that it defines.
.SECONDEXPANSION:
$(BUILD)/tests/test_%: $(BUILD)/obj/tests/model/test_%.o $(BUILD)/libmodel_$$(firstword $$(subst _, ,$$*)).a \
		$(BUILD)/libmaster.a $(BUILD)/libworker.a
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(call wraps,tests/model/$(@F).c) -o $@ $^ $(MASTER_LIBS) $(TEST_LIBS)

# The simulation as a program of its own: the model with a command line.
$(BUILD)/sim: $(BUILD)/obj/tests/model/sim.o $(BUILD)/libmodel_world.a $(BUILD)/libmaster.a $(BUILD)/libworker.a
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(call wraps,tests/model/sim.c) -o $@ $^ $(MASTER_LIBS)

# Other versions of the server, good and bad, for upgrades to them: each replaces functions as a unit test does.
IMAGES := $(patsubst tests/images/%.c,$(BUILD)/images/%,$(wildcard tests/images/*.c))
$(BUILD)/images/%: $(BUILD)/obj/tests/images/%.o $(BUILD)/obj/master/main.o $(BUILD)/libmaster.a $(BUILD)/libworker.a
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(call wraps,tests/images/$(@F).c) -o $@ $^ $(MASTER_LIBS)

# The server of FAULTS=0, for tests: only what makes one of those calls is compiled another way.
FAULT_OBJS := $(patsubst %.c,$(BUILD)/faultless/%.o,$(shell grep -l '"worker/fault.h"' worker/*.c master/*.c))
$(BUILD)/faultless/%.o: %.c | deps
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -DWITH_FAULTS,$(CPPFLAGS)) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/images/faultless: $(BUILD)/obj/master/main.o $(FAULT_OBJS) $(BUILD)/libmaster.a $(BUILD)/libworker.a
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(MASTER_LIBS)

# What the runners below need to know: where the programs are.
export BUILD
TESTED := all images manuals deps-test
.PHONY: demo test unit unit-binaries images e2e chaos sweep sweep-short steps steps-server mutants sim model soak
demo: $(TESTED) ## Serve, load, kill clients, kill workers several times, and say what happened (under 30 s)
	$(Q)chaos/demo
test: $(TESTED) unit-binaries steps-server ## Run unit tests, end-to-end tests, short forms of steps and sweep, the quick chaos scenarios
	$(Q)tests/run unit e2e steps-short sweep-short quick
unit: unit-binaries ## Run the unit tests alone
	$(Q)tests/run unit
unit-binaries: $(UNIT_TESTS)
images: $(IMAGES) $(BUILD)/images/faultless
e2e: $(TESTED) ## Run the end-to-end tests alone: real processes, real sockets
	$(Q)tests/run e2e
chaos: $(TESTED) ## Run every chaos scenario: faults under load, each with its proof
	$(Q)tests/run chaos
sweep: $(TESTED) ## Kill a worker at each of the first 32 calls of every system call that it makes (up to 25 min)
	$(Q)tests/run sweep
sweep-short: $(TESTED) ## The same at the 1st, 2nd, 3rd and 7th call, as part of `make test` (up to 2 min)
	$(Q)tests/run sweep-short
steps: $(TESTED) steps-server ## Kill a worker at every step between two system calls, once and twice (2 min)
	$(Q)tests/run steps
steps-server: | deps
	$(Q)+$(SUBMAKE) FLAVOUR=steps BUILD=$(BUILD)/steps $(BUILD)/steps/prefork-upper
mutants: $(TESTED) deps-mutants ## Break server and load tool in 87 known ways; the tests named for each must notice (up to 20 min)
	$(Q)tests/run mutants
sim: $(BUILD)/sim ## Simulate the policy in a lying world: STEPS= of chance from SEED= on, then all short sequences (DEPTH=)
	$(Q)$(BUILD)/sim $(if $(SEED),--seed $(SEED)) $(if $(STEPS),--steps $(STEPS)) $(if $(DEPTH),--depth $(DEPTH)) \
		$(if $(filter-out undefined,$(origin ONLY)),--only '$(ONLY)') $(if $(TURNS),--turns $(TURNS)) \
		$(if $(EVEN),--even) $(if $(MUTANT),--mutant $(MUTANT))
model: deps-model ## Check a model of one slot with Spin: every order of steps and deaths (3 min, 2 GB; a check that takes 10 min fails)
	$(Q)tests/spin/run
soak: $(TESTED) ## Everything at once for HOURS=1 (or 0.05), by SEED=; plots of descriptors, memory, latency; a verdict
	$(Q)chaos/soak $(if $(HOURS),--hours '$(HOURS)') $(if $(SEED),--seed '$(SEED)')

.PHONY: fuzz fuzz-binaries
fuzz: deps-fuzz ## Feed every parser, and the supervisor, with garbage (SECONDS=60 each); keep what breaks them
	$(Q)+$(SUBMAKE) CC=clang FLAVOUR=fuzz BUILD=$(BUILD)/fuzz fuzz-binaries
	$(Q)tests/fuzz/run $(or $(SECONDS),60)
fuzz-binaries: $(FUZZ_TARGETS:%=$(BUILD)/fuzz_%)

.PHONY: coverage coverage-run
coverage: ## State which lines and branches of worker/ and master/ the tests reach; fail for one that nobody explains (10 min)
	$(Q)+$(SUBMAKE) FLAVOUR=coverage BUILD=$(BUILD)/coverage $(BUILD)/coverage/obj/tests/coverage/dump.o
	$(Q)+$(SUBMAKE) FLAVOUR=coverage BUILD=$(BUILD)/coverage coverage-run
coverage-run: $(TESTED) unit-binaries
	$(Q)find $(BUILD) -name '*.gcda' -delete
	$(Q)GCOV_ERROR_FILE=/dev/null tests/run unit e2e quick || echo 'what failed above has counted as far as it came'
	$(Q)GCOV_ERROR_FILE=/dev/null chaos/run 50 51 52 53 56 57 58 59 || echo 'likewise'
	$(Q)tests/coverage/report

.PHONY: bench bench-curves bench-limits bench-transform bench-hold bench-programs
BENCH_PROGRAMS := floor uv_upper event_upper stream transform
bench-programs: all $(BENCH_PROGRAMS:%=$(BUILD)/bench/%)
bench: deps-peers bench-programs ## Measure what a message costs beside other servers; ROWS=500,churn,bulk chooses (half an hour)
	$(Q)tests/bench/transform
	$(Q)tests/bench/run --peers --extras --rows '$(ROWS)' --seconds 1.2 --svg $(BUILD)/bench.svg
bench-curves: all $(BUILD)/bench/floor $(BUILD)/bench/uv_upper ## Measure what a message costs as workers, connections and messages grow (8 min)
	$(Q)tests/bench/curves --csv $(BUILD)/curves.csv --svg $(BUILD)/curves.svg
bench-limits: deps-peers bench-programs ## What README promises: the transform, one bulk stream, 500 clients (9 min)
	$(Q)tests/bench/transform --limits
	$(Q)tests/bench/run --rows bulk --rounds 20 --limits
	$(Q)tests/bench/run --peers --rows 500 --svg $(BUILD)/bench.svg --limits
bench-transform: $(BUILD)/bench/transform ## Measure the transform beside memcpy, with the limits that README promises (5 s)
	$(Q)tests/bench/transform --limits
bench-hold: all deps-test ## Measure idle connections and deaths, with their limits; SECTIONS=idle,crowd,gap,tail chooses (7 min)
	$(Q)tests/bench/hold --sections '$(SECTIONS)' --limits
$(BUILD)/bench/floor: $(addprefix $(BUILD)/obj/tests/bench/,floor.o prefork.o) $(BUILD)/libworker.a
$(BUILD)/bench/uv_upper: $(addprefix $(BUILD)/obj/tests/bench/,uv_upper.o prefork.o)
$(BUILD)/bench/uv_upper: LDLIBS += -luv
$(BUILD)/bench/event_upper: $(addprefix $(BUILD)/obj/tests/bench/,event_upper.o prefork.o)
$(BUILD)/bench/event_upper: LDLIBS += -levent_core
$(BUILD)/bench/stream: $(BUILD)/obj/tests/bench/stream.o
$(BUILD)/bench/transform: $(BUILD)/obj/tests/bench/transform.o $(BUILD)/libworker.a
$(BENCH_PROGRAMS:%=$(BUILD)/bench/%):
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

.PHONY: bench-load consumers peers peers-haproxy
bench-load: all $(BUILD)/bench/floor $(BUILD)/bench/client deps-peers ## Measure what the load tool costs, beside wrk and a libuv client without checks
	$(Q)tests/bench/load --limits
$(BUILD)/bench/client: $(BUILD)/obj/tests/bench/client.o
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ -luv
peers: all deps-peers ## Load Redis, nginx, Apache and xinetd with the load tool
	$(Q)tests/peers/run
peers-haproxy: all images deps-peers ## Three servers behind HAProxy: upgraded, restarted, killed under load, and nobody lost who need not be (90 s)
	$(Q)tests/peers/haproxy
consumers: all deps-test ## Open the load tool's files where they belong: hdr-histogram-js, promtool, xmllint, Chromium
	$(Q)tests/consumers/run

# Sanitizer reports go to files: a worker's stderr may be nobody's.
ASAN_LOG := $(abspath $(BUILD))/sanitizer
SUBMAKE := $(MAKE) --no-print-directory
.PHONY: asan asan-tests clang analyze format
asan: ## Run unit and end-to-end tests with the address and undefined-behaviour sanitizers, in build/asan
	$(Q)+$(SUBMAKE) FLAVOUR=asan BUILD=$(BUILD)/asan asan-tests
asan-tests: export ASAN_OPTIONS = log_path=$(ASAN_LOG):handle_segv=0:handle_abort=0
asan-tests: export UBSAN_OPTIONS = log_path=$(ASAN_LOG):print_stacktrace=1
asan-tests: $(TESTED) unit-binaries
	$(Q)rm -f $(ASAN_LOG).*
	$(Q)tests/run unit e2e; code=$$?; for f in $(ASAN_LOG).*; do [ ! -e $$f ] || { cat $$f; code=1; }; done; exit $$code
clang: deps-clang ## Build everything with clang, in build/clang
	$(Q)+$(SUBMAKE) CC=clang BUILD=$(BUILD)/clang all unit-binaries
analyze: deps deps-analyze ## Look for bugs with gcc -fanalyzer, clang-tidy, cppcheck and shellcheck
	$(Q).ci/analyze $(CPPFLAGS) -std=gnu11 $(WARNINGS)
format: deps-format ## Format all C files by .clang-format
	$(Q)clang-format -i $$(git ls-files '*.c' '*.h')

.PHONY: deps deps-test deps-mutants deps-model deps-fuzz deps-clang deps-analyze deps-format deps-peers
deps: ## Install the packages that the build needs; other targets call it (NO_INSTALL=1: only name them)
	$(Q).ci/deps build
deps-test deps-mutants deps-model deps-fuzz deps-clang deps-analyze deps-format:
	$(Q).ci/deps $(@:deps-%=%)
deps-peers: ## Install the servers and libraries that ours is compared with; nothing else needs them
	$(Q).ci/deps peers
# Two package managers at once would refuse each other: one after the other.
deps-test deps-model deps-fuzz deps-clang deps-analyze deps-format deps-peers: | deps
deps-mutants: | deps-test

ROOT := $(DESTDIR)$(PREFIX)
UNITS := $(wildcard master/package/systemd/*.service master/package/systemd/*.socket)
DOC   := $(ROOT)/share/doc/prefork-upper
.PHONY: install install-files uninstall
install: all manuals ## Install programs, man pages, completion, units, examples below $(DESTDIR)$(PREFIX), by default /usr/local
	$(Q)+$(SUBMAKE) install-files
install-files: # The same, of what has been built
	$(Q)install -D -m 755 -t $(ROOT)/bin $(BUILD)/prefork-upper $(BUILD)/loadtool
	$(Q)install -D -m 644 -t $(ROOT)/share/man/man8 $(BUILD)/package/prefork-upper.8
	$(Q)install -D -m 644 -t $(ROOT)/share/man/man1 $(BUILD)/package/loadtool.1
	$(Q)install -D -m 644 $(BUILD)/package/prefork-upper.bash $(ROOT)/share/bash-completion/completions/prefork-upper
	$(Q)install -D -m 644 $(BUILD)/package/loadtool.bash $(ROOT)/share/bash-completion/completions/loadtool
	$(Q)install -D -m 644 -t $(DOC) README.md LICENSE
	$(Q)install -D -m 644 -t $(DOC)/examples $(wildcard master/package/examples/* master/package/*.json)
	$(Q)for unit in $(UNITS); do install -D -m 644 -t $(ROOT)/lib/systemd/system $$unit && \
		sed -i 's|/usr/bin/|$(PREFIX)/bin/|g' $(ROOT)/lib/systemd/system/$${unit##*/}; done
uninstall: ## Remove what install has put there
	$(Q)rm -f $(ROOT)/bin/prefork-upper $(ROOT)/bin/loadtool $(ROOT)/share/man/man8/prefork-upper.8 \
		$(ROOT)/share/man/man1/loadtool.1 $(addprefix $(ROOT)/share/bash-completion/completions/,prefork-upper loadtool) \
		$(addprefix $(ROOT)/lib/systemd/system/,$(notdir $(UNITS)))
	$(Q)rm -rf $(DOC)

# The time that files of a package bear: that of the last commit, which git archive gives to the files of a tarball.
EPOCH = $(or $(SOURCE_DATE_EPOCH),$(shell if [ -e .git ]; then git log -1 --format=%ct; else stat -c %Y Makefile; fi))
STAGE := $(BUILD)/package/stage
.PHONY: dist deb package-test reproducible
dist: ## Pack the last commit as build/prefork-upper-VERSION.tar.gz
	$(Q)mkdir -p $(BUILD)
	$(Q)git archive --prefix=prefork-upper-$(VERSION)/ HEAD | gzip -9n >$(BUILD)/prefork-upper-$(VERSION).tar.gz
	@echo $(BUILD)/prefork-upper-$(VERSION).tar.gz
deb: all manuals ## Build a Debian package of this machine's kind, in build/
	$(Q)rm -rf $(STAGE)
	$(Q)+$(SUBMAKE) install-files DESTDIR=$(abspath $(STAGE)) PREFIX=/usr
	$(Q)SOURCE_DATE_EPOCH=$(EPOCH) master/package/deb/build $(STAGE) $(VERSION) $(BUILD)
package-test: deps-test ## Pack a tarball, build packages from it in two folders, compare, install, serve, remove (a minute)
	$(Q)tests/package/run
reproducible: deps-test ## The part of it that compares two builds: same source, same bytes
	$(Q)tests/package/run reproducible

.PHONY: clean help
clean: ## Remove everything that was built
	$(Q)rm -rf $(BUILD)
help: ## Show this list
	@sed -n 's/^\([a-z0-9-]*\):[^=]*## \(.*\)/\1\t\2/p' Makefile | while IFS="$$(printf '\t')" read -r target text; do \
		printf '  %-15s %s\n' "$$target" "$$text"; done

# Objects and flags that no rule names stay; headers that changed rebuild what includes them.
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
