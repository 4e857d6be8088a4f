/* wrap: client_open client_send client_close client_fail client_note uv_hrtime calloc */
/* The control group alone: its clients are stood in for, and time is the test's own. */
#include "loadtool/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loadtool/limits.h"
#include "tests/support/cmocka_all.h"

enum { CLIENTS = 3, CLIENTS_MAX = 150, MESSAGE_BYTES = 100, MS = 1000000 };

static struct {
    uint64_t now_ns;
    struct client_world world;
    struct load load;
    struct budget budget;
    struct histogram latency;
    struct outcome_control counts;
    struct control_group group;
    int sends[CLIENTS_MAX]; /* messages that each client was told to begin */
    int notes;
    enum fault noted;
    bool no_memory;
} trial;

/* ---- in place of client.c ---- */

static uint32_t place_of(const struct client *client)
{
    return ((const struct control *)client->owner)->pace.place;
}

void __wrap_client_open(struct client *client, struct client_world *world, const struct client_events *events,
                        uint64_t serial);
void __wrap_client_open(struct client *client, struct client_world *world, const struct client_events *events,
                        uint64_t serial)
{
    assert_int_equal(client->state, CLIENT_FREE);
    client->world = world;
    client->events = events;
    client->state = CLIENT_CONNECTING;
    client->serial = serial;
    client->since_ns = trial.now_ns;
}

void __wrap_client_send(struct client *client, uint64_t count);
void __wrap_client_send(struct client *client, uint64_t count)
{
    assert_int_equal(client->state, CLIENT_OPEN);
    assert_int_equal(count, 1);
    if (!client_is_waiting(client))
        client->since_ns = trial.now_ns;
    client->begun_count++;
    client->reply_end += MESSAGE_BYTES;
    assert_in_range(client_outstanding_count(client), 1, trial.load.depth == 0 ? 1 : trial.load.depth);
    trial.sends[place_of(client)]++;
}

void __wrap_client_close(struct client *client);
void __wrap_client_close(struct client *client)
{
    client->state = CLIENT_CLOSING;
}

void __wrap_client_note(struct client *client, enum fault fault, enum where where, const char *what);
void __wrap_client_note(struct client *client, enum fault fault, enum where where, const char *what)
{
    (void)client;
    (void)where;
    assert_non_null(what);
    trial.noted = fault;
    trial.notes++;
}

static void end(uint32_t place, enum fault fault)
{
    struct client *client = &trial.group.list[place].client;

    client->state = CLIENT_CLOSING;
    client->since_ns = 0;
    client->events->ended(client, fault, WHERE_REPLY);
    client->state = CLIENT_FREE;
    client->events->closed(client);
}

void __wrap_client_fail(struct client *client, enum fault fault, enum where where, const char *what);
void __wrap_client_fail(struct client *client, enum fault fault, enum where where, const char *what)
{
    __wrap_client_note(client, fault, where, what);
    end(place_of(client), fault);
}

uint64_t __wrap_uv_hrtime(void);
uint64_t __wrap_uv_hrtime(void)
{
    return trial.now_ns;
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return trial.no_memory ? NULL : __real_calloc(count, size);
}

/* ---- what happens to clients ---- */

static struct control *at(uint32_t place)
{
    return &trial.group.list[place];
}

static void connect_one(uint32_t place)
{
    struct client *client = &at(place)->client;

    assert_int_equal(client->state, CLIENT_CONNECTING);
    client->state = CLIENT_OPEN;
    client->was_opened = true;
    client->since_ns = 0;
    client->events->opened(client);
}

/* So many replies come at once. */
static void answer_many(uint32_t place, uint64_t count, uint64_t right)
{
    struct client *client = &at(place)->client;

    assert_true(client_outstanding_count(client) >= count);
    client->silence_ns = client_silence_ns(client, trial.now_ns);
    client->answered_count += count;
    client->answered += count * MESSAGE_BYTES;
    client->since_ns = client_is_waiting(client) ? trial.now_ns : 0;
    trial.world.now_ns = trial.now_ns;
    client->events->answered(client, count, right);
}

static void answer(uint32_t place, uint64_t right)
{
    answer_many(place, 1, right);
}

static void pass_ms(uint64_t ms)
{
    trial.now_ns += ms * MS;
}

