#include "worker/fault_plan.h"
#include <stdbool.h>

#define BY_WORKER     (1u << FAULT_WORKER)
#define BY_KEEPER     (1u << FAULT_KEEPER)
#define BY_SUPERVISOR (1u << FAULT_SUPERVISOR)
#define SIZED         FAULT_SIZED
#define EDGE          FAULT_EDGE

const struct fault_description fault_descriptions[FAULT_CALL_COUNT] = {
#define FAULT(name, makers, traits, sentence) {#name, makers, traits, sentence},
#include "worker/faults.def"
#undef FAULT
};

const char *const fault_process_names[FAULT_PROCESS_COUNT] = {
    [FAULT_WORKER] = "worker", [FAULT_KEEPER] = "keeper", [FAULT_SUPERVISOR] = "supervisor"};

/* ---- chance ---- */

/* splitmix64 (Steele, Lea, Flood 2014): every seed is as good as any other. */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t chance_of(const struct fault_gun *gun, uint64_t seed)
{
    uint64_t state = seed;
    state = next(&state) ^ (uint64_t)gun->process;
    state = next(&state) ^ gun->slot;
    state = next(&state) ^ gun->generation;
    return next(&state);
}

/* ---- the gun ---- */

static bool can_be(const struct fault_plan *plan)
{
    bool good = plan->rule_count <= FAULT_RULE_COUNT_MAX;
    for (uint32_t i = 0; good && i < plan->rule_count; i++)
        good = plan->rules[i].one_in > 0 && plan->rules[i].kind < FAULT_KIND_COUNT;
    return good;
}

void fault_gun_load(struct fault_gun *gun, const struct fault_plan *plan, uint32_t number)
{
    gun->number = number;
    gun->plan = *plan;
    if (!can_be(&gun->plan))
        gun->plan.rule_count = 0;
    gun->chance = chance_of(gun, gun->plan.seed);
}

static bool fires(const struct fault_gun *gun)
{
    const struct fault_plan *plan = &gun->plan;
    if (!(plan->processes & 1u << gun->process))
        return false;
    return plan->slot < 0 || (gun->process != FAULT_SUPERVISOR && (unsigned)plan->slot == gun->slot);
}

const struct fault_rule *fault_gun_aim(struct fault_gun *gun, enum fault_call call, size_t size)
{
    for (uint32_t i = 0; fires(gun) && i < gun->plan.rule_count; i++) {
        const struct fault_rule *rule = &gun->plan.rules[i];
        bool concerns = rule->calls & 1u << call && (rule->kind != FAULT_SHORT || size > 1);
        if (concerns && next(&gun->chance) % rule->one_in == 0)
            return rule;
    }
    return NULL;
}

size_t fault_gun_shorten(struct fault_gun *gun, const struct fault_rule *rule, size_t size)
{
    size_t most = rule->value && rule->value < size ? rule->value : size - 1;
    return rule->value ? most : 1 + (size_t)(next(&gun->chance) % most);
}
