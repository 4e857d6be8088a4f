#include "loadtool/live.h"

#include <stdlib.h>
#include <string.h>

#include "loadtool/plan.h"
#include "tests/support/cmocka_all.h"

static char text[8192];
static struct series series;
static struct histogram latency;

static int begin(void **state)
{
    (void)state;
    histogram_init(&latency);
    histogram_record(&latency, 2000000);
    return series_init(&series);
}

static int end(void **state)
{
    (void)state;
    series_free(&series);
    return 0;
}

static struct live_view view_of_seconds(uint64_t seconds)
{
    for (uint64_t i = 0; i < seconds; i++)
        series_add(&series, &(struct second){.begin_ns = i * 1000000000,
                                             .length_ns = 1000000000,
                                             .sums = {.right = 1000 * (i % 8)},
                                             .latency = &latency});
    return (struct live_view){.phase = "loading",
                              .elapsed_s = 3.25,
                              .duration_s = 10,
                              .control = 450,
                              .connections = 470,
                              .sums = {.right = 128400, .kills = 41},
                              .series = &series,
                              .modes = 1u << PLAN_RST | 1u << PLAN_STORM};
}

static int write_view(const struct live_view *view, const struct live_style *style)
{
    FILE *out = fmemopen(text, sizeof(text), "w");
    int lines = live_write_view(out, view, style);

    fclose(out);
    return lines;
}

static void view__without_colour_and_blocks__plain_letters(void **state)
{
    const struct live_style style = {.columns = 80};
    struct live_view view = view_of_seconds(8);

    (void)state;
    assert_int_equal(write_view(&view, &style), 6);
    assert_string_equal(text, "loadtool     3.2 s of 10 s, loading\n"
                              "rate         7,000/s                           _.:-=+*#\n"
                              "latency      p50 2.00 ms  p99 2.00 ms          ########\n"
                              "clients      470 connections, 128,400 right replies\n"
                              "disconnects  41 so far, just now: rst, storm\n"
                              "errors       0 of the control group lost, 0 other errors, 0 wrong bytes\n");
}

static void view__any_width__no_line_is_longer(void **state)
{
    struct live_view view = view_of_seconds(300);

    (void)state;
    view.modes = UINT32_MAX >> (32 - PLAN_MODE_COUNT);
    for (int columns = LIVE_COLUMNS_MIN; columns <= 200; columns += 20) {
        const struct live_style style = {.columns = columns};
        int lines = write_view(&view, &style);
        char *rest = text;
        for (char *line = strsep(&rest, "\n"); rest != NULL; line = strsep(&rest, "\n"), lines--)
            assert_in_range(strlen(line), 1, columns - 1);
        assert_int_equal(lines, 0);
    }
}

static void view__colour_and_blocks__errors_are_red(void **state)
{
    const struct live_style style = {.columns = 80, .has_colour = true, .has_blocks = true};
    struct live_view view = view_of_seconds(8);

    (void)state;
    write_view(&view, &style);
    assert_non_null(strstr(text, "▁▂▃▄▅▆▇█\033[0m\n"));
    assert_non_null(strstr(text, "\033[32m0 of the control"));
    view.lost = 2;
    write_view(&view, &style);
    assert_non_null(strstr(text, "\033[1;31m2 of the control"));
}

static void view__before_the_first_second__says_so(void **state)
{
    const struct live_style style = {.columns = 80};
    struct live_view view = {.phase = "connecting", .elapsed_s = 0.1};

    (void)state;
    write_view(&view, &style);
    assert_memory_equal(text, "loadtool     0.1 s, connecting\nrate         -", 44);
}

static void line__a_second__is_one_line(void **state)
{
    struct live_view view = view_of_seconds(3);
    FILE *out = fmemopen(text, sizeof(text), "w");

    (void)state;
    live_write_line(out, &view);
    view.series = NULL;
    view.modes = 0;
    live_write_line(out, &view);
    fclose(out);
    assert_string_equal(text,
                        "3 s  loading  2000/s  p50 2.00 ms  p99 2.00 ms  470 connections  41 disconnects "
                        "(rst, storm)  0 lost  "
                        "0 errors  0 wrong bytes\n"
                        "3 s  loading  470 connections  41 disconnects  0 lost  0 errors  0 wrong bytes\n");
}

static void style__environment__decides(void **state)
{
    (void)state;
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    unsetenv("LC_ALL");
    setenv("LC_CTYPE", "", 1);
    setenv("LANG", "C.UTF-8", 1);
    assert_true(live_style_of(80).has_colour && live_style_of(80).has_blocks);
    setenv("LC_ALL", "C", 1);
    setenv("NO_COLOR", "1", 1);
    assert_false(live_style_of(80).has_colour || live_style_of(80).has_blocks);
    unsetenv("NO_COLOR");
    setenv("TERM", "dumb", 1);
    assert_false(live_style_of(80).has_colour);
    unsetenv("LC_ALL");
    unsetenv("LANG");
    assert_false(live_style_of(80).has_blocks);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(view__without_colour_and_blocks__plain_letters),
        TEST(view__any_width__no_line_is_longer),
        TEST(view__colour_and_blocks__errors_are_red),
        TEST(view__before_the_first_second__says_so),
        TEST(line__a_second__is_one_line),
        TEST(style__environment__decides),
    };

    return cmocka_run_group_tests_name("loadtool live", tests, NULL, NULL);
}
