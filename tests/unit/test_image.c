/* Who a program is, and becoming another one. The file is included, to show its reading of notes what no
 * linker makes. */
#include "tests/support/cmocka_all.h"

#include "worker/image.c"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { OUTPUT_SIZE = 4096 };

static struct shared_pages *pages;

static int make_pages(void **state)
{
    (void)state;
    pages = mmap(NULL, sizeof *pages, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return -1;
    pages->orders.master_pid = getpid();
    return 0;
}

static int free_pages(void **state)
{
    (void)state;
    return munmap(pages, sizeof *pages);
}

/* ---- notes, as elf(5) has them ---- */

static size_t add_note(char *notes, size_t at, uint32_t type, const char *name, size_t name_size,
                       const char *text, size_t text_size)
{
    ElfW(Nhdr) header = {.n_namesz = (uint32_t)name_size, .n_descsz = (uint32_t)text_size, .n_type = type};

    memcpy(notes + at, &header, sizeof header);
    at += sizeof header;
    memcpy(notes + at, name, name_size);
    at += padded(name_size);
    memcpy(notes + at, text, text_size);
    return at + padded(text_size);
}

static uint64_t id_of(const char *text)
{
    uint64_t id;

    memcpy(&id, text, sizeof id);
    return id;
}

static void build_id__behind_other_notes__is_found(void **state)
{
    char notes[256] = {0};

    (void)state;
    size_t size = add_note(notes, 0, NT_GNU_PROPERTY_TYPE_0, "GNU", 4, "properties", 10);
    size = add_note(notes, size, NT_GNU_BUILD_ID, "Rust", 4, "not this", 8);
    size = add_note(notes, size, NT_GNU_BUILD_ID, "other maker", 12, "nor this", 8);
    size = add_note(notes, size, NT_GNU_BUILD_ID, "GNU", 4, "too few", 7);
    assert_int_equal(build_id_in(notes, size), 0);
    size = add_note(notes, size, NT_GNU_BUILD_ID, "GNU", 4, "01234567 and more", 17);
    assert_int_equal(build_id_in(notes, size), id_of("01234567"));
}

static void build_id__no_notes__is_none(void **state)
{
    char notes[64] = {0};

    (void)state;
    assert_int_equal(build_id_in(notes, 0), 0);
    size_t size = add_note(notes, 0, NT_GNU_BUILD_ID, "GNU", 4, "01234567", 8);
    assert_true(size > sizeof(ElfW(Nhdr)));
    assert_int_equal(build_id_in(notes, sizeof(ElfW(Nhdr)) - 1), 0);
}

/* Debian's gcc has the linker make one; an upgrade tells programs apart by it. */
static void build__of_this_program__is_always_the_same(void **state)
{
    (void)state;
    assert_true(image_build() != 0);
    assert_int_equal(image_build(), image_build());
}

static void layout__of_more_memory__is_another(void **state)
{
    (void)state;
    assert_int_equal(image_layout(100), image_layout(100));
    assert_true(image_layout(100) != image_layout(101));
    assert_true(image_layout(100) != image_layout(0));
}

static void find__by_number__its_place(void **state)
{
    (void)state;
    assert_int_equal(image_find(pages, 0), -ENOENT); /* the number of every place that is empty */
    atomic_store(&pages->orders.images[1].number, 6);
    assert_int_equal(image_find(pages, 6), 1);
    assert_int_equal(image_find(pages, 5), -ENOENT);
    atomic_store(&pages->orders.images[0].number, 5);
    assert_int_equal(image_find(pages, 5), 0);
    assert_int_equal(image_find(pages, 0), -ENOENT);
}

/* ---- becoming another: echo, which says how it was called ---- */

static char output[OUTPUT_SIZE];

static void become_by_path(char **argv)
{
    char name[] = "name", role[] = "role";

    _exit(-image_exec_path("/bin/echo", name, role, argv) & 0x7f);
}

static void become_by_number(char **argv)
{
    (void)argv;
    _exit(-image_exec(pages, 6, "worker:0:3:6") & 0x7f);
}

/* Exit code of a child that becomes another; what that printed is in `output`. */
static int run_child(void (*become)(char **), char **argv)
{
    int ends[2], status = -1;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        become(argv);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t n; (n = read(ends[0], output + length, sizeof output - 1 - length)) > 0;)
        length += (size_t)n;
    output[length] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void exec__by_path__role_first_then_the_service_s_arguments(void **state)
{
    char program[] = "old name", one[] = "-w", two[] = "4";
    char *argv[] = {program, one, two, NULL}, *none[] = {NULL};

    (void)state;
    assert_int_equal(run_child(become_by_path, argv), 0);
    assert_string_equal(output, "role -w 4\n");
    assert_int_equal(run_child(become_by_path, NULL), 0);
    assert_string_equal(output, "role\n");
    assert_int_equal(run_child(become_by_path, none), 0);
    assert_string_equal(output, "role\n");
}

static void exec__as_many_arguments_as_fit__and_not_one_more(void **state)
{
    char word[] = "x", *argv[ARGUMENT_COUNT_MAX + 3] = {0};

    (void)state;
    for (int i = 0; i <= ARGUMENT_COUNT_MAX; i++)
        argv[i] = word;
    assert_int_equal(run_child(become_by_path, argv), 0);
    assert_int_equal(strlen(output), strlen("role\n") + 2 * ARGUMENT_COUNT_MAX);
    argv[ARGUMENT_COUNT_MAX + 1] = word;
    assert_int_equal(run_child(become_by_path, argv), E2BIG);
    assert_string_equal(output, "");
}

/* By the master's descriptor: the process itself needs none. */
static void exec__by_number__the_copy_that_the_master_holds(void **state)
{
    (void)state;
    assert_int_equal(run_child(become_by_number, NULL), ENOENT);
    atomic_store(&pages->orders.images[1].number, 6);
    close(FD_IMAGE + 1);
    assert_int_equal(run_child(become_by_number, NULL), ENOENT);
    int echo = open("/bin/echo", O_RDONLY | O_CLOEXEC);
    assert_int_equal(dup3(echo, FD_IMAGE + 1, O_CLOEXEC), FD_IMAGE + 1);
    close(echo);
    assert_int_equal(run_child(become_by_number, NULL), 0);
    assert_string_equal(output, "--image-role=worker:0:3:6\n");
    close(FD_IMAGE + 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, make_pages, free_pages)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(build_id__behind_other_notes__is_found),
        TEST(build_id__no_notes__is_none),
        TEST(build__of_this_program__is_always_the_same),
        TEST(layout__of_more_memory__is_another),
        TEST(find__by_number__its_place),
        TEST(exec__by_path__role_first_then_the_service_s_arguments),
        TEST(exec__as_many_arguments_as_fit__and_not_one_more),
        TEST(exec__by_number__the_copy_that_the_master_holds),
    };

    return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
