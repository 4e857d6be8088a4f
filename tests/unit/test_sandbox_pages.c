/* The shared pages of a confined worker: its own part can be written, what others go by cannot, and what other
 * workers' clients say cannot even be read. */
/* wrap: syscall mprotect setrlimit prctl sysconf */
#include "tests/support/cmocka_all.h"

#include "tests/support/sandbox_fixture.h"

#include <signal.h>
#include <stdint.h>

static int write_own_part(void)
{
    atomic_store(&confined.board->current, 5);
    atomic_store(&confined.board->worker_shots[0], 6);
    atomic_store(&confined.pages->loads.cells[CONFINED_SLOT].counters[0], 7);
    atomic_store(&confined.pages->loads.cells[SLOT_COUNT_MAX - 1].log_lost, 8);
    confined.pages->journals[CONFINED_SLOT][CHUNK_BYTES_MAX - 1] = 9;
    return CONFINED_SURVIVED;
}

static void pages__own_fields__can_be_written(void **state)
{
    (void)state;
    assert_int_equal(confined_code_of(write_own_part), CONFINED_SURVIVED);
    assert_int_equal(atomic_load(&confined.board->current), 5);
    assert_int_equal(atomic_load(&confined.board->worker_shots[0]), 6);
    assert_int_equal(atomic_load(&confined.pages->loads.cells[CONFINED_SLOT].counters[0]), 7);
    assert_int_equal(atomic_load(&confined.pages->loads.cells[SLOT_COUNT_MAX - 1].log_lost), 8);
    assert_int_equal(confined.pages->journals[CONFINED_SLOT][CHUNK_BYTES_MAX - 1], 9);
}

static void *volatile target;

static int write_target(void)
{
    *(volatile char *)target = 1;
    return CONFINED_SURVIVED;
}

/* The number that the supervisor would signal; the order that a keeper would obey; what the supervisor remembers. */
static void pages__fields_of_others__sigsegv(void **state)
{
    void *const targets[] = {
        &confined.board->worker.pid,
        &confined.board->keepers[KEEPER_B].pid,
        &confined.board->order_spawn,
        &confined.board->worker_death,
        &confined.board->settings,
        &confined.board->keeper_shots[FAULT_CALL_COUNT - 1],
        &confined.pages->orders.master_pid,
        confined.pages->orders.memory,
        confined.pages->orders.facts,
        &confined.pages->orders.images,
        confined.pages->incidents,
        &shared_board(confined.pages, CONFINED_SLOT + 1)->current,
        &shared_board(confined.pages, 0)->current,
    };

    (void)state;
    if (sandbox_unfit())
        skip();
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        target = targets[i];
        if (confined_signal_of(write_target) != SIGSEGV)
            fail_msg("row %zu can be written", i);
        assert_int_equal(atomic_load(&confined.board->fault_address), (uintptr_t)target);
    }
}

static int read_target(void)
{
    return *(volatile char *)target ? 1 : CONFINED_SURVIVED;
}

static void pages__journals_of_others__cannot_even_be_read(void **state)
{
    void *const targets[] = {confined.pages->journals[0],
                             confined.pages->journals[CONFINED_SLOT - 1] + CHUNK_BYTES_MAX - 1,
                             confined.pages->journals[CONFINED_SLOT + 1],
                             confined.pages->journals[SLOT_COUNT_MAX - 1] + CHUNK_BYTES_MAX - 1};

    (void)state;
    if (sandbox_unfit())
        skip();
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        target = targets[i];
        if (confined_signal_of(read_target) != SIGSEGV)
            fail_msg("row %zu can be read", i);
    }
}

static void pages__other_size_of_pages__unsupported(void **state)
{
    (void)state;
    if (sandbox_unfit())
        skip();
    confined.bend.page_size = 65536;
    assert_int_equal(confined_code_of(confined_do_nothing), CONFINED_SURVIVED);
    assert_int_equal(confined_result_of(SANDBOX_PAGES), SANDBOX_UNSUPPORTED);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, confined_begin, confined_finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pages__own_fields__can_be_written),
        TEST(pages__fields_of_others__sigsegv),
        TEST(pages__journals_of_others__cannot_even_be_read),
        TEST(pages__other_size_of_pages__unsupported),
    };

    return cmocka_run_group_tests_name("sandbox_pages", tests, NULL, NULL);
}
