/* A reload by the supervisor: all or nothing, what holds at once, and what is said. */
#include "tests/support/cmocka_all.h"

#include "master/reactor_state.h"
#include "master/reload.h"
#include "tests/support/log_capture.h"
#include "worker/heritage.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static char path[] = "/tmp/test_reload.XXXXXX";
static char config_flag[64];
static char *argv[] = {(char[]){"prefork-upper"}, config_flag, NULL};
static struct options at_start;
static struct service_setup setup;
static struct reactor reactor;
static struct settings_change change;
static char why[RELOAD_WHY_SIZE];

static void configure(const char *content)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    snprintf(config_flag, sizeof config_flag, "-c%s", path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static int begin(void **state)
{
    (void)state;
    configure("workers = 2\nwrite-timeout = 100s\n");
    if (options_parse_again(&at_start, 2, argv, why) != 0)
        return -1;
    setup = (struct service_setup){
        .options = &at_start, .argc = 2, .argv = argv, .connection_count_max = 10000, .ready_fd = -1};
    if (settings_from_options(&setup.settings, &at_start, 10000, why, sizeof why) < 0)
        return -1;
    reactor = (struct reactor){.setup = &setup, .settings = setup.settings};
    supervisor_init(&reactor.state, 2, true, 8000, 7);
    int error = heritage_place(socket(AF_INET, SOCK_STREAM, 0), FD_LISTENER);
    if (!error)
        error = shared_pages_create(&reactor.pages);
    log_capture_begin(); /* last: its pipe takes the numbers that are left */
    return error;
}

static int end(void **state)
{
    (void)state;
    log_capture_end();
    options_free(&at_start);
    munmap(reactor.pages, sizeof *reactor.pages);
    close(FD_LISTENER);
    return close(FD_SHARED);
}

static int user_timeout_ms(void)
{
    int value = -1;
    socklen_t length = sizeof value;

    assert_int_equal(getsockopt(FD_LISTENER, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, &length), 0);
    return value;
}

static void expect_in(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no %s in: %s", part, text);
}

static void reload__changed__holds_and_is_said(void **state)
{
    (void)state;
    configure("workers = 2\nwrite-timeout = 200s\nhang-timeout = 7s\nbacklog = 5\nbind = :1\n");
    assert_int_equal(reload(&reactor, &change, why), 0);
    assert_int_equal(reactor.settings.number, 2);
    assert_int_equal(reactor.settings.hang_timeout_ms, 7000);
    assert_int_equal(user_timeout_ms(), 401000); /* and of all that is accepted from now on */
    assert_string_equal(log_capture_expect("reloaded"),
                        "event=reloaded settings=2 changed=\"write-timeout hang-timeout\" "
                        "needs_restart=\"bind backlog\"");
    log_capture_expect_nothing();
}

static void reload__nothing_changed__said_so(void **state)
{
    (void)state;
    assert_int_equal(reload(&reactor, &change, why), 0);
    assert_string_equal(log_capture_expect("reloaded"),
                        "event=reloaded settings=2 changed=none needs_restart=none");
    assert_int_equal(user_timeout_ms(), 0); /* not touched */
}

static void reload__unix_listener__its_options_are_let_alone(void **state)
{
    (void)state;
    setup.listener_is_unix = true;
    configure("workers = 2\nwrite-timeout = 200s\n");
    assert_int_equal(reload(&reactor, &change, why), 0);
    assert_int_equal(user_timeout_ms(), 0);
}

static void reload__log_level__set_when_configured_anew_else_an_operators_stays(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_DEBUG); /* as an operator may at any time */
    assert_int_equal(reload(&reactor, &change, why), 0);
    assert_int_equal(log_level(), LOG_LEVEL_DEBUG);
    configure("workers = 2\nwrite-timeout = 100s\nlog-level = warn\n");
    assert_int_equal(reload(&reactor, &change, why), 0);
    assert_int_equal(log_level(), LOG_LEVEL_WARN);
    log_set_level(LOG_LEVEL_DEBUG);
}

static void reload__bad__changes_nothing_and_says_the_line(void **state)
{
    struct service_settings before = reactor.settings;

    (void)state;
    configure("hang-timeout = 7s\nworkers = many\n");
    assert_int_equal(reload(&reactor, &change, why), -EINVAL);
    assert_memory_equal(&reactor.settings, &before, sizeof before);
    expect_in(why, ":2: workers \"many\": a whole number from 1 to 128 is accepted");

    const char *line = log_capture_expect("failed");

    expect_in(line, "what=reload why=\"");
    expect_in(line, ":2: workers \\\"many\\\"");
    log_capture_expect_nothing();
}

static void reload__directory_that_cannot_be_written__changes_nothing(void **state)
{
    struct service_settings before = reactor.settings;

    (void)state;
    configure("hang-timeout = 7s\nincident-dir = /dev/null\n");
    assert_int_equal(reload(&reactor, &change, why), -ENOTDIR);
    assert_memory_equal(&reactor.settings, &before, sizeof before);
    assert_string_equal(why, "incident-dir: cannot write to /dev/null: Not a directory");
    log_capture_expect("failed");
    /* One that was good when it was configured and is lost since is no reason to refuse all else. */
    snprintf(reactor.settings.incident_dir, sizeof reactor.settings.incident_dir, "/dev/null");
    assert_int_equal(reload(&reactor, &change, why), 0);
    assert_int_equal(reactor.settings.hang_timeout_ms, 7000);
}

static void reload__while_stopping__refused(void **state)
{
    (void)state;
    reactor.state.stage = STAGE_DRAINING;
    assert_int_equal(reload(&reactor, &change, why), -ECANCELED);
    assert_string_equal(why, "the server is stopping");
    assert_int_equal(reactor.settings.number, 1);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(reload__changed__holds_and_is_said),
        TEST(reload__nothing_changed__said_so),
        TEST(reload__unix_listener__its_options_are_let_alone),
        TEST(reload__log_level__set_when_configured_anew_else_an_operators_stays),
        TEST(reload__bad__changes_nothing_and_says_the_line),
        TEST(reload__directory_that_cannot_be_written__changes_nothing),
        TEST(reload__while_stopping__refused),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
