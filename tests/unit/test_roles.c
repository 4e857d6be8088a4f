/*
 * Roles of a process that has become another image. Each plays in a child, whose keeper, worker and master
 * are stood in for: they say to the test how they were called.
 */
/* wrap: keeper_resume_main worker_main master_run options_parse_again facts_tidy_up fflush */
#include "tests/support/cmocka_all.h"

#include "master/checker.h"
#include "master/facts.h"
#include "master/master.h"
#include "master/roles.h"
#include "master/subcommand.h"
#include "worker/heritage.h"
#include "worker/image.h"
#include "worker/keeper.h"
#include "worker/log.h"
#include "worker/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CONNECTIONS = 321, SERVICE_CODE = 70, OUTPUT_SIZE = 512 };

static struct shared_pages *pages;

/* Written by the child. */
static struct seen {
    char text[160]; /* who was called, and how */
    bool tidied;
    bool pages_are_ours; /* those that were attached are the ones that the test made */
    bool has_options;
    char comm[16];
} * seen;

static bool options_are_bad, flush_fails; /* in the child */

/* ---- stood in for ---- */

static bool are_ours(struct shared_pages *attached)
{
    return attached->orders.start_ns == 4242;
}

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(seen->text, sizeof seen->text, format, arguments);
    va_end(arguments);
    prctl(PR_GET_NAME, seen->comm);
}

_Noreturn void __wrap_keeper_resume_main(struct shared_pages *attached, unsigned slot,
                                         enum keeper_letter letter, uint32_t generation, uint32_t image,
                                         uint32_t descriptor_count);
_Noreturn void __wrap_keeper_resume_main(struct shared_pages *attached, unsigned slot,
                                         enum keeper_letter letter, uint32_t generation, uint32_t image,
                                         uint32_t descriptor_count)
{
    note("keeper %u %d %u %u %u", slot, (int)letter, generation, image, descriptor_count);
    seen->pages_are_ours = are_ours(attached);
    _exit(0);
}

_Noreturn void __wrap_worker_main(struct shared_pages *attached, unsigned slot, uint32_t generation);
_Noreturn void __wrap_worker_main(struct shared_pages *attached, unsigned slot, uint32_t generation)
{
    note("worker %u %u", slot, generation);
    seen->pages_are_ours = are_ours(attached);
    _exit(0);
}

int __wrap_master_run(struct service_setup *setup);
int __wrap_master_run(struct service_setup *setup)
{
    sigset_t blocked;

    sigprocmask(SIG_SETMASK, NULL, &blocked);
    note("master %u connections=%u argc=%d argv1=%s ready=%d blocked=%d",
         atomic_load(&setup->pages->orders.master_image), setup->connection_count_max, setup->argc,
         setup->argv[1], setup->ready_fd, sigismember(&blocked, SIGTERM));
    seen->pages_are_ours = are_ours(setup->pages);
    seen->has_options = setup->options->service != NULL;
    return SERVICE_CODE;
}

int __real_options_parse_again(struct options *options, int argc, char **argv, char error[]);
int __wrap_options_parse_again(struct options *options, int argc, char **argv, char error[]);
int __wrap_options_parse_again(struct options *options, int argc, char **argv, char error[])
{
    if (!options_are_bad)
        return __real_options_parse_again(options, argc, argv, error);
    snprintf(error, OPTIONS_ERROR_SIZE, "line 3: what is \"that\"?");
    return -EINVAL;
}

void __wrap_facts_tidy_up(const struct service_facts *facts);
void __wrap_facts_tidy_up(const struct service_facts *facts)
{
    struct options options;

    options_unpack(&options, &facts->options);
    seen->tidied = strcmp(options.pid_file, "/run/ours.pid") == 0;
}

int __real_fflush(FILE *stream);
int __wrap_fflush(FILE *stream);
int __wrap_fflush(FILE *stream)
{
    return flush_fails && stream == stdout ? EOF : __real_fflush(stream);
}

/* ---- help ---- */

static int begin_all(void **state)
{
    static struct service_facts facts = {.setup = {.connection_count_max = CONNECTIONS}};
    const struct options options = {.pid_file = "/run/ours.pid", .service = service_at(0)};

    (void)state;
    if (options_pack(&facts.options, &options) < 0)
        return -1;
    seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (seen == MAP_FAILED || shared_pages_create(&pages) < 0)
        return -1;
    pages->orders.start_ns = 4242;
    facts_write(pages, &facts);
    return 0;
}

static int begin(void **state)
{
    (void)state;
    options_are_bad = flush_fails = false;
    pages->orders.layout = facts_layout();
    atomic_store(&pages->orders.master_image, 1);
    atomic_store(&pages->orders.log_level, LOG_LEVEL_INFO);
    memset(seen, 0, sizeof *seen);
    return 0;
}

static char output[OUTPUT_SIZE];

/* Plays that role in a child with the arguments "-w 3"; returns its exit code. What it printed is in
 * `output`, what it logged too. */
static int play(const char *role)
{
    char argument[100], program[] = "prefork-upper", option[] = "-w", count[] = "3";
    char *argv[] = {program, option, count, NULL};
    int ends[2], status = -1;
    size_t length = 0;

    snprintf(argument, sizeof argument, IMAGE_ROLE "%s", role);
    assert_int_equal(pipe(ends), 0);
    __real_fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        dup2(ends[1], FD_LOG);
        alarm(10);
        _exit(roles_play(argument, 3, argv));
    }
    close(ends[1]);
    for (ssize_t n; (n = read(ends[0], output + length, sizeof output - 1 - length)) > 0;)
        length += (size_t)n;
    output[length] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void expect_refused(const char *role)
{
    char line[200];

    assert_int_equal(play(role), EXIT_USAGE);
    snprintf(line, sizeof line, "prefork-upper: " IMAGE_ROLE "%s: only an upgrade can ask for that\n", role);
    assert_string_equal(output, line);
    assert_string_equal(seen->text, "");
}

