#include "master/restart.h"

/* Doubled with each rest, to a cap; jitter of up to a quarter either way keeps slots from waking together. */
static int64_t rest_ms(uint32_t rest_count, uint32_t random)
{
    int64_t ms = RESTART_REST_MS_MIN;
    for (uint32_t i = 1; i < rest_count && ms < RESTART_REST_MS_MAX; i++)
        ms *= 2;
    if (ms > RESTART_REST_MS_MAX)
        ms = RESTART_REST_MS_MAX;
    return ms - ms / 4 + (int64_t)(random % (uint32_t)(ms / 2));
}

static void forget_suspect(struct restart *r)
{
    r->suspect = 0;
    r->crash_blames = r->oom_blames = 0;
}

static bool blames(const struct death_facts *facts)
{
    if (facts->suspect == 0)
        return false;
    switch (facts->kind) {
    case DEATH_HANG:
        return true;
    case DEATH_CRASH:
    case DEATH_OOM:
        return facts->in_service;
    case DEATH_KILL:
    case DEATH_LEFT:
    case DEATH_ORDER:
        break;
    }
    return false;
}

/* True: the suspect has had its chances. */
static bool blame(struct restart *r, const struct death_facts *facts)
{
    if (facts->suspect_cleared || r->suspect != facts->suspect)
        forget_suspect(r);
    r->suspect = facts->suspect;
    if (facts->kind == DEATH_HANG)
        return true;
    if (facts->kind == DEATH_CRASH)
        return ++r->crash_blames >= BLAME_CRASH_COUNT || r->deaths_in_a_row >= BLAME_LOOP_COUNT;
    return ++r->oom_blames >= BLAME_OOM_COUNT;
}

static int64_t delay_ms(uint32_t in_a_row)
{
    int64_t ms = RESTART_DELAY_MS_MIN;
    if (in_a_row <= RESTART_KILLS_FREE_COUNT)
        return 0;
    for (uint32_t i = RESTART_KILLS_FREE_COUNT + 1; i < in_a_row && ms < RESTART_DELAY_MS_MAX; i++)
        ms *= 2;
    return ms < RESTART_DELAY_MS_MAX ? ms : RESTART_DELAY_MS_MAX;
}

static void count(struct restart *r, const struct death_facts *facts)
{
    if (facts->answered)
        r->deaths_in_a_row = r->kills_in_a_row = r->culprits_in_a_row = r->rest_count = 0;
    switch (facts->kind) {
    case DEATH_CRASH:
    case DEATH_HANG:
        r->deaths_in_a_row++;
        break;
    case DEATH_KILL:
    case DEATH_OOM:
        r->kills_in_a_row++;
        break;
    case DEATH_LEFT:
    case DEATH_ORDER:
        break;
    }
}

static void found_culprit(struct restart *r, struct restart_decision *decision)
{
    forget_suspect(r);
    r->deaths_in_a_row = 0;
    decision->delay_ms = delay_ms(++r->culprits_in_a_row);
}

struct restart_decision restart_on_death(struct restart *r, const struct death_facts *facts, uint32_t random)
{
    struct restart_decision decision = {.verdict = RESTART_GO_ON};
    if (facts->kind == DEATH_LEFT) { /* it served, and went when it was told to */
        *r = (struct restart){0};
        return decision;
    }
    count(r, facts);
    if (blames(facts)) {
        decision.reset_suspect = blame(r, facts);
        decision.suspect = r->suspect;
        if (decision.reset_suspect)
            found_culprit(r, &decision);
    } else if (facts->suspect_cleared) {
        forget_suspect(r);
    } else {
        decision.suspect = r->suspect;
    }
    if (facts->kind == DEATH_KILL || facts->kind == DEATH_OOM) {
        decision.delay_ms = delay_ms(r->kills_in_a_row);
        return decision;
    }
    if (facts->kind == DEATH_ORDER)
        return decision; /* our own doing: no step up the ladder */
    if (r->deaths_in_a_row >= RESTART_REST_COUNT) {
        decision.verdict = RESTART_REST;
        decision.rest_ms = rest_ms(++r->rest_count, random);
    } else if (r->deaths_in_a_row >= RESTART_RESET_ALL_COUNT) {
        decision.verdict = RESTART_RESET_ALL;
    }
    return decision;
}