static int make(uint32_t count)
{
    trial.group = (struct control_group){.world = &trial.world,
                                         .load = &trial.load,
                                         .latency = &trial.latency,
                                         .counts = &trial.counts,
                                         .timeout_ns = 50 * MS,
                                         .connect_timeout_ns = 20 * MS};
    trial.load.places = count;
    return control_init(&trial.group, count);
}

static int fresh(void **state)
{
    (void)state;
    memset(&trial, 0, sizeof(trial));
    trial.now_ns = 1000ULL * MS;
    trial.load = (struct load){.flows = true, .begin_ns = trial.now_ns};
    histogram_init(&trial.latency);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    control_free(&trial.group);
    return 0;
}

/* Every client of the group connected, and answered once: nobody waits. */
static void settle_all(uint32_t count)
{
    assert_int_equal(make(count), 0);
    (void)control_ramp(&trial.group);
    for (uint32_t i = 0; i < count; i++) {
        connect_one(i);
        answer(i, 1);
    }
    assert_true(control_ramp(&trial.group));
}

/* ---- the group ---- */

static void init__no_memory__is_told_and_can_be_freed(void **state)
{
    (void)state;
    trial.no_memory = true;
    assert_int_equal(make(CLIENTS), -ENOMEM);
    trial.no_memory = false;
    control_free(&trial.group);
    assert_null(trial.group.list);
}

static void free__twice__leaves_an_empty_group(void **state)
{
    (void)state;
    settle_all(CLIENTS);
    control_free(&trial.group);
    control_free(&trial.group);
    assert_int_equal(trial.group.count, 0);
}

static void group__empty__is_settled_dead_and_lacks_nothing(void **state)
{
    uint64_t silences[1];

    (void)state;
    assert_int_equal(make(0), 0);
    assert_true(control_ramp(&trial.group));
    control_start(&trial.group);
    control_sweep(&trial.group, trial.now_ns);
    assert_false(control_is_alive(&trial.group));
    assert_int_equal(control_prove(&trial.group), 0);
    assert_int_equal(control_waiting_count(&trial.group), 0);
    assert_int_equal(control_list_silences_ns(&trial.group, silences), 0);
    control_close_all(&trial.group);
}

/* ---- the ramp ---- */

static void ramp__more_clients_than_may_be_on_their_way__each_settled_one_makes_room(void **state)
{
    (void)state;
    assert_int_equal(make(CLIENTS_MAX), 0);
    assert_false(control_ramp(&trial.group));
    assert_int_equal(trial.group.opened_count, LIMIT_RAMP_CLIENTS);
    assert_false(control_ramp(&trial.group));
    assert_int_equal(trial.group.opened_count, LIMIT_RAMP_CLIENTS);
    connect_one(0);
    assert_int_equal(trial.group.opened_count, LIMIT_RAMP_CLIENTS); /* connected is not answered */
    answer(0, 1);
    assert_int_equal(trial.group.opened_count, LIMIT_RAMP_CLIENTS + 1);
}

static void ramp__answered_gone_or_too_late__is_over(void **state)
{
    (void)state;
    assert_int_equal(make(CLIENTS), 0);
    assert_false(control_ramp(&trial.group));
    connect_one(0);
    answer(0, 1);
    end(1, FAULT_REFUSED);
    connect_one(2);
    assert_false(control_ramp(&trial.group));
    pass_ms(51);
    control_sweep(&trial.group, trial.now_ns);
    assert_true(control_ramp(&trial.group));
    answer(2, 1); /* late: it is not settled twice */
    assert_true(control_ramp(&trial.group));
    assert_int_equal(trial.group.unsettled_count, 0);
    assert_int_equal(trial.group.answered_count, 2);
    assert_int_equal(trial.group.gone_count, 1);
}

static void ramp__answered__says_nothing_more_till_the_start(void **state)
{
    (void)state;
    settle_all(CLIENTS);
    for (uint32_t i = 0; i < CLIENTS; i++)
        assert_int_equal(trial.sends[i], 1);
    control_start(&trial.group);
    for (uint32_t i = 0; i < CLIENTS; i++)
        assert_int_equal(trial.sends[i], 2);
}

static void start__who_waits_or_is_gone__is_let_be(void **state)
{
    (void)state;
    assert_int_equal(make(CLIENTS), 0);
    (void)control_ramp(&trial.group);
    connect_one(0);
    end(1, FAULT_REFUSED);
    connect_one(2);
    answer(2, 1);
    control_start(&trial.group);
    assert_int_equal(trial.sends[0], 1);
    assert_int_equal(trial.sends[1], 0);
    assert_int_equal(trial.sends[2], 2);
}