/* ---- is it one? ---- */

static void is_one__by_its_beginning(void **state)
{
    (void)state;
    assert_true(roles_is_one(IMAGE_ROLE "check"));
    assert_true(roles_is_one(IMAGE_ROLE));
    assert_false(roles_is_one("--image-rol"));
    assert_false(roles_is_one("-w"));
    assert_false(roles_is_one(""));
}

/* ---- check ---- */

static void check__good_command_line__says_who_it_is(void **state)
{
    char line[128], expected[130];

    (void)state;
    checker_line(line, sizeof line);
    snprintf(expected, sizeof expected, "%s\n", line);
    assert_int_equal(play("check"), 0);
    assert_string_equal(output, expected);
}

static void check__command_line_that_it_does_not_know__usage_and_why(void **state)
{
    (void)state;
    options_are_bad = true;
    assert_int_equal(play("check"), EXIT_USAGE);
    assert_string_equal(output, "line 3: what is \"that\"?\n");
}

static void check__cannot_be_said__failed(void **state)
{
    (void)state;
    flush_fails = true;
    assert_int_equal(play("check"), EXIT_FAILED);
}

/* It is run by a server of another layout, too, whose pages it must not need. */
static void check__other_layout__says_so_all_the_same(void **state)
{
    (void)state;
    pages->orders.layout++;
    assert_int_equal(play("check"), 0);
    assert_true(strncmp(output, "prefork-upper-image layout=", 27) == 0);
}

/* ---- keeper and worker ---- */

static void keeper__every_number__passed_on(void **state)
{
    char expected[100];

    (void)state;
    assert_int_equal(play("keeper:5:1:7:2"), 0);
    snprintf(expected, sizeof expected, "keeper 5 1 7 2 %u",
             FIRST_CONNECTION + CONNECTIONS + DESCRIPTOR_RESERVE);
    assert_string_equal(seen->text, expected);
    assert_true(seen->pages_are_ours);
}

static void worker__slot_and_generation__passed_on(void **state)
{
    (void)state;
    assert_int_equal(play("worker:127:9:2"), 0);
    assert_string_equal(seen->text, "worker 127 9");
    assert_true(seen->pages_are_ours);
}

/* exec names a process after the file, which is a number here: ps, top and pidof would show that. */
static void any__is_called_like_the_program(void **state)
{
    (void)state;
    play("worker:0:1:2");
    assert_string_equal(seen->comm, "prefork-upper");
}

/* ---- master ---- */

static void master__goes_on_from_the_facts__and_tidies_up_at_the_end(void **state)
{
    (void)state;
    assert_int_equal(play("master:2"), SERVICE_CODE);
    assert_string_equal(seen->text, "master 2 connections=321 argc=3 argv1=-w ready=-1 blocked=1");
    assert_true(seen->pages_are_ours);
    assert_true(seen->tidied);
    assert_string_equal(output, "");
}

static void master__configuration_has_become_bad__goes_on_with_what_all_slots_have(void **state)
{
    (void)state;
    options_are_bad = true;
    assert_int_equal(play("master:2"), SERVICE_CODE);
    assert_true(seen->has_options);
}

/* ---- what is refused ---- */

static void refused__unknown_or_incomplete(void **state)
{
    const char *const roles[] = {"",         "king",   "keeper",  "keeper:0:0:1", "keeper:x:0:1:2", "worker",
                                 "worker:0", "master", "master:", "Check",        "keeper:-1:0:1:2"};

    (void)state;
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        expect_refused(roles[i]);
}

static void refused__slot_or_letter_beyond_the_pages(void **state)
{
    char role[64];

    (void)state;
    snprintf(role, sizeof role, "keeper:%d:0:1:2", SLOT_COUNT_MAX);
    expect_refused(role);
    expect_refused("keeper:0:2:1:2");
    snprintf(role, sizeof role, "worker:%d:1:2", SLOT_COUNT_MAX);
    expect_refused(role);
}

/* Whoever types it finds no pages at that number, or none of ours. */
static void refused__other_layout(void **state)
{
    (void)state;
    pages->orders.layout++;
    expect_refused("keeper:0:0:1:2");
    expect_refused("worker:0:1:2");
    expect_refused("master:2");
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup(test, begin)
    const struct CMUnitTest tests[] = {
        TEST(is_one__by_its_beginning),
        TEST(check__good_command_line__says_who_it_is),
        TEST(check__command_line_that_it_does_not_know__usage_and_why),
        TEST(check__cannot_be_said__failed),
        TEST(check__other_layout__says_so_all_the_same),
        TEST(keeper__every_number__passed_on),
        TEST(worker__slot_and_generation__passed_on),
        TEST(any__is_called_like_the_program),
        TEST(master__goes_on_from_the_facts__and_tidies_up_at_the_end),
        TEST(master__configuration_has_become_bad__goes_on_with_what_all_slots_have),
        TEST(refused__unknown_or_incomplete),
        TEST(refused__slot_or_letter_beyond_the_pages),
        TEST(refused__other_layout),
    };

    /* The fixed numbers are the test's alone: cmocka uses the standard streams. */
    close_range(STDERR_FILENO + 1, ~0u, 0);
    return cmocka_run_group_tests(tests, begin_all, NULL);
}
