/* What a master that has become another image knows of its own past, and removes at the end. */
#include "tests/support/cmocka_all.h"

#include "master/facts.h"
#include "master/reactor_state.h"
#include "worker/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/test_facts.XXXXXX";
static struct shared_pages *pages;
static struct service_facts facts; /* of a master that has made nothing */

static int begin_all(void **state)
{
    (void)state;
    pages = mmap(NULL, sizeof *pages, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return pages != MAP_FAILED && mkdtemp(directory) ? 0 : -1;
}

/* Fails when anything is left in the directory. */
static int end_all(void **state)
{
    (void)state;
    munmap(pages, sizeof *pages);
    return rmdir(directory);
}

static int begin(void **state)
{
    (void)state;
    memset(&facts, 0, sizeof facts);
    facts.setup.control.fd = facts.listener.fd = -1;
    return 0;
}

static void path_in_directory(char out[], size_t size, const char *name)
{
    snprintf(out, size, "%s/%s", directory, name);
}

/* A file of that name and text in the directory; returns what it is. */
static struct stat make_file(const char *path, const char *text)
{
    struct stat status = {0};
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(stat(path, &status), 0);
    return status;
}

static void expect_there(const char *path, bool there)
{
    assert_int_equal(access(path, F_OK) == 0, there);
}

static void use_pid_file(const char *path)
{
    const struct options options = {.pid_file = path, .service = service_at(0)};

    assert_int_equal(options_pack(&facts.options, &options), 0);
}

/* ---- kept and read ---- */

static void written__read_by_another_image__the_same(void **state)
{
    struct service_facts read_back;

    (void)state;
    facts.setup.connection_count_max = 4711;
    facts.listener.is_unix = true;
    snprintf(facts.setup.bound, sizeof facts.setup.bound, "unix:/somewhere");
    use_pid_file("/run/it.pid");
    facts_write(pages, &facts);
    memset(&read_back, 0xff, sizeof read_back);
    facts_read(pages, &read_back);
    assert_memory_equal(&read_back, &facts, sizeof facts);
}

/* ---- the end ---- */

static void tidy_up__everything_was_made__removed(void **state)
{
    char number[32], socket_path[100], listener_path[100], pid_file[100];
    struct stat status;

    (void)state;
    snprintf(number, sizeof number, "%d\n", (int)getpid());
    path_in_directory(pid_file, sizeof pid_file, "pid");
    make_file(pid_file, number);
    use_pid_file(pid_file);

    path_in_directory(socket_path, sizeof socket_path, "control.sock");
    status = make_file(socket_path, "");
    snprintf(facts.setup.control.path, sizeof facts.setup.control.path, "%s", socket_path);
    facts.setup.control.dev = status.st_dev;
    facts.setup.control.ino = status.st_ino;

    path_in_directory(listener_path, sizeof listener_path, "listener");
    status = make_file(listener_path, "");
    snprintf(facts.listener.bound, sizeof facts.listener.bound, "unix:%s", listener_path);
    facts.listener.is_unix = true;
    facts.listener.dev = status.st_dev;
    facts.listener.ino = status.st_ino;

    facts_tidy_up(&facts);
    expect_there(pid_file, false);
    expect_there(socket_path, false);
    expect_there(listener_path, false);
}

static void tidy_up__made_anew_by_another_server__left_alone(void **state)
{
    char path[100], pid_file[100];

    (void)state;
    path_in_directory(path, sizeof path, "control.sock");
    make_file(path, "");
    snprintf(facts.setup.control.path, sizeof facts.setup.control.path, "%s", path);
    path_in_directory(pid_file, sizeof pid_file, "pid");
    make_file(pid_file, "1\n");
    use_pid_file(pid_file);
    facts_tidy_up(&facts); /* inode 0 is nobody's */
    expect_there(path, true);
    expect_there(pid_file, true);
    unlink(path);
    unlink(pid_file);
}

static void tidy_up__nothing_was_made__nothing(void **state)
{
    char path[100];

    (void)state;
    path_in_directory(path, sizeof path, "control.sock");
    make_file(path, "");
    facts_tidy_up(&facts);
    expect_there(path, true);
    unlink(path);
}

/* ---- the layout ---- */

static void layout__of_this_image__covers_memory_and_facts(void **state)
{
    (void)state;
    assert_true(facts_layout() == facts_layout());
    assert_true(facts_layout() != image_layout(sizeof(struct supervisor_memory)));
    assert_true(facts_layout() !=
                image_layout((sizeof(struct supervisor_memory) + 1) * 65536 + sizeof(struct service_facts)));
    assert_true(facts_layout() !=
                image_layout(sizeof(struct supervisor_memory) * 65536 + sizeof(struct service_facts) + 1));
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup(test, begin)
    const struct CMUnitTest tests[] = {
        TEST(written__read_by_another_image__the_same),         TEST(tidy_up__everything_was_made__removed),
        TEST(tidy_up__made_anew_by_another_server__left_alone), TEST(tidy_up__nothing_was_made__nothing),
        TEST(layout__of_this_image__covers_memory_and_facts),
    };

    return cmocka_run_group_tests(tests, begin_all, end_all);
}