/* ---- the load ---- */

static void closed_loop__answered__sends_at_once_and_latency_is_from_then(void **state)
{
    (void)state;
    settle_all(1);
    control_start(&trial.group);
    pass_ms(7);
    answer(0, 1);
    assert_int_equal(trial.sends[0], 3);
    pass_ms(3);
    answer(0, 1);
    assert_int_equal(trial.group.answered_count, 1); /* clients, not messages */
    assert_int_equal(trial.latency.count, 3);
    assert_int_equal(trial.latency.max_ns, 7 * MS);
}

static void closed_loop__load_has_ceased__sends_no_more(void **state)
{
    (void)state;
    settle_all(1);
    control_start(&trial.group);
    trial.load.flows = false;
    answer(0, 1);
    assert_int_equal(trial.sends[0], 2);
}

/* A reply that is late delays no arrival: the next one's latency counts from when it was due. */
static void open_loop__reply_is_late__next_is_sent_then_and_was_due_before(void **state)
{
    (void)state;
    trial.load.rate_per_s = 100; /* one each 10 ms */
    settle_all(1);
    control_start(&trial.group);
    assert_int_equal(trial.sends[0], 1); /* nothing is due yet */
    control_arrival(&trial.group, 0, trial.now_ns);
    assert_int_equal(trial.sends[0], 2);
    pass_ms(10);
    control_arrival(&trial.group, 0, trial.now_ns); /* it still waits */
    assert_int_equal(trial.sends[0], 2);
    pass_ms(20);
    answer(0, 1);
    assert_int_equal(trial.latency.max_ns, 30 * MS);
    assert_int_equal(trial.sends[0], 3);
    pass_ms(15);
    answer(0, 1); /* sent 15 ms ago, due 35 ms ago */
    assert_int_equal(trial.latency.max_ns, 35 * MS);
    assert_int_equal(trial.sends[0], 3);
}

static void open_loop__arrival_during_the_ramp__is_sent_at_its_end(void **state)
{
    (void)state;
    trial.load.rate_per_s = 100;
    settle_all(1);
    control_arrival(&trial.group, 0, trial.now_ns);
    assert_int_equal(trial.sends[0], 1);
    control_start(&trial.group);
    assert_int_equal(trial.sends[0], 2);
}

static void open_loop__client_is_gone__arrival_is_not_sent(void **state)
{
    (void)state;
    trial.load.rate_per_s = 100;
    settle_all(1);
    control_start(&trial.group);
    end(0, FAULT_RESET);
    control_arrival(&trial.group, 0, trial.now_ns);
    assert_int_equal(trial.sends[0], 1);
    assert_int_equal(trial.load.arrivals.missed, 1);
    assert_int_equal(control_pending_count(&trial.group), 0);
}

static void budget__spent__nobody_sends_and_the_refused_one_gives_its_message_back(void **state)
{
    (void)state;
    assert_int_equal(make(CLIENTS), 0);
    schedule_fill(&trial.budget, 4, CLIENTS);
    trial.load.budget = &trial.budget;
    (void)control_ramp(&trial.group);
    end(0, FAULT_REFUSED);
    for (uint32_t i = 1; i < CLIENTS; i++) {
        connect_one(i);
        answer(i, 1);
    }
    assert_int_equal(trial.budget.left, 2);
    control_start(&trial.group);
    for (uint32_t i = 1; i < CLIENTS; i++)
        answer(i, 1);
    assert_int_equal(trial.sends[1] + trial.sends[2], 4);
    assert_int_equal(trial.budget.left, 0);
}

static void budget__client_ends_after_its_first_message__gives_nothing_back(void **state)
{
    (void)state;
    assert_int_equal(make(CLIENTS), 0);
    schedule_fill(&trial.budget, CLIENTS, CLIENTS);
    trial.load.budget = &trial.budget;
    (void)control_ramp(&trial.group);
    connect_one(0);
    answer(0, 1);
    connect_one(1);
    end(1, FAULT_RESET);
    control_start(&trial.group);
    assert_int_equal(trial.sends[0], 1); /* what is left is client 2's */
    connect_one(2);
    assert_int_equal(trial.budget.left, 0);
}

/* ---- ends ---- */

