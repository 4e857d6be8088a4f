/*
 * Every place where a worker can die, on small cases: one death at each point, and two at each pair of
 * points.
 *
 *   test_socket_deaths                                  all
 *   test_socket_deaths CASE TIMING [POINT [POINT]]      one trial, call by call
 */
#include "tests/support/cmocka_all.h"

#include "tests/model/socket_trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct small_case {
    const char *name;
    struct socket_client_plan clients[2];
    unsigned client_count;
    bool is_unix;
    int64_t idle_timeout_ms;
    unsigned connection_count_max;
    uint32_t order_point;
    enum worker_order order;
    int64_t drain_ms;
    bool single_only; /* too long for every pair of deaths */
};

#define SEND(n)                                                                                              \
    {                                                                                                        \
        CLIENT_SEND, n                                                                                       \
    }
#define URGENT(n)                                                                                            \
    {                                                                                                        \
        CLIENT_SEND_URGENT, n                                                                                \
    }
#define DESCRIPTORS(n)                                                                                       \
    {                                                                                                        \
        CLIENT_SEND_DESCRIPTORS, n                                                                           \
    }
#define AWAIT                                                                                                \
    {                                                                                                        \
        CLIENT_AWAIT, 0                                                                                      \
    }
#define READ(n)                                                                                              \
    {                                                                                                        \
        CLIENT_READ, n                                                                                       \
    }
#define FIN                                                                                                  \
    {                                                                                                        \
        CLIENT_FIN, 0                                                                                        \
    }
#define RESET                                                                                                \
    {                                                                                                        \
        CLIENT_RESET, 0                                                                                      \
    }

static const struct small_case cases[] = {
    {.name = "one_message_then_fin", .client_count = 1, .clients = {{.actions = {SEND(3), AWAIT, FIN}}}},
    {.name = "message_and_fin_at_once", .client_count = 1, .clients = {{.actions = {SEND(3), FIN}}}},
    {.name = "two_messages",
     .client_count = 1,
     .clients = {{.actions = {SEND(2), AWAIT, SEND(3), AWAIT, FIN}}}},
    {.name = "pipelined", .client_count = 1, .clients = {{.actions = {SEND(2), SEND(3), SEND(1), FIN}}}},
    {.name = "fin_alone", .client_count = 1, .clients = {{.actions = {FIN}}}},
    {.name = "reset_alone", .client_count = 1, .clients = {{.actions = {RESET}}}},
    {.name = "reset_with_a_request_outstanding",
     .client_count = 1,
     .clients = {{.actions = {SEND(3), RESET}}}},
    {.name = "half_close_then_reset", .client_count = 1, .clients = {{.actions = {SEND(3), FIN, RESET}}}},
    {.name = "urgent_byte_in_the_middle",
     .client_count = 1,
     .clients = {{.actions = {SEND(2), URGENT(2), SEND(2), AWAIT, FIN}}}},
    {.name = "urgent_byte_last_with_fin",
     .client_count = 1,
     .clients = {{.actions = {SEND(2), URGENT(3), FIN}}}},
    {.name = "full_send_queue",
     .client_count = 1,
     .clients = {{.send_bytes_max = 2, .actions = {SEND(5), AWAIT, FIN}}}},
    {.name = "full_send_queue_half_closed",
     .client_count = 1,
     .clients = {{.send_bytes_max = 3, .actions = {SEND(4), SEND(3), FIN}}}},
    {.name = "slow_reader_half_closed",
     .client_count = 1,
     .clients = {{.send_bytes_max = 2,
                  .window_bytes = 2,
                  .reads_late = true,
                  .actions = {SEND(7), SEND(2), FIN, READ(2)}}}},
    {.name = "slow_reader_urgent",
     .client_count = 1,
     .clients = {{.send_bytes_max = 3,
                  .window_bytes = 1,
                  .reads_late = true,
                  .actions = {SEND(3), URGENT(2), SEND(4), FIN}}}},
    {.name = "narrow_receive_window",
     .client_count = 1,
     .clients = {{.receive_bytes_max = 2, .actions = {SEND(5), FIN}}}},
    {.name = "two_clients",
     .client_count = 2,
     .clients = {{.actions = {SEND(3), AWAIT, FIN}}, {.actions = {SEND(2), FIN}}}},
    {.name = "one_resets_beside_another",
     .client_count = 2,
     .clients = {{.actions = {SEND(3), AWAIT, FIN}}, {.actions = {SEND(2), RESET}}}},
    {.name = "idle_client_is_ended",
     .client_count = 1,
     .clients = {{.may_be_ended = true, .actions = {SEND(3), AWAIT, {CLIENT_READ, 99}, FIN}}},
     .idle_timeout_ms = 300,
     .single_only = true},
    {.name = "full_worker_refuses",
     .client_count = 2,
     .connection_count_max = 1,
     .clients = {{.actions = {SEND(3), AWAIT, FIN}}, {.actions = {SEND(2), AWAIT, FIN}}}},
    {.name = "worker_told_to_leave",
     .client_count = 2,
     .order_point = 60,
     .order = ORDER_LEAVE,
     .clients = {{.actions = {SEND(3), AWAIT, SEND(1), FIN}}, {.actions = {SEND(2), FIN}}}},
    {.name = "drain_until_the_clients_leave",
     .client_count = 2,
     .order_point = 60,
     .order = ORDER_DRAIN,
     .drain_ms = 30000,
     .clients = {{.actions = {SEND(3), AWAIT, SEND(1), FIN}}, {.actions = {SEND(2), FIN}}}},
    {.name = "drain_to_its_deadline",
     .client_count = 1,
     .order_point = 60,
     .order = ORDER_DRAIN,
     .drain_ms = 200,
     .single_only = true,
     .clients = {{.actions = {SEND(3), AWAIT, {CLIENT_READ, 99}, FIN}}}},
    {.name = "more_than_a_chunk",
     .client_count = 1,
     .clients = {{.actions = {SEND(65536 + 10), FIN}}},
     .single_only = true},
    {.name = "whole_chunks_exactly",
     .client_count = 1,
     .clients = {{.actions = {SEND(2 * 65536), AWAIT, FIN}}},
     .single_only = true},
    {.name = "chunks_to_a_slow_reader",
     .client_count = 1,
     .clients = {{.send_bytes_max = 50000, .window_bytes = 9000, .actions = {SEND(150000), FIN}}},
     .single_only = true},
    {.name = "unix_message_then_fin",
     .client_count = 1,
     .clients = {{.actions = {SEND(3), AWAIT, FIN}}},
     .is_unix = true},
    {.name = "unix_message_and_fin_at_once",
     .client_count = 1,
     .clients = {{.actions = {SEND(3), SEND(1), FIN}}},
     .is_unix = true},
    {.name = "unix_full_send_queue",
     .client_count = 1,
     .clients = {{.send_bytes_max = 4, .actions = {SEND(9), AWAIT, FIN}}},
     .is_unix = true},
    {.name = "unix_urgent_byte_in_the_middle",
     .client_count = 1,
     .clients = {{.actions = {SEND(2), URGENT(2), SEND(2), AWAIT, FIN}}},
     .is_unix = true},
    {.name = "unix_urgent_byte_last_with_fin",
     .client_count = 1,
     .clients = {{.actions = {SEND(2), URGENT(3), FIN}}},
     .is_unix = true},
    {.name = "unix_descriptors",
     .client_count = 1,
     .clients = {{.actions = {DESCRIPTORS(2), SEND(2), AWAIT, FIN}}},
     .is_unix = true},
};

