/* Whose bytes are in a slot's journal, and where the unanswered ones begin: whatever numbers stand on the board. */
#include "tests/support/cmocka_all.h"

#include "worker/journal.h"

#include <stdint.h>

enum { OWNER = FIRST_CONNECTION + 3, OTHER };

static struct board board;

static int clear(void **state)
{
    (void)state;
    board = (struct board){0};
    return 0;
}

static void write_numbers(int owner, uint32_t bytes)
{
    atomic_store(&board.journal_fd, owner);
    atomic_store(&board.journal_bytes, bytes);
}

/* ---- a message on its way ---- */

static void new_board__nobody_owns_it(void **state)
{
    (void)state;
    assert_int_equal(journal_owner(&board), 0);
    assert_int_equal(journal_offset(&board, OWNER, 5), -1);
}

static void open__fd__its_own_without_a_count(void **state)
{
    (void)state;
    journal_open(&board, OWNER);
    assert_int_equal(journal_owner(&board), OWNER);
    assert_int_equal(atomic_load(&board.journal_bytes), 0);
}

static void fill__count__the_last_ones_are_held(void **state)
{
    (void)state;
    journal_open(&board, OWNER);
    journal_fill(&board, 100);
    assert_int_equal(journal_owner(&board), OWNER);
    assert_int_equal(journal_offset(&board, OWNER, 100), 0);
    assert_int_equal(journal_offset(&board, OWNER, 30), 70);
    assert_int_equal(journal_offset(&board, OWNER, 0), 100);
}

static void close__filled__nobody_owns_it(void **state)
{
    (void)state;
    journal_open(&board, OWNER);
    journal_fill(&board, 100);
    journal_close(&board);
    assert_int_equal(journal_owner(&board), 0);
    assert_int_equal(journal_offset(&board, OWNER, 100), -1);
}

/* Else a worker that dies before it knows its own would leave that of the message before. */
static void open__filled_before__count_is_forgotten(void **state)
{
    (void)state;
    journal_open(&board, OWNER);
    journal_fill(&board, 100);
    journal_close(&board);
    journal_open(&board, OTHER);
    assert_int_equal(journal_offset(&board, OTHER, 30), 0);
}

static void forget__owner__nobody_owns_it(void **state)
{
    (void)state;
    journal_open(&board, OWNER);
    journal_fill(&board, 100);
    journal_forget(&board, OWNER);
    assert_int_equal(journal_owner(&board), 0);
}

static void forget__another__stays_the_owners(void **state)
{
    (void)state;
    journal_open(&board, OWNER);
    journal_fill(&board, 100);
    journal_forget(&board, OTHER);
    assert_int_equal(journal_owner(&board), OWNER);
    assert_int_equal(journal_offset(&board, OWNER, 30), 70);
}

/* ---- what a dead worker may have left ---- */

static void offset__no_count__all_are_held(void **state)
{
    (void)state;
    journal_open(&board, OWNER);
    assert_int_equal(journal_offset(&board, OWNER, 1), 0);
    assert_int_equal(journal_offset(&board, OWNER, CHUNK_BYTES_MAX), 0);
}

static void offset__another_connection__not_in_here(void **state)
{
    (void)state;
    write_numbers(OWNER, 100);
    assert_int_equal(journal_offset(&board, OTHER, 30), -1);
    write_numbers(OWNER, 0);
    assert_int_equal(journal_offset(&board, OTHER, 30), -1);
}

static void offset__more_held_than_were_taken__not_in_here(void **state)
{
    (void)state;
    write_numbers(OWNER, 100);
    assert_int_equal(journal_offset(&board, OWNER, 101), -1);
    assert_int_equal(journal_offset(&board, OWNER, 150), -1);
    assert_int_equal(journal_offset(&board, OWNER, UINT32_MAX), -1);
}

static void offset__whole_chunk__fits(void **state)
{
    (void)state;
    write_numbers(OWNER, CHUNK_BYTES_MAX);
    assert_int_equal(journal_offset(&board, OWNER, CHUNK_BYTES_MAX), 0);
    assert_int_equal(journal_offset(&board, OWNER, 1), CHUNK_BYTES_MAX - 1);
}

/* An offset from such a count would lie behind the journal's end. */
static void offset__count_above_a_chunk__not_believed(void **state)
{
    const uint32_t counts[] = {CHUNK_BYTES_MAX + 1, INT32_MAX, 1u << 31, UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        write_numbers(OWNER, counts[i]);
        assert_int_equal(journal_offset(&board, OWNER, 1), -1);
        assert_int_equal(journal_offset(&board, OWNER, CHUNK_BYTES_MAX), -1);
    }
}

static void offset__more_held_than_a_chunk__not_in_here(void **state)
{
    const uint32_t held[] = {CHUNK_BYTES_MAX + 1, INT32_MAX, 1u << 31, UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof held / sizeof held[0]; i++) {
        write_numbers(OWNER, 0);
        assert_int_equal(journal_offset(&board, OWNER, held[i]), -1);
        write_numbers(OWNER, CHUNK_BYTES_MAX);
        assert_int_equal(journal_offset(&board, OWNER, held[i]), -1);
    }
}

static void offset__owner_that_is_no_descriptor__nobodys(void **state)
{
    const int owners[] = {-1, 1, INT32_MIN, INT32_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof owners / sizeof owners[0]; i++) {
        write_numbers(owners[i], 100);
        assert_int_equal(journal_owner(&board), owners[i]);
        assert_int_equal(journal_offset(&board, OWNER, 30), -1);
        journal_forget(&board, OWNER);
        assert_int_equal(journal_owner(&board), owners[i]);
    }
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup(test, clear)
    const struct CMUnitTest tests[] = {
        TEST(new_board__nobody_owns_it),
        TEST(open__fd__its_own_without_a_count),
        TEST(fill__count__the_last_ones_are_held),
        TEST(close__filled__nobody_owns_it),
        TEST(open__filled_before__count_is_forgotten),
        TEST(forget__owner__nobody_owns_it),
        TEST(forget__another__stays_the_owners),
        TEST(offset__no_count__all_are_held),
        TEST(offset__another_connection__not_in_here),
        TEST(offset__more_held_than_were_taken__not_in_here),
        TEST(offset__whole_chunk__fits),
        TEST(offset__count_above_a_chunk__not_believed),
        TEST(offset__more_held_than_a_chunk__not_in_here),
        TEST(offset__owner_that_is_no_descriptor__nobodys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
