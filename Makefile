# prefork-upper: one Makefile, no recursion. `make help` says what each target does.
#   BUILD=dir   where everything is built (default build)      V=1  show the commands
#   FLAVOUR=asan|steps   another build beside the normal one, in build/FLAVOUR

VERSION := 0.1.0
BUILD   ?= build
PREFIX  ?= /usr/local
CC      ?= gcc
Q       := $(if $(V),,@)

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla -Wformat=2 \
	-Wnull-dereference -Wimplicit-fallthrough -Wswitch-enum -Werror
HARDENING := -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fPIE -fno-common \
	-fno-strict-aliasing -ftrivial-auto-var-init=pattern
CPPFLAGS += -D_GNU_SOURCE -DPREFORK_UPPER_VERSION='"$(VERSION)"' -I.
CFLAGS   ?= -O2 -g
ALL_CFLAGS := -std=gnu11 $(CFLAGS) $(WARNINGS) $(HARDENING) $(FLAVOUR_CFLAGS)
ALL_LDFLAGS := -pie -Wl,-z,relro,-z,now $(LDFLAGS) $(FLAVOUR_LDFLAGS)

WORKER_OBJS   := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard worker/*.c))
MASTER_OBJS   := $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out master/main.c,$(wildcard master/*.c)))
LOADTOOL_OBJS := $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out loadtool/main.c,$(wildcard loadtool/*.c)))
UNIT_TESTS    := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))

MASTER_LIBS   :=
LOADTOOL_LIBS := -luv -ljansson -lm
TEST_LIBS     := -lcmocka -lm

.PHONY: all clean
all: $(BUILD)/prefork-upper $(BUILD)/loadtool

$(BUILD)/prefork-upper: $(BUILD)/obj/master/main.o $(BUILD)/libmaster.a $(BUILD)/libworker.a
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(MASTER_LIBS)

$(BUILD)/loadtool: $(BUILD)/obj/loadtool/main.o $(BUILD)/libloadtool.a
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LOADTOOL_LIBS)

$(BUILD)/libworker.a: $(WORKER_OBJS)
$(BUILD)/libmaster.a: $(MASTER_OBJS)
$(BUILD)/libloadtool.a: $(LOADTOOL_OBJS)
$(BUILD)/lib%.a:
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/obj/%.o: %.c
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# A unit test names the functions that it replaces in a comment: /* wrap: recv send */
# A test named test_loadtool_* links the load tool, every other one the server.
wraps = $(patsubst %,-Wl$(comma)--wrap=%,$(shell sed -n 's|^/\* wrap: \(.*\) \*/$$|\1|p' $(1)))
comma := ,
$(BUILD)/tests/test_loadtool_%: $(BUILD)/obj/tests/unit/test_loadtool_%.o $(BUILD)/libloadtool.a
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(call wraps,tests/unit/$(@F).c) -o $@ $^ $(LOADTOOL_LIBS) $(TEST_LIBS)
$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/libmaster.a $(BUILD)/libworker.a
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(call wraps,tests/unit/$(@F).c) -o $@ $^ $(MASTER_LIBS) $(TEST_LIBS)

.PHONY: unit
unit: $(UNIT_TESTS)
	$(Q)for t in $(UNIT_TESTS); do $$t || exit 1; done

clean:
	$(Q)rm -rf $(BUILD)

.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
