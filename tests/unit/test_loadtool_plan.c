#include "loadtool/plan.h"

#include <errno.h>
#include <string.h>

#include "loadtool/kills.h"
#include "tests/support/cmocka_all.h"

static struct plan parsed(const char *word)
{
    struct plan plan;

    assert_int_equal(plan_parse(word, &plan), 0);
    return plan;
}

static void parse__a_share__is_dealt_evenly_over_the_default_modes(void **state)
{
    struct plan plan = parsed("10%");

    (void)state;
    assert_int_equal(plan_share_per_10000(&plan), 1000);
    assert_int_equal(plan_mode_count(&plan), 5);
    assert_int_equal(plan.share_per_10000[PLAN_KILL9], 200);
    assert_int_equal(plan.share_per_10000[PLAN_OOB], 0);
    assert_int_equal(plan.share_per_10000[PLAN_SLOWREAD], 0);
    assert_false(plan.is_chosen);
}

static void parse__a_share_that_five_does_not_divide__adds_up(void **state)
{
    struct plan plan = parsed("0.07%");

    (void)state;
    assert_int_equal(plan_share_per_10000(&plan), 7);
}

static void parse__modes_by_name__are_chosen(void **state)
{
    struct plan plan = parsed("rst:5%,oob:2.5%");

    (void)state;
    assert_true(plan.is_chosen);
    assert_int_equal(plan.share_per_10000[PLAN_RST], 500);
    assert_int_equal(plan.share_per_10000[PLAN_OOB], 250);
    assert_int_equal(plan_mode_count(&plan), 2);
}

static void parse__none__has_no_share(void **state)
{
    struct plan plan = parsed("none");

    (void)state;
    assert_int_equal(plan_share_per_10000(&plan), 0);
    assert_int_equal(plan_mode_count(&plan), 0);
}

static void parse__bad_words__are_refused_and_leave_the_plan(void **state)
{
    static const struct {
        const char *word;
        int rc;
    } rows[] = {{"", -EINVAL},
                {"some", -EINVAL},
                {"10", -EINVAL},
                {"rst", -EINVAL},
                {"rst:", -EINVAL},
                {"rst:5", -EINVAL},
                {"nope:5%", -EINVAL},
                {"rst:5%,rst:5%", -EINVAL},
                {"rst:0%", -EINVAL},
                {"rst:5%,", -EINVAL},
                {"101%", -ERANGE},
                {"rst:101%", -ERANGE},
                {"rst:60%,fin:41%", -ERANGE}};
    struct plan plan = parsed("rst:5%");

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(plan_parse(rows[i].word, &plan), rows[i].rc);
        assert_int_equal(plan.share_per_10000[PLAN_RST], 500);
    }
}

static void deal__default_share_of_500__is_ten_places_a_mode(void **state)
{
    struct plan plan = parsed("10%");
    uint32_t by_mode[PLAN_MODE_COUNT];

    (void)state;
    assert_int_equal(plan_deal(&plan, 500, by_mode), 50);
    for (int mode = PLAN_FIN; mode <= PLAN_KILL9; mode++)
        assert_int_equal(by_mode[mode], 10);
    assert_int_equal(by_mode[PLAN_SLOWREAD], 0);
}

static void deal__any_number_of_clients__adds_up_and_follows_the_shares(void **state)
{
    struct plan plan = parsed("fin:10%,rst:20%,oob:3%");

    (void)state;
    for (uint32_t clients = 1; clients < 1000; clients++) {
        uint32_t by_mode[PLAN_MODE_COUNT];
        uint32_t sum = 0;
        uint32_t victims = plan_deal(&plan, clients, by_mode);
        for (size_t i = 0; i < PLAN_MODE_COUNT; i++)
            sum += by_mode[i];
        assert_int_equal(sum, victims);
        assert_in_range(by_mode[PLAN_RST], clients / 5 == 0 ? 0 : clients / 5 - 1, clients / 5 + 1);
    }
}

