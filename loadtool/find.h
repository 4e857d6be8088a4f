/*
 * `loadtool find --slo 'p99<5ms' ...`: the highest rate at which a server keeps what was promised.
 *
 * Rates are doubled until one does not hold, then the gap is halved until it is below 5 %. The search is pure: it says
 * which rate to try next, and is told what came of it.
 */
#ifndef LOADTOOL_FIND_H
#define LOADTOOL_FIND_H

#include <stdbool.h>
#include <stdint.h>

enum { FIND_FIRST_RATE = 1000, FIND_GAP_PERCENT = 5, FIND_TRIALS_MAX = 40, FIND_UNRELIABLE_MAX = 3 };

struct find_search {
    uint64_t holds; /* the highest rate that held; 0 = none yet */
    uint64_t fails; /* the lowest that did not; 0 = none yet */
};

/* The rate to try, or 0: the search is over. */
uint64_t find_next(const struct find_search *search);
void find_take(struct find_search *search, uint64_t rate, bool held);

/* "p99<5ms" as the limit of --fail that says the opposite, "p99>5ms". -EINVAL: neither < nor > is in it, or it is too long. */
enum { FIND_LIMIT_BYTES = 80 };
int find_turn_slo(const char *slo, char limit[FIND_LIMIT_BYTES]);

/* The subcommand: 0 found, 1 no rate holds, 2 usage, 130 interrupted. */
int find_main(int argc, char **argv);

#endif
