/* `prefork-upper doctor`: its options, what it is judged for, its exit codes, and the file that it writes. */
/* wrap: doctor_read fdopen fclose */
#include "tests/support/cmocka_all.h"
#include "tests/support/run_subcommand.h"

#include "master/doctor.h"
#include "master/subcommand.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[] = "/tmp/test_subcommand_doctor.XXXXXX";
static int process;                      /* that was looked at */
static const char *values[DOCTOR_COUNT]; /* NULL: absent */

void __wrap_doctor_read(const char *root, int pid, struct doctor_reading readings[DOCTOR_COUNT]);
void __wrap_doctor_read(const char *root, int pid, struct doctor_reading readings[DOCTOR_COUNT])
{
    assert_string_equal(root, "");
    process = pid;
    for (size_t i = 0; i < DOCTOR_COUNT; i++) {
        readings[i] = (struct doctor_reading){.error = values[i] ? 0 : -ENOENT};
        snprintf(readings[i].text, sizeof readings[i].text, "%s", values[i] ? values[i] : "");
    }
}

static bool no_stream, disk_is_full; /* of the next file, once */

FILE *__real_fdopen(int fd, const char *mode);
FILE *__wrap_fdopen(int fd, const char *mode);
FILE *__wrap_fdopen(int fd, const char *mode)
{
    errno = ENOMEM;
    return no_stream ? NULL : __real_fdopen(fd, mode);
}

int __real_fclose(FILE *file);
int __wrap_fclose(FILE *file);
int __wrap_fclose(FILE *file)
{
    int result = __real_fclose(file);

    if (!disk_is_full)
        return result;
    disk_is_full = false;
    errno = ENOSPC;
    return EOF;
}

