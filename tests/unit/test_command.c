/* Requests at the control socket become operations and answers; the requests themselves are played by the
 * test. */
/* wrap: request_reload request_scale request_restart request_upgrade */
/* wrap: request_drain request_stop feed status_json */
#include "tests/support/cmocka_all.h"

#include "master/command.h"
#include "master/faults.h"
#include "master/reactor_state.h"
#include "master/request.h"
#include "master/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { NUMBER = 12 };

static struct reactor reactor;
static struct control_client client;
static char out[4096];
static char asked[64];
static bool no_memory;

uint32_t __wrap_request_reload(struct reactor *r);
uint32_t __wrap_request_scale(struct reactor *r, uint32_t count);
uint32_t __wrap_request_restart(struct reactor *r, uint32_t slot);
uint32_t __wrap_request_upgrade(struct reactor *r, const char *path);
uint32_t __wrap_request_drain(struct reactor *r, bool on);
void __wrap_request_stop(struct reactor *r);
void __wrap_feed(struct reactor *r, const struct supervisor_event *event);
json_t *__wrap_status_json(struct reactor *r);

static uint32_t note(struct reactor *r, const char *what, const char *operand)
{
    assert_ptr_equal(r, &reactor);
    snprintf(asked, sizeof asked, "%s %s", what, operand);
    return NUMBER;
}

static uint32_t note_number(struct reactor *r, const char *what, uint32_t number)
{
    char text[16];

    snprintf(text, sizeof text, "%u", number);
    return note(r, what, text);
}

uint32_t __wrap_request_reload(struct reactor *r)
{
    return note(r, "reload", "");
}

uint32_t __wrap_request_scale(struct reactor *r, uint32_t count)
{
    return note_number(r, "scale", count);
}

uint32_t __wrap_request_restart(struct reactor *r, uint32_t slot)
{
    return note_number(r, "restart", slot);
}

uint32_t __wrap_request_upgrade(struct reactor *r, const char *path)
{
    return note(r, "upgrade", path ? path : "(same)");
}

uint32_t __wrap_request_drain(struct reactor *r, bool on)
{
    return note(r, "drain", on ? "on" : "off");
}

void __wrap_request_stop(struct reactor *r)
{
    note(r, "stop", "");
}

void __wrap_feed(struct reactor *r, const struct supervisor_event *event)
{
    note_number(r, "feed", event->kind);
}

json_t *__wrap_status_json(struct reactor *r)
{
    assert_ptr_equal(r, &reactor);
    return no_memory ? NULL : json_pack("{sf}", "answer", 0.933);
}

static int begin(void **state)
{
    (void)state;
    memset(&reactor, 0, sizeof reactor);
    client = (struct control_client){.fd = -1, .out = out, .out_size = sizeof out};
    asked[0] = '\0';
    no_memory = false;
    return 0;
}

static void ask(const char *line)
{
    struct control_calls calls = command_calls(&reactor);
    struct control_request request;
    char why[CONTROL_SENTENCE_SIZE];

    client.out_bytes = 0;
    assert_int_equal(control_request_parse(&request, line, why), 0);
    calls.answer(calls.context, &client, &request);
}

static void expect(const char *what, enum control_waits waits, const char *said)
{
    assert_string_equal(asked, what);
    assert_int_equal(client.waits, waits);
    assert_int_equal(client.out_bytes, strlen(said));
    assert_memory_equal(client.out, said, client.out_bytes);
}

