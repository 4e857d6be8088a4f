/* Process titles, seen through /proc. */
#include "tests/support/cmocka_all.h"

#include "worker/title.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* wrap: malloc */

static int own_argc;
static char **own_argv;
static bool is_memory_short;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
    return is_memory_short ? NULL : __real_malloc(size);
}

/* What ps would show of a process ("self" or a pid); its length without the NULs behind it. */
static size_t read_title_of(const char *process, char *out, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/cmdline", process);

    int fd = open(path, O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    ssize_t length = read(fd, out, size - 1);
    close(fd);
    assert_true(length > 0);
    out[length] = '\0';
    while (length > 0 && out[length - 1] == '\0')
        length--;
    return (size_t)length;
}

static size_t read_title(char *out, size_t size)
{
    return read_title_of("self", out, size);
}

static void set__before_init__nothing(void **state)
{
    char before[4096], after[4096];
    size_t length = read_title(before, sizeof before);

    (void)state;
    title_set("other");
    assert_int_equal(read_title(after, sizeof after), length);
    assert_memory_equal(before, after, length);
}

static void init__no_memory__everything_stays(void **state)
{
    char *name = own_argv[0];
    char **environment = environ;
    char title[4096];

    (void)state;
    is_memory_short = true;
    title_init(own_argc, own_argv);
    is_memory_short = false;
    assert_ptr_equal(own_argv[0], name);
    assert_ptr_equal(environ, environment);
    title_set("other");
    read_title(title, sizeof title);
    assert_string_not_equal(title, "other");
}

/* The copies that were freed were once handed out. Arguments that nobody laid the title over are as good. */
static void arguments__no_memory_for_copies__are_the_originals(void **state)
{
    char name[] = "program", role[] = "--role", option[] = "-v";
    char *argv[] = {name, role, option, NULL};

    (void)state;
    is_memory_short = true;
    title_init(3, argv);
    is_memory_short = false;
    assert_ptr_equal(title_arguments(), argv);
    title_drop_argument();
    assert_ptr_equal(argv[0], name);
    assert_ptr_equal(argv[1], option);
    assert_null(argv[2]);
}

static void drop__no_argument__nothing(void **state)
{
    char name[] = "program";
    char *alone[] = {name, NULL}, *none[] = {NULL};

    (void)state;
    is_memory_short = true;
    title_init(1, alone);
    title_drop_argument();
    assert_ptr_equal(alone[0], name);
    title_init(1, none);
    title_drop_argument();
    is_memory_short = false;
    assert_null(none[0]);
}

static void set__after_init__shown_and_arguments_stay(void **state)
{
    char name[4096], path[4096], title[4096];

    (void)state;
    snprintf(name, sizeof name, "%s", own_argv[0]);
    snprintf(path, sizeof path, "%s", getenv("PATH"));
    title_init(own_argc, own_argv);
    title_set("prefork-upper: %s %d", "worker", 3);
    assert_int_equal(read_title(title, sizeof title), strlen("prefork-upper: worker 3"));
    assert_string_equal(title, "prefork-upper: worker 3");
    assert_string_equal(own_argv[0], name);
    assert_string_equal(getenv("PATH"), path);
    assert_string_equal(program_invocation_name, name);
    assert_string_equal(program_invocation_short_name, "test_title");
    assert_null(own_argv[own_argc]);

    title_set("short");
    assert_int_equal(read_title(title, sizeof title), strlen("short"));
}

/* What another image of the program is started with: as it was given, whatever the title. */
static void arguments__after_init__as_they_were_given(void **state)
{
    (void)state;
    assert_non_null(title_arguments());
    assert_string_equal(title_arguments()[0], own_argv[0]);
    assert_null(title_arguments()[own_argc]);
}

static void set__in_a_child__only_there(void **state)
{
    char title[4096];
    int status = 1;

    (void)state;
    title_set("parent");
    pid_t pid = fork();
    if (pid == 0) {
        title_set("child");
        read_title(title, sizeof title);
        _exit(strcmp(title, "child") == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    read_title(title, sizeof title);
    assert_string_equal(title, "parent");
}

static void set__longer_than_any_room__cut_and_harmless(void **state)
{
    char text[2000], title[4096];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    title_set("%s", text);

    size_t length = read_title(title, sizeof title);

    assert_true(length > 0 && length < 256);
    assert_int_equal(strspn(title, "x"), length);
    assert_non_null(getenv("PATH"));
}

/* A successor has the title of the keeper that cloned it until it sets its own. Scripts that looked just then took it for
 * a worker "0 a". */
static void set__read_meanwhile__never_with_the_end_of_the_old_one(void **state)
{
    char process[16], title[4096];
    int whole = 0;
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (child == 0) { /* until it is killed */
        title_set("prefork-upper: keeper 0 a");
        title_set("prefork-upper: worker 0");
    }
    snprintf(process, sizeof process, "%d", (int)child);
    for (int i = 0; i < 20000; i++) {
        read_title_of(process, title, sizeof title);
        assert_string_not_equal(title, "prefork-upper: worker 0 a");
        whole += strcmp(title, "prefork-upper: worker 0") == 0;
    }
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(whole > 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set__before_init__nothing),
        cmocka_unit_test(init__no_memory__everything_stays),
        cmocka_unit_test(arguments__no_memory_for_copies__are_the_originals),
        cmocka_unit_test(drop__no_argument__nothing),
        cmocka_unit_test(set__after_init__shown_and_arguments_stay),
        cmocka_unit_test(arguments__after_init__as_they_were_given),
        cmocka_unit_test(set__in_a_child__only_there),
        cmocka_unit_test(set__longer_than_any_room__cut_and_harmless),
        cmocka_unit_test(set__read_meanwhile__never_with_the_end_of_the_old_one),
    };

    own_argc = argc;
    own_argv = argv;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
