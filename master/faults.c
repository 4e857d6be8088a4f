#include "master/faults.h"
#include "worker/fault.h"
#include "worker/log.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *faults_build(void)
{
    return FAULT_BUILT_IN ? "built with faults" : "built without faults (FAULTS=0)";
}

/* ---- orders ---- */

static int parse(struct fault_plan *plan, const char *spec, char why[FAULT_WHY_SIZE])
{
    *plan = (struct fault_plan){0};
    if (!FAULT_BUILT_IN) {
        snprintf(why, FAULT_WHY_SIZE, "this program was %s", faults_build());
        return -ENOTSUP;
    }
    return strcmp(spec, FAULTS_OFF) == 0 ? 0 : fault_spec_parse(plan, spec, why);
}

int faults_check(const char *spec, char why[FAULT_WHY_SIZE])
{
    struct fault_plan plan;
    return parse(&plan, spec, why);
}

static uint32_t calls_of(const struct fault_plan *plan)
{
    uint32_t calls = 0;
    for (uint32_t i = 0; i < plan->rule_count; i++)
        calls |= plan->rules[i].calls;
    return calls;
}

/* Disarmed first and armed last: whoever dies in between leaves a server without faults, and readers take no plan of
 * which the number is odd. */
static void publish(struct fault_page *page, const struct fault_plan *plan, const char *spec)
{
    uint32_t number = atomic_load_explicit(&page->number, memory_order_relaxed) | 1;
    atomic_store_explicit(&page->armed, 0, memory_order_relaxed);
    atomic_store_explicit(&page->number, number, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    page->plan = *plan;
    memset(page->spec, 0, sizeof page->spec);
    memcpy(page->spec, spec, strlen(spec));
    atomic_store_explicit(&page->number, number + 1, memory_order_release);
    atomic_store_explicit(&page->armed, calls_of(plan), memory_order_release);
}

int faults_order(struct shared_pages *pages, const char *spec, char why[FAULT_WHY_SIZE])
{
    struct fault_plan plan;
    char quoted[2 * FAULT_SPEC_SIZE];
    int error = parse(&plan, spec, why);
    if (error)
        return error;
    publish(&pages->orders.faults, &plan, plan.rule_count ? spec : "");
    log_quote(quoted, sizeof quoted, spec);
    log_event(LOG_LEVEL_WARN, "event=faults spec=%s", quoted);
    return 0;
}

/* ---- what is told ---- */

static uint64_t sum_of(struct shared_pages *pages, uint32_t slot_limit, enum fault_process process, int call)
{
    uint64_t sum = 0;
    if (process == FAULT_SUPERVISOR)
        return atomic_load(&pages->orders.faults.supervisor_shots[call]);
    for (uint32_t slot = 0; slot < slot_limit && slot < SLOT_COUNT_MAX; slot++) {
        struct board *board = shared_board(pages, slot);
        sum += atomic_load(process == FAULT_WORKER ? &board->worker_shots[call] : &board->keeper_shots[call]);
    }
    return sum;
}

static json_t *shots_json(struct shared_pages *pages, uint32_t slot_limit)
{
    json_t *list = json_array();
    for (int call = 0; call < FAULT_CALL_COUNT; call++)
        for (int process = 0; process < FAULT_PROCESS_COUNT; process++) {
            uint64_t sum = sum_of(pages, slot_limit, (enum fault_process)process, call);
            if (sum > 0)
                json_array_append_new(list, json_pack("{ss ss sI}", "call", fault_descriptions[call].name,
                                                      "process", fault_process_names[process], "count",
                                                      (json_int_t)sum));
        }
    return list;
}

json_t *faults_json(struct shared_pages *pages, uint32_t slot_limit)
{
    if (!FAULT_BUILT_IN)
        return json_null();
    return json_pack("{ss so}", "spec", pages->orders.faults.spec, "shots", shots_json(pages, slot_limit));
}
