/* wrap: calloc opendir */
#include "loadtool/health_parts.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loadtool/limits.h"
#include "tests/support/cmocka_all.h"

static const char *failing;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return failing != NULL && strcmp(failing, "calloc") == 0 ? NULL : __real_calloc(count, size);
}

DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path);
DIR *__wrap_opendir(const char *path)
{
    errno = EACCES;
    return failing != NULL && strncmp(path, failing, strlen(failing)) == 0 && strcmp(failing, "calloc") != 0
               ? NULL
               : __real_opendir(path);
}

static int fresh(void **state)
{
    (void)state;
    failing = NULL;
    return 0;
}

static void stat__a_name_with_brackets_and_blanks__is_passed_over(void **state)
{
    struct health_process process;

    (void)state;
    assert_int_equal(
        health_parse_stat("42 (a) b (c)) S 7 42 42 0 -1 4194560 1 2 3 4 11 22 0 0 20 0 1 0 987654 5 6",
                          &process),
        0);
    assert_int_equal(process.pid, 42);
    assert_int_equal(process.parent, 7);
    assert_int_equal(process.state, 'S');
    assert_int_equal(process.cpu_ticks, 33);
    assert_int_equal(process.start_ticks, 987654);
    assert_int_equal(health_parse_stat("42 no name", &process), -EINVAL);
    assert_int_equal(health_parse_stat("42 (x) S 7", &process), -EINVAL);
}

static void family__descendants_in_any_order__are_kept_and_no_one_else(void **state)
{
    struct health_process list[] = {{.pid = 9, .parent = 5}, {.pid = 3, .parent = 1},
                                    {.pid = 5, .parent = 2}, {.pid = 2, .parent = 1},
                                    {.pid = 8, .parent = 9}, {.pid = 7, .parent = 3}};
    int sum = 0;

    (void)state;
    assert_int_equal(health_keep_family(list, 6, 2), 4);
    assert_int_equal(list[0].pid, 2);
    for (size_t i = 0; i < 4; i++)
        sum += list[i].pid;
    assert_int_equal(sum, 2 + 5 + 9 + 8);
    assert_int_equal(health_keep_family(list, 6, 77), 0);
}

static void close_wait__rows_of_a_table__only_ours_in_that_state(void **state)
{
    char table[] =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 0100007F:270F 0100007F:1234 08 00000000:00000001 00:00000000 00000000  1000        0 111 1 0\n"
        "   1: 0100007F:270F 0100007F:1235 01 00000000:00000000 00:00000000 00000000  1000        0 222 1 0\n"
        "   2: 0100007F:270F 0100007F:1236 08 00000000:00000000 00:00000000 00000000  1000        0 333 1 "
        "0\n";
    uint64_t ours[] = {111, 222};
    struct health_inodes inodes = {.list = ours, .count = 2};

    (void)state;
    FILE *in = fmemopen(table, sizeof(table) - 1, "r");
    assert_int_equal(health_count_close_wait(in, &inodes), 1);
    fclose(in);
}

static void look__this_process__counts_descriptors_children_and_zombies(void **state)
{
    struct health_sample before, after;
    int hold[2];

    (void)state;
    assert_int_equal(health_look(getpid(), 10, &before), 0);
    assert_true(before.is_there && before.rss_bytes > 0 && before.descriptors >= 3);
    assert_int_equal(pipe(hold), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(hold[1]);
        _exit((int)read(hold[0], &byte, 1));
    }
    assert_int_equal(health_look(getpid(), 10, &after), 0);
    assert_int_equal(after.processes, before.processes + 1);
    assert_true(after.descriptors >= 2 * before.descriptors);
    close(hold[1]);
    siginfo_t told;
    assert_int_equal(waitid(P_PID, (id_t)child, &told, WEXITED | WNOWAIT), 0);
    assert_int_equal(health_look(getpid(), 10, &after), 0);
    assert_int_equal(after.processes, before.processes);
    assert_int_equal(after.zombies, before.zombies + 1);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(hold[0]);
}

