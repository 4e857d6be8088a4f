/* The shared pages: how they are made, and whose pid counts. */
/* wrap: memfd_create ftruncate dup2 mmap */
#include "tests/support/cmocka_all.h"

#include "worker/board.h"
#include "worker/heritage.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct shared_pages *pages;
enum { NONE, MEMFD, TRUNCATE, DUP, MAP };

static int failing;        /* one of these */
static bool kernel_is_old; /* and knows no memory that must not be executed */

int __real_memfd_create(const char *name, unsigned flags);
int __wrap_memfd_create(const char *name, unsigned flags);
int __real_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size);
int __real_dup2(int fd, int number);
int __wrap_dup2(int fd, int number);
void *__real_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);

int __wrap_memfd_create(const char *name, unsigned flags)
{
    errno = kernel_is_old ? EINVAL : ENFILE;
    if (kernel_is_old && flags != MFD_ALLOW_SEALING)
        return -1;
    return failing == MEMFD ? -1 : __real_memfd_create(name, flags);
}

int __wrap_ftruncate(int fd, off_t size)
{
    errno = EFBIG;
    return failing == TRUNCATE ? -1 : __real_ftruncate(fd, size);
}

int __wrap_dup2(int fd, int number)
{
    errno = EMFILE;
    return failing == DUP ? -1 : __real_dup2(fd, number);
}

void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    errno = ENOMEM;
    return failing == MAP ? MAP_FAILED : __real_mmap(address, size, protection, flags, fd, offset);
}

static int make_pages(void **state)
{
    (void)state;
    failing = NONE;
    return shared_pages_create(&pages);
}

static int free_pages(void **state)
{
    (void)state;
    munmap(pages, sizeof *pages);
    return close(FD_SHARED);
}

/* ---- making them ---- */

static void create__described_and_zero(void **state)
{
    (void)state;
    assert_int_equal(pages->orders.version, BOARD_VERSION);
    assert_int_equal(pages->orders.master_pid, getpid());
    for (unsigned slot = 0; slot < SLOT_COUNT_MAX; slot++) {
        struct board *board = shared_board(pages, slot);

        assert_int_equal((uintptr_t)board % BOARD_BYTES, 0);
        assert_int_equal(board_worker_pid(board), 0);
        assert_false(board_accepting(board, &pages->loads.cells[slot]));
    }
}

static void create__size_sealed(void **state)
{
    struct stat facts;

    (void)state;
    assert_int_equal(fstat(FD_SHARED, &facts), 0);
    assert_int_equal(facts.st_size, sizeof *pages);
    assert_int_equal(ftruncate(FD_SHARED, facts.st_size + 1), -1);
    assert_int_equal(ftruncate(FD_SHARED, 0), -1);
}

static void create__older_kernel__made_all_the_same(void **state)
{
    (void)state;
    munmap(pages, sizeof *pages);
    close(FD_SHARED);
    kernel_is_old = true;
    assert_int_equal(shared_pages_create(&pages), 0);
    kernel_is_old = false;
    assert_true(fcntl(FD_SHARED, F_GET_SEALS) & F_SEAL_GROW);
}

static void create__memory__cannot_be_executed_where_the_kernel_knows_that(void **state)
{
    struct stat status;
    int probe = __real_memfd_create("probe", 0x0008U); /* MFD_NOEXEC_SEAL */

    (void)state;
    assert_int_equal(fstat(FD_SHARED, &status), 0);
    assert_int_equal(status.st_mode & 0111, probe < 0 ? 0111 : 0);
    if (probe >= 0)
        close(probe);
}

static void create__written_by_a_child__seen_here(void **state)
{
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        atomic_store(&shared_board(pages, 5)->highest, 77);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(atomic_load(&shared_board(pages, 5)->highest), 77);
}

/* ---- finding them again, as another image of the program ---- */

static void attach__same_layout__the_same_pages(void **state)
{
    struct shared_pages *found = NULL;

    (void)state;
    pages->orders.layout = 4711;
    assert_int_equal(shared_pages_attach(&found, 4711), 0);
    assert_ptr_not_equal(found, pages);
    atomic_store(&shared_board(pages, 5)->highest, 78);
    assert_int_equal(atomic_load(&shared_board(found, 5)->highest), 78);
    munmap(found, sizeof *found);
}

static void attach__other_layout_or_version__refused(void **state)
{
    struct shared_pages *found = NULL;

    (void)state;
    pages->orders.layout = 4711;
    assert_int_equal(shared_pages_attach(&found, 4712), -EPROTO);
    pages->orders.version = BOARD_VERSION + 1;
    assert_int_equal(shared_pages_attach(&found, 4711), -EPROTO);
    assert_null(found);
}

