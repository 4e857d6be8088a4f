/* wrap: calloc */
#include "loadtool/think.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loadtool/units.h"
#include "tests/support/cmocka_all.h"

enum { PLACES = 50, RESTS = 4 };

static bool is_failing;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return is_failing ? NULL : __real_calloc(count, size);
}

static struct {
    uv_loop_t loop;
    struct think think;
    uint64_t begun_ns[PLACES];
    uint32_t over[PLACES];
    bool was_early;
} trial;

static void on_over(void *owner, uint32_t place, uint64_t due_ns)
{
    assert_ptr_equal(owner, &trial);
    trial.was_early = trial.was_early || due_ns - trial.begun_ns[place] < trial.think.min_ns;
    if (++trial.over[place] == RESTS)
        return;
    trial.begun_ns[place] = due_ns;
    think_rest(&trial.think, place, due_ns);
}

static int fresh(void **state)
{
    (void)state;
    memset(&trial, 0, sizeof(trial));
    is_failing = false;
    trial.think = (struct think){
        .seed = 3, .min_ns = 2 * NS_PER_MS, .max_ns = 20 * NS_PER_MS, .owner = &trial, .over = on_over};
    assert_int_equal(uv_loop_init(&trial.loop), 0);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    think_stop(&trial.think);
    think_stop(&trial.think); /* harmless */
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    think_free(&trial.think);
    return uv_loop_close(&trial.loop);
}

static void rest__many_places_again_and_again__each_wakes_as_often_and_never_early(void **state)
{
    (void)state;
    assert_int_equal(think_init(&trial.think, &trial.loop, PLACES), 0);
    for (uint32_t place = 0; place < PLACES; place++) {
        trial.begun_ns[place] = uv_hrtime();
        think_rest(&trial.think, place, trial.begun_ns[place]);
        think_rest(&trial.think, place, trial.begun_ns[place]); /* rests already */
    }
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    for (uint32_t place = 0; place < PLACES; place++)
        assert_int_equal(trial.over[place], RESTS);
    assert_false(trial.was_early);
}

static void stop__amid_rests__wakes_nobody(void **state)
{
    (void)state;
    assert_int_equal(think_init(&trial.think, &trial.loop, PLACES), 0);
    think_rest(&trial.think, 1, uv_hrtime());
    think_stop(&trial.think);
    think_rest(&trial.think, 2, uv_hrtime());
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    assert_int_equal(trial.over[1] + trial.over[2], 0);
}

static void init__no_memory__is_told(void **state)
{
    (void)state;
    is_failing = true;
    assert_int_equal(think_init(&trial.think, &trial.loop, PLACES), -ENOMEM);
    is_failing = false;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fresh, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rest__many_places_again_and_again__each_wakes_as_often_and_never_early),
        TEST(stop__amid_rests__wakes_nobody),
        TEST(init__no_memory__is_told),
    };

    return cmocka_run_group_tests_name("loadtool think", tests, NULL, NULL);
}
