#include "loadtool/sizes.h"

#include <errno.h>
#include <stdbool.h>

#include "loadtool/limits.h"
#include "tests/support/cmocka_all.h"

static struct sizes sizes;

static void parse__one_size__is_drawn_always(void **state)
{
    (void)state;
    assert_int_equal(sizes_parse("200K", &sizes), 0);
    assert_int_equal(sizes_mean_bytes(&sizes), 204800);
    for (uint64_t k = 0; k < 100; k++)
        assert_int_equal(sizes_draw(&sizes, 7, k), 204800);
}

static void parse__a_range__draws_from_end_to_end_and_repeatably(void **state)
{
    bool seen[11] = {false};

    (void)state;
    assert_int_equal(sizes_parse("10-20", &sizes), 0);
    assert_int_equal(sizes_mean_bytes(&sizes), 15);
    for (uint64_t k = 0; k < 1000; k++) {
        uint64_t bytes = sizes_draw(&sizes, 7, k);
        assert_in_range(bytes, 10, 20);
        assert_int_equal(bytes, sizes_draw(&sizes, 7, k));
        seen[bytes - 10] = true;
    }
    for (size_t i = 0; i < 11; i++)
        assert_true(seen[i]);
}

static void parse__a_weighted_list__draws_by_weight(void **state)
{
    unsigned small = 0;
    unsigned large = 0;

    (void)state;
    assert_int_equal(sizes_parse("64:90,4K-8K:9,1M:1", &sizes), 0);
    for (uint64_t k = 0; k < 10000; k++) {
        uint64_t bytes = sizes_draw(&sizes, 7, k);
        assert_true(bytes == 64 || bytes == 1048576 || (bytes >= 4096 && bytes <= 8192));
        small += bytes == 64;
        large += bytes == 1048576;
    }
    assert_in_range(small, 8800, 9200);
    assert_in_range(large, 50, 150);
}

static void draw__two_connections__differ(void **state)
{
    unsigned same = 0;

    (void)state;
    assert_int_equal(sizes_parse("1-1000000", &sizes), 0);
    for (uint64_t k = 0; k < 100; k++)
        same += sizes_draw(&sizes, 1, k) == sizes_draw(&sizes, 2, k);
    assert_true(same < 3);
}

static void parse__bad_words__are_refused_and_leave_the_sizes(void **state)
{
    static const char *const words[] = {"",     "x",     "0",    "65M",  "20-10",  "10-", "-10",
                                        "64:0", "64:1,", "64,1", "64:x", "64:1:2", ":1",  "64:1000001"};
    static const char long_list[] = "1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1";

    (void)state;
    assert_int_equal(sizes_parse("77", &sizes), 0);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        assert_true(sizes_parse(words[i], &sizes) < 0);
    assert_int_equal(sizes_parse(long_list, &sizes), -ERANGE);
    assert_int_equal(sizes_mean_bytes(&sizes), 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__one_size__is_drawn_always),
        cmocka_unit_test(parse__a_range__draws_from_end_to_end_and_repeatably),
        cmocka_unit_test(parse__a_weighted_list__draws_by_weight),
        cmocka_unit_test(draw__two_connections__differ),
        cmocka_unit_test(parse__bad_words__are_refused_and_leave_the_sizes),
    };

    return cmocka_run_group_tests_name("loadtool sizes", tests, NULL, NULL);
}