static void deal__few_clients__leaves_a_victim_and_a_control_client(void **state)
{
    struct plan tenth = parsed("10%");
    struct plan most = parsed("rst:99%");
    struct plan all = parsed("rst:100%");
    struct plan none = parsed("none");
    uint32_t by_mode[PLAN_MODE_COUNT];

    (void)state;
    assert_int_equal(plan_deal(&tenth, 2, by_mode), 1);
    assert_int_equal(plan_deal(&most, 2, by_mode), 1);
    assert_int_equal(plan_deal(&all, 2, by_mode), 2);
    assert_int_equal(plan_deal(&tenth, 1, by_mode), 0);
    assert_int_equal(plan_deal(&all, 1, by_mode), 1);
    assert_int_equal(plan_deal(&none, 500, by_mode), 0);
}

static void in_turn__more_modes_than_places__goes_through_all(void **state)
{
    struct plan plan = parsed("rst:5%,oob:5%,fin:5%");

    (void)state;
    assert_int_equal(plan_mode_in_turn(&plan, 0), PLAN_FIN);
    assert_int_equal(plan_mode_in_turn(&plan, 1), PLAN_RST);
    assert_int_equal(plan_mode_in_turn(&plan, 2), PLAN_OOB);
    assert_int_equal(plan_mode_in_turn(&plan, 3), PLAN_FIN);
}

static void modes__every_one__has_a_name_a_definition_and_a_way_to_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLAN_MODE_COUNT; i++) {
        const struct kill_mode *mode = kills_find((enum plan_mode)i);
        assert_true(strlen(plan_mode_name((enum plan_mode)i)) <= 13);
        assert_true(strlen(plan_mode_definition((enum plan_mode)i)) > 10);
        assert_true(mode->in_child || mode->begin != NULL);
    }
}

static void parse__rates__are_kills_a_second_with_a_place_each(void **state)
{
    struct plan rated;
    uint32_t by_mode[PLAN_MODE_COUNT];

    (void)state;
    assert_int_equal(plan_parse("rst:20/s,fin:10%", &rated), 0);
    assert_int_equal(rated.rate_per_s[PLAN_RST], 20);
    assert_true(plan_has(&rated, PLAN_RST) && plan_has(&rated, PLAN_FIN) && !plan_has(&rated, PLAN_OOB));
    assert_int_equal(plan_mode_count(&rated), 2);
    assert_int_equal(plan_deal(&rated, 100, by_mode), 30);
    assert_int_equal(by_mode[PLAN_RST], 20);
    assert_int_equal(by_mode[PLAN_FIN], 10);
}

static void parse__bad_rates__are_refused(void **state)
{
    static const char *const words[] = {"rst:/s",      "rst:0/s",        "rst:x/s",
                                        "rst:10001/s", "rst:5/s,rst:5%", "20/s"};
    struct plan rated;

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        assert_true(plan_parse(words[i], &rated) < 0);
}

static void took__every_way__has_a_name(void **state)
{
    (void)state;
    assert_string_equal(plan_took_name(TOOK_UNSEEN), "unseen");
    assert_string_equal(plan_took_name(TOOK_TIMED_OUT), "timed_out");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__a_share__is_dealt_evenly_over_the_default_modes),
        cmocka_unit_test(parse__a_share_that_five_does_not_divide__adds_up),
        cmocka_unit_test(parse__modes_by_name__are_chosen),
        cmocka_unit_test(parse__none__has_no_share),
        cmocka_unit_test(parse__bad_words__are_refused_and_leave_the_plan),
        cmocka_unit_test(deal__default_share_of_500__is_ten_places_a_mode),
        cmocka_unit_test(deal__any_number_of_clients__adds_up_and_follows_the_shares),
        cmocka_unit_test(deal__few_clients__leaves_a_victim_and_a_control_client),
        cmocka_unit_test(in_turn__more_modes_than_places__goes_through_all),
        cmocka_unit_test(modes__every_one__has_a_name_a_definition_and_a_way_to_end),
        cmocka_unit_test(parse__rates__are_kills_a_second_with_a_place_each),
        cmocka_unit_test(parse__bad_rates__are_refused),
        cmocka_unit_test(took__every_way__has_a_name),
    };

    return cmocka_run_group_tests_name("loadtool plan", tests, NULL, NULL);
}