static void operations__each_begun_and_waited_for(void **state)
{
    static const char *const pairs[][2] = {
        {"reload", "reload "},         {"scale 8", "scale 8"},           {"restart 3", "restart 3"},
        {"upgrade", "upgrade (same)"}, {"upgrade /a b", "upgrade /a b"}, {"drain", "drain on"},
        {"drain off", "drain off"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        client.waits = WAITS_FOR_NOTHING;
        ask(pairs[i][0]);
        expect(pairs[i][1], WAITS_FOR_OPERATION, "attempt 12\n");
        assert_int_equal(client.operation, NUMBER);
    }
}

static void wait__attaches_to_that_number_and_asks_for_nothing(void **state)
{
    (void)state;
    ask("wait 5");
    expect("", WAITS_FOR_OPERATION, "attempt 5\n");
    assert_int_equal(client.operation, 5);
}

static void find__by_number(void **state)
{
    struct control_calls calls = command_calls(&reactor);

    (void)state;
    operation_begin(&reactor.state.operations, OPERATION_SCALE, 4);
    assert_int_equal(calls.find(calls.context, 1)->goal, 4);
    assert_null(calls.find(calls.context, 2));
}

static void stop__running__asked_for_once_and_never_roughly(void **state)
{
    (void)state;
    ask("stop");
    expect("stop ", WAITS_FOR_END, "");
    asked[0] = '\0';
    reactor.state.stage = STAGE_DRAINING;
    ask("stop");
    expect("", WAITS_FOR_END, "");
}

static void stop_now__at_any_time__at_once(void **state)
{
    char wanted[64];

    (void)state;
    reactor.state.stage = STAGE_DRAINING;
    snprintf(wanted, sizeof wanted, "feed %d", SUPERVISOR_STOP_NOW);
    ask("stop now");
    expect(wanted, WAITS_FOR_END, "");
}

static void status__json_and_the_end(void **state)
{
    (void)state;
    ask("status");
    expect("", WAITS_FOR_NOTHING, "json {\"answer\":0.933}\nend 0\n");
}

static void status__no_memory__said(void **state)
{
    (void)state;
    no_memory = true;
    ask("status");
    expect("", WAITS_FOR_NOTHING, "end 1 the server has no memory for the answer\n");
}

static void incidents__from_the_shared_pages(void **state)
{
    (void)state;
    reactor.pages = aligned_alloc(BOARD_BYTES, sizeof *reactor.pages);
    assert_non_null(reactor.pages);
    memset(reactor.pages, 0, sizeof *reactor.pages);
    ask("incidents");
    expect("", WAITS_FOR_NOTHING, "json {\"schema\":1,\"incidents\":[]}\nend 0\n");
    free(reactor.pages);
}

static void log__level__changed_at_once(void **state)
{
    (void)state;
    log_init(-1, LOG_LEVEL_INFO);
    ask("log debug");
    assert_int_equal(log_level(), LOG_LEVEL_DEBUG);
    expect("", WAITS_FOR_NOTHING, "end 0 the level is debug until a reload changes it\n");
}

static void fault__on_off_and_bad__done_or_why(void **state)
{
    char why[FAULT_WHY_SIZE];

    (void)state;
    reactor.pages = aligned_alloc(alignof(struct shared_pages), sizeof *reactor.pages);
    assert_non_null(reactor.pages);
    memset(reactor.pages, 0, sizeof *reactor.pages);
    if (faults_check("send:EINTR:1/2", why) == 0) {
        ask("fault send:EINTR:1/2");
        expect("", WAITS_FOR_NOTHING, "end 0\n");
        assert_int_equal(reactor.pages->orders.faults.armed, 1u << FAULT_send);
        ask("fault send:EINTR");
        expect("", WAITS_FOR_NOTHING,
               "end 64 \"send:EINTR\": \"\": a rate from 1/1 to 1/1000000 is accepted\n");
        ask("fault off");
        assert_int_equal(reactor.pages->orders.faults.armed, 0);
    } else {
        ask("fault off");
        expect("", WAITS_FOR_NOTHING, "end 1 this program was built without faults (FAULTS=0)\n");
    }
    free(reactor.pages);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup(test, begin)
    const struct CMUnitTest tests[] = {
        TEST(operations__each_begun_and_waited_for),
        TEST(wait__attaches_to_that_number_and_asks_for_nothing),
        TEST(find__by_number),
        TEST(stop__running__asked_for_once_and_never_roughly),
        TEST(stop_now__at_any_time__at_once),
        TEST(status__json_and_the_end),
        TEST(status__no_memory__said),
        TEST(incidents__from_the_shared_pages),
        TEST(log__level__changed_at_once),
        TEST(fault__on_off_and_bad__done_or_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
