/* The status as a page of text: what it says, and that it fits 80 columns. */
#include "tests/support/cmocka_all.h"

#include "master/ctl.h"
#include "master/ctl_status.h"
#include "master/subcommand.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char whole[] =
    "{\"schema\":1,\"version\":\"9.9\",\"address\":\"127.0.0.1:9999\",\"pid\":77,\"supervisor_pid\":78,"
    "\"supervisor_generation\":2,\"uptime_ms\":192000,\"stage\":\"running\",\"draining\":false,\"workers\":2,"
    "\"settings\":3,\"protect\":true,\"service\":\"upper\",\"accept_queue\":{\"waiting\":1,\"limit\":4096},"
    "\"totals\":{\"connections\":500,\"deaths\":4,\"counters\":{\"answered\":1234567,\"bytes_out\":79012288,"
    "\"accepted\":600,\"continued\":375}},\"slots\":[{\"slot\":0,\"state\":\"serving\",\"pid\":4194303,"
    "\"generation\":12,\"uptime_ms\":100000,\"connections\":250,\"deaths\":4,\"memory_kib\":400,"
    "\"slowest_turn_ms\":0.21,\"keepers\":[{\"keeper\":\"a\",\"state\":\"ready\"},"
    "{\"keeper\":\"b\",\"state\":\"starting\"}],\"counters\":{\"answered\":999}}],"
    "\"operations\":[{\"number\":1,\"operation\":\"reload\",\"state\":\"done\",\"why\":\"\"},"
    "{\"number\":2,\"operation\":\"scale\",\"goal\":200,\"state\":\"failed\",\"why\":\"too many\"},"
    "{\"number\":3,\"operation\":\"scale\",\"state\":\"done\",\"why\":\"\"},"
    "{\"number\":4,\"operation\":\"scale\",\"state\":\"done\",\"why\":\"\"},"
    "{\"number\":5,\"operation\":\"upgrade\",\"state\":\"running\",\"why\":\"\"}],"
    "\"incidents\":[{\"time_ms\":1795676405233,\"slot\":0,\"generation\":11,\"cause\":\"SIGSEGV\","
    "\"phase\":\"answering\",\"held\":125,\"settled\":true,\"continued\":124,\"reset\":1,\"closed\":0,"
    "\"gap_ms\":0.933,\"file\":\"incident-1.txt\"},{\"time_ms\":1795676406000,\"slot\":1,\"generation\":1,"
    "\"cause\":\"SIGKILL\",\"phase\":\"waiting\",\"held\":3,\"settled\":false,\"gap_ms\":null,\"file\":null}]"
    "}";

static json_t *status;
static char *text;

static int begin(void **state)
{
    (void)state;
    status = json_loads(whole, 0, NULL);
    return status ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    json_decref(status);
    free(text);
    text = NULL;
    return 0;
}

