/* The searches of find.c and shrink.c, with runs that a rule stands in for. */
#include <errno.h>
#include <string.h>

#include "loadtool/find.h"
#include "loadtool/limits.h"
#include "loadtool/shrink.h"
#include "tests/support/cmocka_all.h"

/* The rate that is found when all up to `limit` hold. */
static uint64_t find_up_to(uint64_t limit)
{
    struct find_search search = {.holds = 0};

    for (int i = 0; i < FIND_TRIALS_MAX; i++) {
        uint64_t rate = find_next(&search);
        if (rate == 0)
            return search.holds;
        find_take(&search, rate, rate <= limit);
    }
    fail_msg("the search does not end");
    return 0;
}

static void find__any_limit__within_five_percent_below_it(void **state)
{
    (void)state;
    for (uint64_t limit = 1; limit < LIMIT_RATE; limit = limit * 7 / 4 + 1) {
        uint64_t found = find_up_to(limit);
        assert_in_range(found, 1, limit);
        assert_true(found * 100 >= limit * 94 || limit - found < 2);
    }
    assert_int_equal(find_up_to(UINT64_MAX), LIMIT_RATE);
    assert_int_equal(find_up_to(0), 0);
}

static void turn_slo__a_promise__is_the_limit_that_breaks_it(void **state)
{
    char limit[FIND_LIMIT_BYTES];
    char longest[FIND_LIMIT_BYTES + 1];

    (void)state;
    assert_int_equal(find_turn_slo("p99<5ms", limit), 0);
    assert_string_equal(limit, "p99>5ms");
    assert_int_equal(find_turn_slo("rate>10", limit), 0);
    assert_string_equal(limit, "rate<10");
    assert_int_equal(find_turn_slo("p99=5ms", limit), -EINVAL);
    memset(longest, '<', FIND_LIMIT_BYTES);
    longest[FIND_LIMIT_BYTES] = '\0';
    assert_int_equal(find_turn_slo(longest, limit), -EINVAL);
}

/* -- shrink -- */

struct rule {
    uint32_t modes, clients; /* fails when it has all of these modes and so many clients at least */
    int rc;                  /* in place of an answer */
};

static int fails_by_rule(void *owner, const struct shrink_set *set)
{
    const struct rule *rule = owner;

    if (rule->rc != 0)
        return rule->rc;
    return (set->modes & rule->modes) == rule->modes && set->clients >= rule->clients;
}

static struct shrink_set set_of_five(void)
{
    struct shrink_set set = {.clients = 500, .modes = 31};

    for (size_t i = 0; i < 5; i++)
        set.share[i] = 2;
    return set;
}

static void shrink__any_rule__finds_its_modes_and_clients(void **state)
{
    (void)state;
    for (uint32_t modes = 0; modes < 32; modes++) {
        for (uint32_t clients = 1; clients <= 500; clients = clients * 2 + 1) {
            struct rule rule = {.modes = modes, .clients = clients};
            struct shrink_set set = set_of_five();
            assert_in_range(shrink_search(&set, fails_by_rule, &rule), 5, SHRINK_TRIALS_MAX);
            assert_int_equal(set.modes, modes);
            assert_int_equal(set.clients, clients);
        }
    }
}

static void shrink__interrupted__gives_up(void **state)
{
    struct rule rule = {.rc = -EINTR};
    struct shrink_set set = set_of_five();

    (void)state;
    assert_int_equal(shrink_search(&set, fails_by_rule, &rule), -EINTR);
    set.modes = 0;
    assert_int_equal(shrink_search(&set, fails_by_rule, &rule), -EINTR);
}

static void format_kill__shares_and_rates__are_words_of_kill(void **state)
{
    struct shrink_set set = {.clients = 5};
    struct plan plan;
    char word[SHRINK_KILL_BYTES];

    (void)state;
    shrink_format_kill(&set, word);
    assert_string_equal(word, "none");
    set.modes = 1u << PLAN_RST | 1u << PLAN_OOB;
    set.share[PLAN_RST] = 2.5;
    set.rate_per_s[PLAN_OOB] = 20;
    shrink_format_kill(&set, word);
    assert_string_equal(word, "rst:2.5%,oob:20/s");
    assert_int_equal(plan_parse(word, &plan), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find__any_limit__within_five_percent_below_it),
        cmocka_unit_test(turn_slo__a_promise__is_the_limit_that_breaks_it),
        cmocka_unit_test(shrink__any_rule__finds_its_modes_and_clients),
        cmocka_unit_test(shrink__interrupted__gives_up),
        cmocka_unit_test(format_kill__shares_and_rates__are_words_of_kill),
    };

    return cmocka_run_group_tests_name("loadtool search", tests, NULL, NULL);
}
