#include "loadtool/thresholds.h"

#include <errno.h>
#include <string.h>

#include "tests/support/cmocka_all.h"

static struct thresholds thresholds;
static struct outcome outcome;
static char sentence[THRESHOLDS_SENTENCE_BYTES];

static int fresh(void **state)
{
    (void)state;
    memset(&thresholds, 0, sizeof(thresholds));
    memset(&outcome, 0, sizeof(outcome));
    for (int i = 0; i < 100; i++)
        histogram_record(&outcome.latency, 5000000);
    outcome.main_ns = 1000000000;
    outcome.messages_per_s = 1234;
    outcome.silence.max_ns = 7000000;
    outcome.arrivals.missed = 3;
    outcome.self.busy_share = 0.5;
    return 0;
}

static bool keeps(const char *word)
{
    thresholds.count = 0;
    assert_int_equal(thresholds_add(&thresholds, word), 0);
    return thresholds_keeps(&thresholds.list[0], &outcome, sentence);
}

static void keeps__above_and_below_each_unit__is_right(void **state)
{
    (void)state;
    assert_true(keeps("p99>6ms"));
    assert_false(keeps("p99>4999us"));
    assert_string_equal(sentence, "--fail 'p99>4999us': it was 5.00 ms");
    assert_true(keeps("p50>0.1s"));
    assert_false(keeps("p50<1h"));
    assert_true(keeps("max<5000us"));
    assert_true(keeps("rate<1000"));
    assert_false(keeps("rate<2000"));
    assert_string_equal(sentence, "--fail 'rate<2000': it was 1,234");
    assert_false(keeps("busy>49.5%"));
    assert_string_equal(sentence, "--fail 'busy>49.5%': it was 50.0 %");
    assert_false(keeps("silence>6ms"));
    assert_true(keeps("outage>0ms"));
    assert_true(keeps("missed>3"));
    assert_false(keeps("missed>2"));
    assert_true(keeps("not-done>0"));
}

static void keeps__what_was_not_measured__is_not_kept(void **state)
{
    (void)state;
    assert_false(keeps("connect-p99>1h"));
    assert_string_equal(sentence, "--fail 'connect-p99>1h': it could not be measured");
    assert_false(keeps("recovery>1h"));
    outcome.recovery.is_ok = true;
    assert_true(keeps("recovery>1h"));
}

static void add__bad_words__are_refused(void **state)
{
    static const char *const words[] = {
        "",         "p99",   "p99>",        "p99>5",        "p99>ms",    "p99=5ms",
        "p98>5ms",  "rate>", "rate>5s",     "busy>50",      "p99>-1ms",  "p9>5ms",
        "missed>x", ">5ms",  "p99>1e999ms", "p99>0x1p-3ms", "busy>101%", "p99>1.5.5ms"};

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        assert_int_equal(thresholds_add(&thresholds, words[i]), -EINVAL);
    assert_int_equal(thresholds.count, 0);
}

static void add__more_than_fit__is_refused(void **state)
{
    (void)state;
    for (int i = 0; i < THRESHOLDS_MAX; i++)
        assert_int_equal(thresholds_add(&thresholds, "p99>1s"), 0);
    assert_int_equal(thresholds_add(&thresholds, "p99>1s"), -ERANGE);
}

static void names__written__are_all_accepted_again(void **state)
{
    char text[4096];
    int count = 0;

    (void)state;
    FILE *out = fmemopen(text, sizeof(text), "w");
    thresholds_write_names(out);
    fclose(out);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"), count++) {
        char name[32], unit[32], word[64];
        assert_int_equal(sscanf(line, " %31s %31s", name, unit), 2);
        snprintf(word, sizeof(word), "%s>1%s", name,
                 strcmp(unit, "time") == 0      ? "s"
                 : strcmp(unit, "percent") == 0 ? "%"
                                                : "");
        thresholds.count = 0;
        assert_int_equal(thresholds_add(&thresholds, word), 0);
    }
    assert_true(count > 15);
}

#define TEST(test) cmocka_unit_test_setup(test, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keeps__above_and_below_each_unit__is_right),
        TEST(keeps__what_was_not_measured__is_not_kept),
        TEST(add__bad_words__are_refused),
        TEST(add__more_than_fit__is_refused),
        TEST(names__written__are_all_accepted_again),
    };

    return cmocka_run_group_tests_name("loadtool thresholds", tests, NULL, NULL);
}