static void end__of_each_kind__is_counted_as_what_it_was(void **state)
{
    (void)state;
    assert_int_equal(make(4), 0);
    (void)control_ramp(&trial.group);
    end(0, FAULT_REFUSED);
    connect_one(1);
    end(1, FAULT_CLOSED);
    for (uint32_t i = 2; i < 4; i++) {
        connect_one(i);
        end(i, FAULT_RESET);
    }
    assert_int_equal(trial.counts.clients, 4);
    assert_int_equal(trial.counts.refused, 1);
    assert_int_equal(trial.counts.lost, 3);
    assert_int_equal(trial.counts.closed, 1);
    assert_int_equal(trial.counts.reset, 2);
    assert_int_equal(trial.group.gone_count, 4);
    assert_true(at(0)->is_gone && at(1)->is_gone && at(2)->is_gone);
    assert_false(control_is_alive(&trial.group));
}

/* ---- patience ---- */

static void sweep__connects_too_long__is_refused(void **state)
{
    (void)state;
    assert_int_equal(make(1), 0);
    (void)control_ramp(&trial.group);
    pass_ms(20);
    control_sweep(&trial.group, trial.now_ns);
    assert_int_equal(trial.counts.refused, 0);
    pass_ms(1);
    control_sweep(&trial.group, trial.now_ns);
    assert_int_equal(trial.counts.refused, 1);
    assert_int_equal(trial.noted, FAULT_TIMEOUT);
    assert_true(control_ramp(&trial.group));
}

/* It is a number of clients, not of waits; and what becomes of the connection is still of interest. */
static void sweep__waits_too_long_twice__is_counted_once_and_not_closed(void **state)
{
    (void)state;
    settle_all(1);
    control_start(&trial.group);
    for (int wait = 0; wait < 2; wait++) {
        pass_ms(50);
        control_sweep(&trial.group, trial.now_ns);
        assert_true(control_is_alive(&trial.group));
        assert_int_equal(control_waiting_count(&trial.group), 1);
        pass_ms(1);
        control_sweep(&trial.group, trial.now_ns);
        control_sweep(&trial.group, trial.now_ns);
        assert_false(control_is_alive(&trial.group));
        assert_int_equal(control_waiting_count(&trial.group), 0);
        assert_int_equal(trial.counts.unanswered, 1);
        assert_int_equal(trial.notes, 1);
        assert_int_equal(at(0)->client.state, CLIENT_OPEN);
        answer(0, 1);
        assert_true(control_is_alive(&trial.group));
    }
    assert_int_equal(trial.noted, FAULT_UNANSWERED);
}

/* ---- proofs ---- */

static void prove__idle_clients__send_and_lack_it_till_answered(void **state)
{
    (void)state;
    settle_all(CLIENTS);
    trial.group.part = PART_AFTER;
    assert_int_equal(control_prove(&trial.group), CLIENTS);
    assert_int_equal(control_prove(&trial.group), CLIENTS);
    for (uint32_t i = 0; i < CLIENTS; i++)
        assert_int_equal(trial.sends[i], 2); /* once, not at each question */
    answer(0, 1);
    assert_int_equal(control_prove(&trial.group), CLIENTS - 1);
    assert_int_equal(control_lacking_count(&trial.group, PART_AFTER), CLIENTS - 1);
    assert_int_equal(control_lacking_count(&trial.group, PART_BEFORE), 0);
}

static void prove__reply_to_a_message_of_before__is_none(void **state)
{
    (void)state;
    settle_all(1);
    control_start(&trial.group);
    trial.load.flows = false;
    trial.group.part = PART_BETWEEN;
    answer(0, 1); /* begun in the part before */
    assert_int_equal(control_lacking_count(&trial.group, PART_BETWEEN), 1);
    assert_int_equal(control_prove(&trial.group), 1);
    answer(0, 1);
    assert_int_equal(control_prove(&trial.group), 0);
    assert_int_equal(control_lacking_count(&trial.group, PART_BETWEEN), 0);
}

static void prove__reply_in_a_later_part__is_none_of_the_earlier(void **state)
{
    (void)state;
    assert_int_equal(make(1), 0);
    (void)control_ramp(&trial.group);
    connect_one(0);
    trial.group.part = PART_BETWEEN;
    answer(0, 1);
    assert_int_equal(control_lacking_count(&trial.group, PART_BEFORE), 1);
}