static int begin(void **state)
{
    (void)state;
    memset(values, 0, sizeof values);
    values[DOCTOR_SYNCOOKIES] = "1";
    values[DOCTOR_SECCOMP] = "trap";
    values[DOCTOR_LANDLOCK] = "6";
    values[DOCTOR_HARD_LIMIT] = values[DOCTOR_SOFT_LIMIT] = "unlimited";
    process = -1;
    strcpy(directory, "/tmp/test_subcommand_doctor.XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

/* Fails when something was left. */
static int end(void **state)
{
    (void)state;
    return rmdir(directory);
}

static const char *fix_path(void)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/90-upper.conf", directory);
    return path;
}

#define DOCTOR(...) run_subcommand(subcommand_doctor, "doctor", (const char *const[]){__VA_ARGS__, NULL})

static void expect_complaint(const char *words)
{
    if (!strstr(complained, words))
        fail_msg("no \"%s\" in: %s", words, complained);
}

/* ---- exit codes ---- */

static void doctor__nothing_wrong__0(void **state)
{
    (void)state;
    assert_int_equal(run_subcommand(subcommand_doctor, "doctor", (const char *const[]){NULL}), 0);
    assert_non_null(strstr(said, "0 needed, 0 advised"));
    assert_string_equal(complained, "");
    assert_int_equal(process, 0);
}

static void doctor__something_advised_or_needed__2_or_3(void **state)
{
    (void)state;
    values[DOCTOR_SOMAXCONN] = "128";
    assert_int_equal(run_subcommand(subcommand_doctor, "doctor", (const char *const[]){NULL}), EXIT_ADVISED);
    values[DOCTOR_MEMFD] = "2";
    assert_int_equal(run_subcommand(subcommand_doctor, "doctor", (const char *const[]){NULL}), EXIT_NEEDED);
}

static void doctor__nowhere_to_write__1(void **state)
{
    FILE *full = fopen("/dev/full", "we");

    (void)state;
    assert_non_null(full);
    assert_int_equal(run_subcommand_to(full, subcommand_doctor, "doctor", (const char *const[]){NULL}),
                     EXIT_FAILED);
    expect_complaint("could not be written");
    assert_int_equal(
        run_subcommand_to(full, subcommand_doctor, "doctor", (const char *const[]){"--json", NULL}),
        EXIT_FAILED);
    expect_complaint("could not be written");
    fclose(full);
}

/* ---- options ---- */

static void doctor__servers_options__are_what_it_judges_for(void **state)
{
    (void)state;
    values[DOCTOR_SOMAXCONN] = "128";
    assert_int_equal(DOCTOR("--backlog", "128"), 0);
    assert_int_equal(DOCTOR("--backlog", "129"), EXIT_ADVISED);
    values[DOCTOR_SOMAXCONN] = NULL;
    values[DOCTOR_HARD_LIMIT] = "1192";
    assert_int_equal(DOCTOR("--max-connections", "1001"), EXIT_NEEDED);
    assert_int_equal(DOCTOR("--max-connections", "1000"), 0);
    values[DOCTOR_PORT_RANGE] = "32768 60999";
    values[DOCTOR_RESERVED_PORTS] = "";
    assert_int_equal(DOCTOR("--max-connections", "1000", "-b", "[::1]:40000"), EXIT_ADVISED);
    assert_int_equal(DOCTOR("--max-connections", "1000", "-b", "unix:/run/x:40000"), 0);
    assert_int_equal(DOCTOR("--max-connections", "1000", "-b", "127.0.0.1:104000"),
                     0); /* the start will say so */
}

static void doctor__process__that_one_is_looked_at(void **state)
{
    char number[16], option[32];

    (void)state;
    snprintf(number, sizeof number, "%d", getpid());
    snprintf(option, sizeof option, "--process=%d", getppid());
    assert_int_equal(DOCTOR("--process", number), 0);
    assert_int_equal(process, getpid());
    assert_int_equal(DOCTOR(option), 0);
    assert_int_equal(process, getppid());
}

static void doctor__process_of_nobody__is_said(void **state)
{
    char number[16];
    pid_t pid = fork();

    (void)state;
    if (pid == 0)
        _exit(0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    snprintf(number, sizeof number, "%d", pid);
    assert_int_equal(DOCTOR("--process", number), EXIT_USAGE);
    expect_complaint("there is no such process");
    assert_int_equal(process, -1); /* nothing was read */
}

static void doctor__json__is_json(void **state)
{
    (void)state;
    assert_int_equal(DOCTOR("--json"), 0);
    assert_int_equal(said[0], '{');
}

static void doctor__help__names_all_of_its_options(void **state)
{
    (void)state;
    assert_int_equal(DOCTOR("--help"), 0);
    for (size_t i = 0; subcommand_doctor_option_at(i); i++)
        assert_non_null(strstr(said, subcommand_doctor_option_at(i)->name));
    assert_non_null(strstr(said, "Exit codes: 0 "));
    assert_int_equal(DOCTOR("-h"), 0);
    assert_int_equal(process, -1); /* nothing was read */
}

static void doctor__wrong_usage__64_and_nothing_is_read(void **state)
{
    (void)state;
    assert_int_equal(DOCTOR("--process", "self"), EXIT_USAGE);
    expect_complaint("--process");
    assert_int_equal(DOCTOR("--process", "99999999999"), EXIT_USAGE);
    assert_int_equal(DOCTOR("--process", "0"), EXIT_USAGE);
    assert_int_equal(DOCTOR("--process", "12x"), EXIT_USAGE);
    assert_int_equal(DOCTOR("--process", "99999999999999999999"), EXIT_USAGE);
    assert_int_equal(DOCTOR("--process-group=7"), EXIT_USAGE);
    expect_complaint("--process-group");
    assert_int_equal(DOCTOR("--fix-file"), EXIT_USAGE);
    expect_complaint("a value is missing");
    assert_int_equal(DOCTOR("--fix-file="), EXIT_USAGE);
    assert_int_equal(DOCTOR("--jsno"), EXIT_USAGE);
    expect_complaint("--jsno");
    assert_int_equal(DOCTOR("--json=yes"), EXIT_USAGE);
    assert_int_equal(DOCTOR("--workers", "0"), EXIT_USAGE);
    assert_int_equal(process, -1);
}

static void doctor__endless_command_line__64(void **state)
{
    char word[] = "--json", *argv[300];

    (void)state;
    for (size_t i = 0; i < 300; i++)
        argv[i] = word;
    assert_int_equal(subcommand_doctor(300, argv), EXIT_USAGE);
}

/* ---- the file ---- */

static void fix_file__settings__written_for_all_to_read(void **state)
{
    struct stat status;
    char text[2048];

    (void)state;
    values[DOCTOR_SOMAXCONN] = "128";
    umask(022);
    assert_int_equal(DOCTOR("--fix-file", fix_path()), EXIT_ADVISED);
    expect_complaint("has 1 setting; sysctl -p ");
    FILE *file = fopen(fix_path(), "re");

    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_non_null(strstr(text, "\nnet.core.somaxconn = 4096\n"));
    assert_int_equal(stat(fix_path(), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0644);
    assert_int_equal(unlink(fix_path()), 0);
    values[DOCTOR_MEMFD] = "2";
    assert_int_equal(DOCTOR("--fix-file", fix_path()), EXIT_NEEDED);
    expect_complaint("has 2 settings; sysctl -p ");
    assert_int_equal(unlink(fix_path()), 0);
}

static void fix_file__that_is_there__left_as_it_is(void **state)
{
    struct stat status;

    (void)state;
    values[DOCTOR_SOMAXCONN] = "128";
    FILE *file = fopen(fix_path(), "we");

    assert_non_null(file);
    fputs("mine", file);
    fclose(file);
    assert_int_equal(DOCTOR("--fix-file", fix_path()), EXIT_FAILED);
    expect_complaint("File exists; it is left as it is\n");
    assert_int_equal(stat(fix_path(), &status), 0);
    assert_int_equal(status.st_size, 4);
    assert_int_equal(unlink(fix_path()), 0);
    /* Nor is what a link leads to. */
    assert_int_equal(symlink("nothing", fix_path()), 0);
    assert_int_equal(DOCTOR("--fix-file", fix_path()), EXIT_FAILED);
    assert_int_equal(unlink(fix_path()), 0);
}

static void fix_file__cannot_be_written__1(void **state)
{
    (void)state;
    values[DOCTOR_SOMAXCONN] = "128";
    assert_int_equal(DOCTOR("--fix-file", "/nowhere/90-upper.conf"), EXIT_FAILED);
    expect_complaint("/nowhere/90-upper.conf: No such file or directory\n");
    no_stream = true;
    assert_int_equal(DOCTOR("--fix-file", fix_path()), EXIT_FAILED);
    no_stream = false;
    expect_complaint("Cannot allocate memory\n");
    assert_int_equal(access(fix_path(), F_OK), -1); /* nothing half is left */
    disk_is_full = true;
    assert_int_equal(DOCTOR("--fix-file", fix_path()), EXIT_FAILED);
    expect_complaint("No space left on device\n");
    assert_int_equal(access(fix_path(), F_OK), -1); /* nothing half is left */
}

static void fix_file__nothing_to_set__no_file(void **state)
{
    (void)state;
    values[DOCTOR_OOM_GROUP] = "1, of /x"; /* is needed, but no sysctl */
    assert_int_equal(DOCTOR("--fix-file", fix_path()), EXIT_NEEDED);
    expect_complaint("was not written\n"); /* and end() sees that the folder is empty */
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(doctor__nothing_wrong__0),
        TEST(doctor__something_advised_or_needed__2_or_3),
        TEST(doctor__nowhere_to_write__1),
        TEST(doctor__servers_options__are_what_it_judges_for),
        TEST(doctor__process__that_one_is_looked_at),
        TEST(doctor__process_of_nobody__is_said),
        TEST(doctor__json__is_json),
        TEST(doctor__help__names_all_of_its_options),
        TEST(doctor__wrong_usage__64_and_nothing_is_read),
        TEST(doctor__endless_command_line__64),
        TEST(fix_file__settings__written_for_all_to_read),
        TEST(fix_file__that_is_there__left_as_it_is),
        TEST(fix_file__cannot_be_written__1),
        TEST(fix_file__nothing_to_set__no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