#define CASE_COUNT (sizeof cases / sizeof cases[0])

/* When the clients act: in quiet moments only, or at every so many-th point. */
static const struct {
    unsigned step_every;
    bool step_at_death;
} timings[] = {{0, false}, {0, true}, {1, false}, {2, false}, {3, true}, {4, false}, {7, false}};

#ifdef __SANITIZE_ADDRESS__ /* four times slower */
#define TIMING_COUNT 2
#else
#define TIMING_COUNT (sizeof timings / sizeof timings[0])
#endif

static struct trial_plan plan_of(const struct small_case *one, size_t timing)
{
    return (struct trial_plan){
        .clients = one->clients,
        .client_count = one->client_count,
        .is_unix = one->is_unix,
        .idle_timeout_ms = one->idle_timeout_ms,
        .connection_count_max = one->connection_count_max,
        .order_point = one->order_point,
        .order = one->order,
        .drain_ms = one->drain_ms,
        .step_every = timings[timing].step_every,
        .step_at_death = timings[timing].step_at_death,
    };
}

static void run(const struct small_case *one, size_t timing, struct trial_plan *plan,
                struct trial_result *result)
{
    trial_run(plan, false, result);
    if (result->passed)
        return;
    print_message("%s\n      to repeat: %s/tests/test_socket_deaths %s %zu", result->why,
                  getenv("BUILD") ? getenv("BUILD") : "build", one->name, timing);
    for (unsigned i = 0; i < plan->death_count; i++)
        print_message(" %u", plan->death_points[i]);
    print_message("\n");
    fail();
}

/* The n-th death at each point after the (n-1)-th that is reached at all. */
static void die_everywhere(const struct small_case *one, size_t timing, struct trial_plan *plan,
                           uint32_t from)
{
    unsigned n = plan->death_count++;

    for (uint32_t point = from;; point++) {
        struct trial_result result;

        plan->death_points[n] = point;
        run(one, timing, plan, &result);
        if (result.deaths <= n)
            break;
        if (n == 0 && !one->single_only)
            die_everywhere(one, timing, plan, point + 1);
    }
    plan->death_count--;
}

static void small_case__any_one_or_two_deaths__every_byte_once(void **state)
{
    const struct small_case *one = *state;

    for (size_t timing = 0; timing < TIMING_COUNT; timing++) {
        struct trial_plan plan = plan_of(one, timing);
        struct trial_result result;

        run(one, timing, &plan, &result); /* nobody dies */
        die_everywhere(one, timing, &plan, 1);
    }
}

static int repeat(int argc, char **argv)
{
    for (size_t i = 0; i < CASE_COUNT; i++) {
        if (strcmp(cases[i].name, argv[1]) != 0)
            continue;

        struct trial_plan plan = plan_of(&cases[i], (size_t)atoi(argv[2]) % TIMING_COUNT);
        struct trial_result result;

        for (int n = 3; n < argc && n < 3 + TRIAL_DEATH_COUNT_MAX; n++)
            plan.death_points[plan.death_count++] = (uint32_t)atoi(argv[n]);
        trial_run(&plan, true, &result);
        printf("%s\n", result.passed ? "passed" : result.why);
        return !result.passed;
    }
    fprintf(stderr, "no such case: %s\n", argv[1]);
    return 2;
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[CASE_COUNT];

    if (argc > 2)
        return repeat(argc, argv);
    for (size_t i = 0; i < CASE_COUNT; i++) {
        union { /* cmocka hands the state on and never writes it */
            const struct small_case *in;
            void *out;
        } state = {.in = &cases[i]};

        tests[i] = (struct CMUnitTest){.name = cases[i].name,
                                       .test_func = small_case__any_one_or_two_deaths__every_byte_once,
                                       .initial_state = state.out};
    }
    return cmocka_run_group_tests_name("one or two deaths anywhere, every byte once", tests, NULL, NULL);
}
