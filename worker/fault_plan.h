/*
 * fault_plan: which calls of the server a trial makes fail, how, and how often; and who fires when. Pure: no system
 * call, no clock, chance from a seed.
 *
 * A plan is a list of rules, as `--fault` and `prefork-upper fault` give it (master/fault_spec.h makes it of their text).
 * It lies on the orders page (board.h), written by the supervisor alone. Each process has a gun: its own copy of the
 * plan and its own chance, which follows from the seed, the kind of process, slot and generation. So the successor of
 * one that fired at itself does not do so at the same call, and a trial with one seed is the same each time as far as
 * the order of calls is.
 *
 * The page is not trusted further than any other: a plan that cannot be fires nothing.
 */
#ifndef WORKER_FAULT_PLAN_H
#define WORKER_FAULT_PLAN_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FAULT_RULE_COUNT_MAX = 16,  /* of one plan; more is no trial but noise */
    FAULT_SPEC_SIZE = 256,      /* of its text, NUL included */
    FAULT_DELAY_MS_MAX = 60000, /* a minute is longer than every patience of the server */
    FAULT_ONE_IN_MAX = 1000000, /* rarer than that is never, in a trial */
};

enum fault_call {
#define FAULT(name, makers, traits, sentence) FAULT_##name,
#include "worker/faults.def"
#undef FAULT
    FAULT_CALL_COUNT
};

static_assert(FAULT_CALL_COUNT <= 32, "a bit of a word for each call");

enum fault_process { FAULT_WORKER, FAULT_KEEPER, FAULT_SUPERVISOR, FAULT_PROCESS_COUNT };

enum fault_kind { FAULT_ERROR, FAULT_SHORT, FAULT_DELAY, FAULT_DIE, FAULT_KIND_COUNT };

struct fault_rule {
    uint32_t calls;  /* 1 << enum fault_call, for each that it strikes */
    uint32_t kind;   /* enum fault_kind */
    uint32_t value;  /* ERROR: the errno; SHORT: bytes at most, 0: any number of them; DELAY: milliseconds */
    uint32_t one_in; /* one call of so many, at random */
};

struct fault_plan {
    uint64_t seed;
    uint32_t processes; /* 1 << enum fault_process, for each kind that fires */
    int32_t slot;       /* whose worker and keepers fire; -1: those of all */
    uint32_t rule_count;
    struct fault_rule rules[FAULT_RULE_COUNT_MAX];
};

/* Of one process. */
struct fault_gun {
    enum fault_process process;
    unsigned slot;       /* 0 in a supervisor */
    uint32_t generation; /* of the process */
    uint32_t number;     /* of the plan below; 0: none yet */
    uint64_t chance;
    struct fault_plan plan;
};

/* Takes the plan that stands there as `number`; chance begins anew. One that cannot be becomes an empty one. */
void fault_gun_load(struct fault_gun *gun, const struct fault_plan *plan, uint32_t number);

/* The rule that strikes this call, the first of the plan if several would; NULL: none. `size`: bytes that the call
 * would move, 0: it moves none. Nothing can be shortened to less than a byte. */
const struct fault_rule *fault_gun_aim(struct fault_gun *gun, enum fault_call call, size_t size);

/* What a SHORT rule makes of that size: at least 1, and less than it; `size` is 2 or more. */
size_t fault_gun_shorten(struct fault_gun *gun, const struct fault_rule *rule, size_t size);

/* ---- the table ---- */

enum fault_trait { FAULT_SIZED = 1, FAULT_EDGE = 2 };

struct fault_description {
    const char *name;
    uint32_t makers; /* 1 << enum fault_process */
    uint32_t traits; /* enum fault_trait */
    const char *sentence;
};
extern const struct fault_description fault_descriptions[FAULT_CALL_COUNT];

/* "worker", "keeper", "supervisor". */
extern const char *const fault_process_names[FAULT_PROCESS_COUNT];

#endif
