/* wrap: isatty ioctl */
#include "loadtool/progress.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/support/cmocka_all.h"

int __wrap_isatty(int fd);
int __wrap_ioctl(int fd, unsigned long request, ...);

static int is_terminal;
static unsigned short columns; /* 0: the terminal does not know */

int __wrap_isatty(int fd)
{
    (void)fd;
    return is_terminal;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;

    (void)fd;
    assert_int_equal(request, TIOCGWINSZ);
    va_start(arguments, request);
    struct winsize *size = va_arg(arguments, struct winsize *);
    va_end(arguments);
    size->ws_col = columns;
    return columns == 1 ? -1 : 0;
}

static void columns__no_terminal__is_zero(void **state)
{
    (void)state;
    is_terminal = 0;
    columns = 120;
    assert_int_equal(progress_columns(2), 0);
}

static void columns__terminal__is_its_width_or_80(void **state)
{
    (void)state;
    is_terminal = 1;
    columns = 120;
    assert_int_equal(progress_columns(2), 120);
    columns = 0;
    assert_int_equal(progress_columns(2), 80);
    columns = 1; /* the call fails */
    assert_int_equal(progress_columns(2), 80);
}

static void format__a_running_engine__tells_time_phase_and_counts(void **state)
{
    static struct engine engine;
    char line[200];

    (void)state;
    engine.sum.sums = (struct seconds_sums){.right = 128400, .found_bytes = 2, .kills = 41, .lost = 3};
    engine.phase = ENGINE_MAIN;
    progress_format(line, sizeof(line), &engine, 3200000000);
    assert_string_equal(line, "  3.2 s  loading  128,400 right  2 wrong  41 disconnects  3 lost");
}

/* What show and clear write, with stderr caught. */
static size_t caught_bytes(int terminal)
{
    static struct engine engine;
    FILE *file = tmpfile();
    int kept = dup(2);
    char text[400];

    is_terminal = terminal;
    columns = 40;
    dup2(fileno(file), 2);
    progress_show(&engine, 0);
    progress_clear();
    fflush(stderr);
    dup2(kept, 2);
    close(kept);
    rewind(file);
    size_t length = fread(text, 1, sizeof(text), file);
    fclose(file);
    return length;
}

static void show__in_a_pipe__writes_nothing(void **state)
{
    (void)state;
    assert_int_equal(caught_bytes(0), 0);
}

static void show__on_a_narrow_terminal__writes_one_line_that_fits(void **state)
{
    (void)state;
    assert_in_range(caught_bytes(1), 20, 4 + 39 + 4);
}

/* What is said on stderr while the engine is shown at some times. */
static const char *catch_shows(const struct engine *engine, const uint64_t *times_ns, size_t count)
{
    static char text[4096];
    FILE *file = tmpfile();
    int kept = dup(2);

    dup2(fileno(file), 2);
    for (size_t i = 0; i < count; i++)
        progress_show(engine, times_ns[i]);
    progress_clear();
    fflush(stderr);
    dup2(kept, 2);
    close(kept);
    rewind(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void show__on_a_wide_terminal__each_view_takes_the_place_of_the_one_before(void **state)
{
    static struct engine engine;
    const uint64_t times_ns[] = {0, 300000000};

    (void)state;
    is_terminal = 1;
    columns = 80;
    const char *said = catch_shows(&engine, times_ns, 2);
    assert_memory_equal(said, "\r\033[J", 4);
    const char *second = strstr(said, "\033[6A\r\033[J");
    assert_non_null(second);
    assert_non_null(strstr(second + 1, "\033[6A\r\033[J")); /* and at last it goes */
}

static void show__lines_wanted_in_a_pipe__one_a_second(void **state)
{
    static struct engine engine;
    static const struct settings settings = {.wants_progress = true};
    const uint64_t times_ns[] = {500000000, 1000000000, 1050000000, 2010000000};

    (void)state;
    is_terminal = 0;
    engine.settings = &settings;
    engine.sum.sums.opened = 9;
    assert_string_equal(catch_shows(&engine, times_ns, 4),
                        "1 s  connecting  9 connections  0 disconnects  0 lost  0 errors  0 wrong bytes\n"
                        "2 s  connecting  9 connections  0 disconnects  0 lost  0 errors  0 wrong bytes\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns__no_terminal__is_zero),
        cmocka_unit_test(columns__terminal__is_its_width_or_80),
        cmocka_unit_test(format__a_running_engine__tells_time_phase_and_counts),
        cmocka_unit_test(show__in_a_pipe__writes_nothing),
        cmocka_unit_test(show__on_a_narrow_terminal__writes_one_line_that_fits),
        cmocka_unit_test(show__on_a_wide_terminal__each_view_takes_the_place_of_the_one_before),
        cmocka_unit_test(show__lines_wanted_in_a_pipe__one_a_second),
    };

    return cmocka_run_group_tests_name("loadtool progress", tests, NULL, NULL);
}
