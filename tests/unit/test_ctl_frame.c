/* Frames of `top`: what they say, and that they fit. */
#include "tests/support/cmocka_all.h"

#include "master/ctl_frame.h"

#include <stdlib.h>
#include <string.h>

static json_t *now, *before;
static struct ctl_frame frame;
static char *text;
static size_t length;

static json_t *slot(int number, int answered)
{
    return json_pack("{si ss si si si si si sf si sb s[{ss}{ss}] s{si si si si si}}", "slot", number, "state",
                     "serving", "generation", 3, "pid", 1234567, "uptime_ms", 192000, "connections", 125,
                     "deaths", 2, "slowest_turn_ms", 0.21, "memory_kib", 400, "going_out", 0, "keepers",
                     "state", "ready", "state", "ready", "counters", "answered", answered, "bytes_out",
                     answered * 64, "accepted", 500, "closed_reset", 7, "blocked", 0);
}

static json_t *status(int uptime_ms, int answered, unsigned slots)
{
    json_t *object =
        json_pack("{ss si si ss sb sb s{si si} s{si si s{si si}} s[] s[]}", "address", "127.0.0.1:9999",
                  "pid", 77, "uptime_ms", uptime_ms, "stage", "running", "draining", 0, "protect", 1,
                  "accept_queue", "waiting", 3, "limit", 4096, "totals", "connections", 500, "deaths", 2,
                  "counters", "answered", answered, "bytes_out", answered * 64, "slots", "operations");
    for (unsigned i = 0; i < slots; i++)
        json_array_append_new(json_object_get(object, "slots"), slot((int)i, answered));
    return object;
}

static void add_operation(int number, const char *name, const char *state, const char *why)
{
    json_array_append_new(json_object_get(now, "operations"),
                          json_pack("{si si ss ss ss}", "goal", 8, "number", number, "operation", name,
                                    "state", state, "why", why));
}

static int begin(void **state)
{
    (void)state;
    before = status(10000, 1000, 4);
    now = status(12000, 3000, 4);
    frame = (struct ctl_frame){.width = 80, .now = now, .before = before};
    return before && now ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    json_decref(now);
    json_decref(before);
    free(text);
    text = NULL;
    return 0;
}

/* Prints it, checks that it fits, and returns how many lines it has. */
static unsigned print(void)
{
    unsigned lines = 0;

    free(text);
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    ctl_frame_print(out, &frame, "\n");
    assert_int_equal(fclose(out), 0);
    for (const char *line = text; *line; lines++) {
        size_t width = strcspn(line, "\n");
        if (!frame.colors)
            assert_true(width <= frame.width);
        line += width + (line[width] == '\n');
    }
    return lines;
}

static void expect(const char *words)
{
    if (!strstr(text, words))
        fail_msg("no \"%s\" in:\n%s", words, text);
}

static void expect_no(const char *words)
{
    if (strstr(text, words))
        fail_msg("\"%s\" in:\n%s", words, text);
}

static void frame__80_columns__all_that_matters(void **state)
{
    (void)state;
    assert_int_equal(print(), 4 + 4);
    expect("127.0.0.1:9999  process 77, up 12s  running\n");
    expect("500 connections  1000 messages/s  64.0kB/s  accept queue 3 of 4096  deaths 2\n");
    expect("no operation yet\n");
    expect("slot  state        gen      pid     up  conns   msgs/s   bytes/s  slowest deaths\n");
    expect("   3  serving        3  1234567  3m12s    125     1000    64.0kB   0.21ms      2\n");
    expect_no("accepts/s");
}

static void frame__200_columns__more_of_them(void **state)
{
    (void)state;
    frame.width = 200;
    print();
    expect("accepts/s");
    expect("keepers\n");
    expect("    410kB       2\n");
}

static void frame__narrow__cut(void **state)
{
    (void)state;
    frame.width = CTL_FRAME_WIDTH_MIN;
    assert_int_equal(print(), 8);
}

static void frame__absurdly_wide__no_harm(void **state)
{
    (void)state;
    frame.width = 100000;
    frame.trouble = "trouble";
    print();
    expect("keepers\n");
}

static void frame__few_lines__says_what_is_missing(void **state)
{
    (void)state;
    frame.height = 7;
    frame.hint = "q quits";
    assert_int_equal(print(), 7);
    expect("   0  serving");
    expect("and 3 more slots\n");
    expect_no("   1  serving");
    assert_string_equal(text + length - strlen("q quits"), "q quits"); /* and the screen does not scroll */
}