/* Somebody has given the hidden argument by hand: the number is anything, or nothing. */
static void attach__no_region_of_ours__refused(void **state)
{
    struct shared_pages *found = NULL;
    int saved = dup(FD_SHARED);

    (void)state;
    close(FD_SHARED);
    assert_int_equal(shared_pages_attach(&found, 0), -EPROTO);
    assert_int_equal(__real_dup2(STDIN_FILENO, FD_SHARED), FD_SHARED);
    assert_int_equal(shared_pages_attach(&found, 0), -EPROTO);
    int unsealed = __real_memfd_create("unsealed", MFD_ALLOW_SEALING);
    assert_int_equal(__real_ftruncate(unsealed, sizeof *pages), 0);
    assert_int_equal(__real_dup2(unsealed, FD_SHARED), FD_SHARED);
    assert_int_equal(shared_pages_attach(&found, 0), -EPROTO); /* it could shrink under us */
    assert_int_equal(__real_ftruncate(unsealed, sizeof *pages - 1), 0);
    assert_int_equal(fcntl(unsealed, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    assert_int_equal(shared_pages_attach(&found, 0), -EPROTO); /* of another size */
    close(unsealed);
    assert_int_equal(__real_dup2(saved, FD_SHARED), FD_SHARED);
    close(saved);
    assert_null(found);
}

static void attach__no_memory__is_told(void **state)
{
    struct shared_pages *found = NULL;

    (void)state;
    failing = MAP;
    assert_int_equal(shared_pages_attach(&found, 0), -ENOMEM);
    failing = NONE;
    assert_null(found);
}

static unsigned open_descriptors(void)
{
    unsigned count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void create__refused__negative_errno_and_nothing_left(void **state)
{
    const int errors[] = {[MEMFD] = ENFILE, [TRUNCATE] = EFBIG, [DUP] = EMFILE, [MAP] = ENOMEM};
    struct shared_pages *none = NULL;

    (void)state;
    close(FD_SHARED);
    unsigned before = open_descriptors();
    for (int step = MEMFD; step <= MAP; step++) {
        failing = step;
        assert_int_equal(shared_pages_create(&none), -errors[step]);
        assert_null(none);
        assert_int_equal(open_descriptors(), before);
    }
    failing = NONE;
    assert_int_equal(make_pages(NULL), 0);
}

/* ---- whose pid counts ---- */

static void expect_pid(uint32_t born, int32_t pid, uint32_t dead, int32_t expected)
{
    struct birth_cell birth = {.generation = born, .pid = pid};
    struct death_cell death = {.generation = dead};
    struct board *board = shared_board(pages, 0);

    assert_int_equal(board_living_pid(&birth, &death), expected);
    atomic_store(&board->worker.generation, born);
    atomic_store(&board->worker.pid, pid);
    atomic_store(&board->worker_death.generation, dead);
    assert_int_equal(board_worker_pid(board), expected);
}

static void living_pid__born_after_the_last_death__counts(void **state)
{
    (void)state;
    expect_pid(0, 0, 0, 0);
    expect_pid(1, 0, 0, 0); /* noted, and not made yet */
    expect_pid(1, 4711, 0, 4711);
    expect_pid(1, 4711, 1, 0); /* its death is told: the number may be anybody's */
    expect_pid(2, 4712, 1, 4712);
    expect_pid(2, 4712, 3, 0);
}

static void accepting__told_by_a_living_generation__true(void **state)
{
    struct board *board = shared_board(pages, 1);
    struct load_cell *cell = &pages->loads.cells[1];

    (void)state;
    atomic_store(&cell->accepting_generation, 4);
    assert_true(board_accepting(board, cell));
    atomic_store(&board->worker_death.generation, 4);
    assert_false(board_accepting(board, cell));
    atomic_store(&cell->accepting_generation, 5);
    assert_true(board_accepting(board, cell));
    atomic_store(&cell->accepting_generation, 0);
    assert_false(board_accepting(board, cell));
}

static void order__to_other_keeper_or_generation__another_word(void **state)
{
    const uint64_t order = keeper_order(KEEPER_A, 7, 9);

    (void)state;
    assert_int_equal((uint32_t)order, 9);
    assert_int_not_equal(order, keeper_order(KEEPER_B, 7, 9));
    assert_int_not_equal(order, keeper_order(KEEPER_A, 8, 9));
    assert_int_not_equal(order, keeper_order(KEEPER_A, 7, 10));
    assert_int_not_equal(keeper_order(KEEPER_A, 1, 1), 0); /* 0: no order */
}

/* ---- counters ---- */

static void counter__added__its_own_alone(void **state)
{
    struct load_cell *cell = &pages->loads.cells[2];

    (void)state;
    counter_add(cell, COUNTER_answered, UINT32_MAX);
    counter_add(cell, COUNTER_answered, 2);
    for (int i = 0; i < COUNTER_COUNT; i++)
        assert_int_equal(counter_get(cell, (enum counter)i),
                         i == COUNTER_answered ? (uint64_t)UINT32_MAX + 2 : 0);
    assert_int_equal(counter_get(&pages->loads.cells[3], COUNTER_answered), 0);
}

static void counters__each_described_and_named_once(void **state)
{
    (void)state;
    for (int i = 0; i < COUNTER_COUNT; i++) {
        const struct counter_description *description = &counter_descriptions[i];

        assert_true(strlen(description->unit) > 0 && strlen(description->sentence) > 0);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(description->name, counter_descriptions[j].name);
    }
    assert_string_equal(counter_descriptions[COUNTER_bytes_in].name, "bytes_in");
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, make_pages, free_pages)
    const struct CMUnitTest tests[] = {
        TEST(create__described_and_zero),
        TEST(create__size_sealed),
        TEST(create__older_kernel__made_all_the_same),
        TEST(create__memory__cannot_be_executed_where_the_kernel_knows_that),
        TEST(create__written_by_a_child__seen_here),
        TEST(create__refused__negative_errno_and_nothing_left),
        TEST(attach__same_layout__the_same_pages),
        TEST(attach__other_layout_or_version__refused),
        TEST(attach__no_region_of_ours__refused),
        TEST(attach__no_memory__is_told),
        TEST(living_pid__born_after_the_last_death__counts),
        TEST(accepting__told_by_a_living_generation__true),
        TEST(order__to_other_keeper_or_generation__another_word),
        TEST(counter__added__its_own_alone),
        TEST(counters__each_described_and_named_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