static void print(void)
{
    size_t length = 0;
    free(text);
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    ctl_status_print(out, status);
    assert_int_equal(fclose(out), 0);
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        if (strcspn(line, "\n") > 80)
            fail_msg("longer than 80 columns: %.*s", (int)strcspn(line, "\n"), line);
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

static void page__whole_server__fits_and_says_it_all(void **state)
{
    (void)state;
    print();
    expect("prefork-upper 9.9 at 127.0.0.1:9999: serves\n");
    expect("process      77, up 3m12s; its supervisor is 78, generation 2\n");
    expect("2 workers of service upper, protected; settings 3\n");
    expect("500 now, 600 accepted, 1 waiting (at most 4096)\n");
    expect("1.23M messages, 79.0MB\n");
    expect("4 of workers\n");
    expect("375 connections, by successors");
    expect("   0  serving         12  4194303  1m40s    250      999   0.21ms   410kB      4\n");
}

static void page__keepers__only_those_that_are_not_ready(void **state)
{
    (void)state;
    print();
    expect("keeper b of slot 0: starting\n");
    expect_no("keeper a");
    json_object_set_new(status, "protect", json_false());
    print();
    expect("NOT protected");
    expect_no("keeper b");
}

static void page__operations__the_last_few_and_why(void **state)
{
    (void)state;
    print();
    expect("  2 scale 200: failed: too many\n");
    expect("  5 upgrade: running\n");
    expect_no("reload");
}

static void page__incidents__settled_or_not(void **state)
{
    (void)state;
    print();
    expect("2026-11-26T07:00:05Z slot 0 generation 11: SIGSEGV, answering\n"
           "    held 125, continued 124, gap 0.93ms, ended 1\n    incident-1.txt\n");
    expect("slot 1 generation 1: SIGKILL, waiting\n    held 3\n");
}

/* Symptom: the sum of two numbers of another server overflowed. */
static void page__incident_with_absurd_numbers__their_sum(void **state)
{
    json_t *incident = json_array_get(json_object_get(status, "incidents"), 0);

    (void)state;
    json_object_set_new(incident, "reset", json_integer(INT64_MAX));
    print();
    expect(", ended 9223372036854775808\n");
}

static void page__draining_or_stopping__said_first(void **state)
{
    (void)state;
    json_object_set_new(status, "draining", json_true());
    print();
    expect("drains, takes no new connections\n");
    json_object_set_new(status, "stage", json_string("stopping"));
    print();
    expect(": stopping\n");
}

static void page__unix_server_without_history__short(void **state)
{
    (void)state;
    json_object_set_new(status, "accept_queue", json_null());
    json_object_del(status, "operations");
    json_object_del(status, "incidents");
    print();
    expect("600 accepted\n");
    expect_no("operations");
    expect_no("incidents");
}

static void page__trial__what_is_ordered_and_its_shots(void **state)
{
    char spec[201];

    (void)state;
    print();
    expect_no("trial");
    json_object_set_new(status, "faults", json_null()); /* a build without */
    print();
    expect_no("trial");
    json_object_set_new(status, "faults", json_loads("{\"spec\":\"\",\"shots\":[]}", 0, NULL));
    print();
    expect_no("trial");
    json_object_set_new(
        status, "faults",
        json_loads("{\"spec\":\"\",\"shots\":[{\"call\":\"send\",\"process\":\"worker\",\"count\":12}]}", 0,
                   NULL));
    print();
    expect("  trial        off\n  shots        12 at send of a worker\n");
    memset(spec, 'x', 200);
    spec[200] = '\0';
    json_object_set_new(status, "faults", json_pack("{ss s[]}", "spec", spec, "shots"));
    print();
    expect("  trial        xxx");
}

static void page__incident_whose_gap_is_a_whole_number_or_not_told__so_or_none(void **state)
{
    json_t *incident = json_array_get(json_object_get(status, "incidents"), 0);

    (void)state;
    json_object_set_new(incident, "gap_ms", json_integer(2));
    print();
    expect(", continued 124, gap 2.0ms, ended 1\n");
    json_object_del(incident, "gap_ms");
    print();
    expect(", continued 124, gap none, ended 1\n");
}

/* Both say why on stderr, which the test of whoever says it has seen. */
static void subcommands__no_server__its_code(void **state)
{
    static char status_name[] = "status", incidents_name[] = "incidents",
                option[] = "--control=/nonexistent/s";
    char *status_words[] = {status_name, option, NULL}, *incidents_words[] = {incidents_name, option, NULL};
    int kept = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    (void)state;
    dup2(null, STDERR_FILENO);
    int status_code = subcommand_status(2, status_words),
        incidents_code = subcommand_incidents(2, incidents_words);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(null);
    assert_int_equal(status_code, EXIT_UNAVAILABLE);
    assert_int_equal(incidents_code, EXIT_UNAVAILABLE);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(page__whole_server__fits_and_says_it_all),
        TEST(page__keepers__only_those_that_are_not_ready),
        TEST(page__operations__the_last_few_and_why),
        TEST(page__incidents__settled_or_not),
        TEST(page__incident_with_absurd_numbers__their_sum),
        TEST(page__draining_or_stopping__said_first),
        TEST(page__unix_server_without_history__short),
        TEST(page__trial__what_is_ordered_and_its_shots),
        TEST(page__incident_whose_gap_is_a_whole_number_or_not_told__so_or_none),
        TEST(subcommands__no_server__its_code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