static void prove__wrong_reply__ends_the_waiting_and_is_no_proof(void **state)
{
    (void)state;
    settle_all(1);
    trial.group.part = PART_AFTER;
    assert_int_equal(control_prove(&trial.group), 1);
    answer(0, 0);
    assert_int_equal(control_prove(&trial.group), 0);
    assert_int_equal(control_lacking_count(&trial.group, PART_AFTER), 1);
}

static void prove__right_reply_before_a_wrong_one__stays_a_proof(void **state)
{
    (void)state;
    settle_all(1);
    control_start(&trial.group);
    answer(0, 0);
    assert_int_equal(control_lacking_count(&trial.group, PART_BEFORE), 0);
}

static void prove__who_is_gone_or_waits_too_long__is_not_waited_for(void **state)
{
    (void)state;
    settle_all(CLIENTS);
    trial.group.part = PART_AFTER;
    end(0, FAULT_CLOSED);
    assert_int_equal(control_prove(&trial.group), 2);
    answer(1, 1);
    pass_ms(51);
    control_sweep(&trial.group, trial.now_ns);
    assert_int_equal(control_prove(&trial.group), 0);
    assert_int_equal(control_lacking_count(&trial.group, PART_AFTER), 1); /* client 2, which is still there */
}

/* ---- looking at it ---- */

static void silences__of_all_that_had_a_connection__sorted(void **state)
{
    uint64_t silences[4] = {0};

    (void)state;
    assert_int_equal(make(4), 0);
    (void)control_ramp(&trial.group);
    end(3, FAULT_REFUSED);
    for (uint32_t i = 0; i < 3; i++)
        connect_one(i);
    pass_ms(5);
    answer(1, 1);
    pass_ms(4);
    answer(0, 1);
    pass_ms(3); /* client 2 waits yet */
    assert_int_equal(control_list_silences_ns(&trial.group, silences), 3);
    assert_int_equal(silences[0], 5 * MS);
    assert_int_equal(silences[1], 9 * MS);
    assert_int_equal(silences[2], 12 * MS);
}

static void close_all__whoever_was_begun__is_closed(void **state)
{
    (void)state;
    settle_all(CLIENTS);
    control_close_all(&trial.group);
    for (uint32_t i = 0; i < CLIENTS; i++)
        assert_int_equal(at(i)->client.state, CLIENT_CLOSING);
    assert_false(control_is_alive(&trial.group));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fresh, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(init__no_memory__is_told_and_can_be_freed),
        TEST(free__twice__leaves_an_empty_group),
        TEST(group__empty__is_settled_dead_and_lacks_nothing),
        TEST(ramp__more_clients_than_may_be_on_their_way__each_settled_one_makes_room),
        TEST(ramp__answered_gone_or_too_late__is_over),
        TEST(ramp__answered__says_nothing_more_till_the_start),
        TEST(start__who_waits_or_is_gone__is_let_be),
        TEST(closed_loop__answered__sends_at_once_and_latency_is_from_then),
        TEST(closed_loop__load_has_ceased__sends_no_more),
        TEST(open_loop__reply_is_late__next_is_sent_then_and_was_due_before),
        TEST(open_loop__arrival_during_the_ramp__is_sent_at_its_end),
        TEST(open_loop__client_is_gone__arrival_is_not_sent),
        TEST(budget__spent__nobody_sends_and_the_refused_one_gives_its_message_back),
        TEST(budget__client_ends_after_its_first_message__gives_nothing_back),
        TEST(end__of_each_kind__is_counted_as_what_it_was),
        TEST(sweep__connects_too_long__is_refused),
        TEST(sweep__waits_too_long_twice__is_counted_once_and_not_closed),
        TEST(prove__idle_clients__send_and_lack_it_till_answered),
        TEST(prove__reply_to_a_message_of_before__is_none),
        TEST(prove__reply_in_a_later_part__is_none_of_the_earlier),
        TEST(prove__wrong_reply__ends_the_waiting_and_is_no_proof),
        TEST(prove__right_reply_before_a_wrong_one__stays_a_proof),
        TEST(prove__who_is_gone_or_waits_too_long__is_not_waited_for),
        TEST(silences__of_all_that_had_a_connection__sorted),
        TEST(close_all__whoever_was_begun__is_closed),
    };

    return cmocka_run_group_tests_name("loadtool control", tests, NULL, NULL);
}