static void frame__every_height__never_more_lines(void **state)
{
    (void)state;
    frame.hint = "q quits";
    for (frame.height = 1; frame.height < 20; frame.height++)
        assert_true(print() <= frame.height);
    assert_int_equal(print(), 9); /* and as many as there are where there is room */
    expect_no("more slots");
}

static void rates__first_frame_or_another_server__none(void **state)
{
    (void)state;
    frame.before = NULL;
    print();
    expect(" 0 messages/s");
    frame.before = before;
    json_object_set_new(before, "pid", json_integer(78));
    print();
    expect(" 0 messages/s");
}

static void rates__new_slot_and_counters_that_fell__none(void **state)
{
    (void)state;
    json_array_clear(json_object_get(before, "slots"));
    print();
    expect("   3  serving        3  1234567  3m12s    125        0        0B");
    json_decref(now);
    frame.now = now = status(12000, 500, 4);
    print();
    expect(" 0 messages/s");
}

static void operation__under_way__shown_before_later_ones_that_ended(void **state)
{
    (void)state;
    add_operation(3, "upgrade", "running", "");
    add_operation(4, "scale", "failed", "no");
    print();
    expect("operation 3, upgrade: running\n");
}

static void operation__none_under_way__the_last_one_and_why(void **state)
{
    (void)state;
    add_operation(3, "upgrade", "done", "");
    add_operation(4, "scale", "failed", "too many");
    print();
    expect("operation 4, scale 8: failed: too many\n");
}

static void trouble__in_place_of_the_operation(void **state)
{
    (void)state;
    add_operation(3, "upgrade", "running", "");
    frame.trouble = "the server does not answer";
    print();
    expect("the server does not answer\n");
    expect_no("upgrade");
}

static void server__draining_or_unprotected_or_unix__said(void **state)
{
    (void)state;
    json_object_set_new(now, "draining", json_true());
    json_object_set_new(now, "protect", json_false());
    json_object_set_new(now, "accept_queue", json_null());
    print();
    expect("  drains  NOT PROTECTED\n");
    expect_no("accept queue");
    json_object_set_new(now, "stage", json_string("stopping"));
    print();
    expect("  stopping  NOT");
}

static void colors__wanted__slots_in_trouble_are_marked(void **state)
{
    json_t *first = json_array_get(json_object_get(now, "slots"), 0);

    (void)state;
    print();
    expect_no("\033");
    frame.colors = true;
    json_object_set_new(first, "state", json_string("resting"));
    json_object_set_new(json_array_get(json_object_get(now, "slots"), 1), "going_out", json_true());
    print();
    expect("\033[31m   0  rests");
    expect("\033[33m   1  going out");
    expect("\n   2  serving");
    json_object_set_new(first, "state", json_string("retrying"));
    json_object_set_new(json_array_get(json_object_get(now, "slots"), 1), "state", json_string("leaving"));
    json_object_set_new(json_array_get(json_object_get(now, "slots"), 2), "handing_over", json_true());
    print();
    expect("\033[31m   0  retrying");
    expect("\033[31m   1  going out");
    expect("\033[33m   2  renewing");
    expect("\n   3  serving");
    expect("\033[7mslot");
    add_operation(3, "upgrade", "running", "");
    print();
    expect("\033[33moperation 3, upgrade: running");
    add_operation(4, "reload", "done", "");
    json_array_remove(json_object_get(now, "operations"), 0);
    print();
    expect("\noperation 4, reload: done\n");
    add_operation(5, "scale", "failed", "no");
    print();
    expect("\033[31moperation 5, scale 8: failed");
}

static void status__without_anything__no_harm(void **state)
{
    json_t *empty = json_object();

    (void)state;
    frame.now = empty;
    frame.before = empty;
    print();
    expect("?  process 0");
    json_decref(empty);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(frame__80_columns__all_that_matters),
        TEST(frame__200_columns__more_of_them),
        TEST(frame__narrow__cut),
        TEST(frame__absurdly_wide__no_harm),
        TEST(frame__few_lines__says_what_is_missing),
        TEST(frame__every_height__never_more_lines),
        TEST(rates__first_frame_or_another_server__none),
        TEST(rates__new_slot_and_counters_that_fell__none),
        TEST(operation__under_way__shown_before_later_ones_that_ended),
        TEST(operation__none_under_way__the_last_one_and_why),
        TEST(trouble__in_place_of_the_operation),
        TEST(server__draining_or_unprotected_or_unix__said),
        TEST(colors__wanted__slots_in_trouble_are_marked),
        TEST(status__without_anything__no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
