/* wrap: memfd_create posix_spawn posix_spawn_file_actions_init waitpid calloc */
#include "loadtool/trial.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/cmocka_all.h"

static const char *failing; /* the call that fails */
static char words_seen[400];
static const char *report; /* that the process leaves */
static int status_of_process, interruptions;

int __real_memfd_create(const char *name, unsigned flags);
int __wrap_memfd_create(const char *name, unsigned flags);
int __wrap_memfd_create(const char *name, unsigned flags)
{
    if (strcmp(failing, "memfd") != 0)
        return __real_memfd_create(name, flags);
    errno = EMFILE;
    return -1;
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return strcmp(failing, "memory") == 0 ? NULL : __real_calloc(count, size);
}

int __real_posix_spawn_file_actions_init(posix_spawn_file_actions_t *actions);
int __wrap_posix_spawn_file_actions_init(posix_spawn_file_actions_t *actions);
int __wrap_posix_spawn_file_actions_init(posix_spawn_file_actions_t *actions)
{
    return strcmp(failing, "actions") == 0 ? ENOMEM : __real_posix_spawn_file_actions_init(actions);
}

int __wrap_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const words[], char *const environment[]);
int __wrap_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const words[], char *const environment[])
{
    size_t used = 0;
    const char *json = NULL;

    (void)actions;
    (void)attributes;
    (void)environment;
    assert_string_equal(path, "/proc/self/exe");
    for (size_t i = 0; words[i] != NULL; i++) {
        json = words[i];
        used += (size_t)snprintf(words_seen + used, sizeof(words_seen) - used, "%s ", words[i]);
    }
    if (strcmp(failing, "spawn") == 0)
        return ENOENT;
    FILE *out = fopen(json, "we");
    assert_non_null(out);
    fputs(report, out);
    fclose(out);
    *pid = 12345;
    return 0;
}

pid_t __wrap_waitpid(pid_t pid, int *status, int options);
pid_t __wrap_waitpid(pid_t pid, int *status, int options)
{
    (void)options;
    assert_int_equal(pid, 12345);
    if (interruptions-- > 0 || strcmp(failing, "wait") == 0) {
        errno = strcmp(failing, "wait") == 0 ? ECHILD : EINTR;
        return -1;
    }
    *status = status_of_process;
    return pid;
}

static int fresh(void **state)
{
    (void)state;
    failing = "";
    report = "";
    interruptions = 0;
    status_of_process = 0;
    words_seen[0] = '\0';
    return 0;
}

static int run(struct trial *trial)
{
    static char first[] = ":9", second[] = "-c5";
    static const char *const more[TRIAL_MORE_MAX + 1] = {"--rate", "7"};
    char *words[] = {first, second};

    return trial_run(trial, words, 2, more);
}

static void run__a_process_that_says_nothing__its_code_and_no_result(void **state)
{
    struct trial trial;

    (void)state;
    interruptions = 2;
    status_of_process = 2 << 8;
    assert_int_equal(run(&trial), 0);
    assert_memory_equal(words_seen, "loadtool :9 -c5 --rate 7 --json /proc/self/fd/", 46);
    assert_int_equal(trial.exit_code, 2);
    assert_false(trial.has_result);
    status_of_process = 9;
    assert_int_equal(run(&trial), 0);
    assert_int_equal(trial.exit_code, 137);
    trial_free(&trial);
}

static void run__half_a_report__is_none(void **state)
{
    struct trial trial;

    (void)state;
    report = "{\"tool\": \"loadtool\"";
    assert_int_equal(run(&trial), 0);
    assert_false(trial.has_result);
}

static void run__what_it_needs_is_not_there__an_error(void **state)
{
    static const struct {
        const char *call;
        int rc;
    } rows[] = {
        {"memfd", -EMFILE}, {"memory", -ENOMEM}, {"actions", -ENOMEM}, {"spawn", -ENOENT}, {"wait", -ECHILD}};
    struct trial trial;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        failing = rows[i].call;
        assert_int_equal(run(&trial), rows[i].rc);
        assert_false(trial.has_result);
    }
}

#define TEST(test) cmocka_unit_test_setup(test, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(run__a_process_that_says_nothing__its_code_and_no_result),
        TEST(run__half_a_report__is_none),
        TEST(run__what_it_needs_is_not_there__an_error),
    };

    return cmocka_run_group_tests_name("loadtool trial", tests, NULL, NULL);
}
