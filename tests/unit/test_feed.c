/* What the supervisor remembers beyond its death: stored before any action, in two copies. */
/* wrap: act */
#include "tests/support/cmocka_all.h"

#include "master/reactor_state.h"
#include "worker/heritage.h"

#include <sys/mman.h>
#include <unistd.h>

static struct reactor reactor, successor;
static unsigned action_count;
static bool stored_before_acting;

void __wrap_act(struct reactor *r, const struct supervisor_action *action);

void __wrap_act(struct reactor *r, const struct supervisor_action *action)
{
    (void)action;
    action_count++;
    successor.pages = r->pages;
    stored_before_acting = feed_load_memory(&successor) && successor.state.stage == r->state.stage;
}

static int begin(void **state)
{
    (void)state;
    action_count = 0;
    stored_before_acting = false;
    supervisor_init(&reactor.state, 2, true, 8000, 7);
    return shared_pages_create(&reactor.pages);
}

static int end(void **state)
{
    (void)state;
    munmap(reactor.pages, sizeof *reactor.pages);
    return close(FD_SHARED);
}

static void feed__first_event__stored_before_anything_is_done(void **state)
{
    (void)state;
    feed(&reactor, &(struct supervisor_event){.kind = SUPERVISOR_START});
    assert_int_equal(action_count, 2); /* a first keeper for each slot */
    assert_true(stored_before_acting);
    assert_int_equal(atomic_load(&reactor.pages->orders.slot_limit), 2);
}

static void feed__next_event__into_the_other_copy(void **state)
{
    (void)state;
    feed(&reactor, &(struct supervisor_event){.kind = SUPERVISOR_START});
    uint32_t first = atomic_load(&reactor.pages->orders.memory_current);
    feed(&reactor, &(struct supervisor_event){.kind = SUPERVISOR_STOP_NOW});
    uint32_t second = atomic_load(&reactor.pages->orders.memory_current);
    assert_int_not_equal(first, second);
    successor.pages = reactor.pages;
    assert_true(feed_load_memory(&successor));
    assert_int_equal(successor.state.stage, STAGE_ENDING);
    assert_memory_equal(&successor.state, &reactor.state, sizeof reactor.state);
}

static void load__settings_changed_by_a_reload__the_successor_goes_on_with_them(void **state)
{
    (void)state;
    reactor.settings = (struct service_settings){.number = 3, .hang_timeout_ms = 700};
    feed(&reactor, &(struct supervisor_event){.kind = SUPERVISOR_START});
    successor = (struct reactor){.pages = reactor.pages};
    assert_true(feed_load_memory(&successor));
    assert_int_equal(successor.settings.number, 3);
    assert_int_equal(successor.settings.hang_timeout_ms, 700);
}

static void load__nothing_stored_or_a_wild_number__none(void **state)
{
    (void)state;
    assert_false(feed_load_memory(&reactor));
    atomic_store(&reactor.pages->orders.memory_current, 3);
    assert_false(feed_load_memory(&reactor));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(feed__first_event__stored_before_anything_is_done, begin, end),
        cmocka_unit_test_setup_teardown(feed__next_event__into_the_other_copy, begin, end),
        cmocka_unit_test_setup_teardown(load__settings_changed_by_a_reload__the_successor_goes_on_with_them,
                                        begin, end),
        cmocka_unit_test_setup_teardown(load__nothing_stored_or_a_wild_number__none, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