static void look__a_busy_process__takes_processor_time(void **state)
{
    struct health_sample sample;

    (void)state;
    pid_t child = fork();
    if (child == 0)
        for (volatile unsigned long long i = 0;; i++)
            continue;
    assert_int_equal(health_look(child, 200, &sample), 0);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(sample.idle_cpu > 0.02);
    assert_int_equal(health_look(child, 1, &sample), -ESRCH);
}

static void look__a_call_fails__is_told(void **state)
{
    struct health_sample sample;

    (void)state;
    failing = "calloc";
    assert_int_equal(health_look(getpid(), 1, &sample), -ENOMEM);
    failing = "/proc";
    assert_int_equal(health_look(getpid(), 1, &sample), -EACCES);
}

static void wait__a_signal_to_end__is_told(void **state)
{
    (void)state;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGTERM);
    assert_int_equal(health_wait(60000), -EINTR);
    assert_int_equal(health_wait(1), 0);
}

static struct health healthy(void)
{
    struct health health = {.is_watched = true, .pid = 5};

    health.before = (struct health_sample){
        .is_there = true, .start_ticks = 9, .processes = 3, .descriptors = 20, .rss_bytes = 100000000};
    health.after = health.before;
    return health;
}

static void residues__what_may_be_kept__is_none(void **state)
{
    char residues[HEALTH_RESIDUES_MAX][HEALTH_RESIDUE_BYTES];
    struct health health = healthy();

    (void)state;
    assert_int_equal(health_find_residues(&health, residues), 0);
    health.after.rss_bytes += 10000000;
    health.after.idle_cpu = 0.019;
    health.after.descriptors--;
    assert_int_equal(health_find_residues(&health, residues), 0);
    health.before.rss_bytes = 1000000;
    health.after.rss_bytes = 1000000 + LIMIT_RSS_BYTES;
    assert_int_equal(health_find_residues(&health, residues), 0);
    health.is_watched = false;
    health.after.zombies = 99;
    assert_int_equal(health_find_residues(&health, residues), 0);
}

static void residues__each_kind__is_named(void **state)
{
    char residues[HEALTH_RESIDUES_MAX][HEALTH_RESIDUE_BYTES];
    struct health health = healthy();

    (void)state;
    health.after = (struct health_sample){.is_there = true,
                                          .start_ticks = 9,
                                          .processes = 4,
                                          .zombies = 1,
                                          .descriptors = 21,
                                          .close_wait = 2,
                                          .rss_bytes = 110000001,
                                          .idle_cpu = 0.03};
    assert_int_equal(health_find_residues(&health, residues), 6);
    assert_string_equal(residues[0], "the server has 21 descriptors, 20 before the load");
    assert_string_equal(residues[1], "the server has 2 sockets in CLOSE-WAIT, 0 before the load");
    assert_non_null(strstr(residues[4], "memory"));
    assert_non_null(strstr(residues[5], "3.0 %"));
    health.after.processes = 2;
    health_find_residues(&health, residues);
    assert_non_null(strstr(residues[3], "2 processes, 3 before"));
}

static void residues__gone_or_another_process_of_that_number__has_ended(void **state)
{
    char residues[HEALTH_RESIDUES_MAX][HEALTH_RESIDUE_BYTES];
    struct health health = healthy();

    (void)state;
    health.after.start_ticks = 10;
    assert_int_equal(health_find_residues(&health, residues), 1);
    assert_string_equal(residues[0], "the server, process 5, has ended");
    health.after = (struct health_sample){.is_there = false};
    assert_int_equal(health_find_residues(&health, residues), 1);
}

#define TEST(test) cmocka_unit_test_setup(test, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(stat__a_name_with_brackets_and_blanks__is_passed_over),
        TEST(family__descendants_in_any_order__are_kept_and_no_one_else),
        TEST(close_wait__rows_of_a_table__only_ours_in_that_state),
        TEST(look__this_process__counts_descriptors_children_and_zombies),
        TEST(look__a_busy_process__takes_processor_time),
        TEST(look__a_call_fails__is_told),
        TEST(wait__a_signal_to_end__is_told),
        TEST(residues__what_may_be_kept__is_none),
        TEST(residues__each_kind__is_named),
        TEST(residues__gone_or_another_process_of_that_number__has_ended),
    };

    return cmocka_run_group_tests_name("loadtool health", tests, NULL, NULL);
}
