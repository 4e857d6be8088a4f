#include "loadtool/diagnosis.h"

#include <string.h>

#include "tests/support/cmocka_all.h"

enum { STREAM = 4000, KEY = 77, OTHER_KEY = 78 };

static struct oracle oracle;
static struct diagnosis_stream stream = {.key = KEY, .end = STREAM};
static uint8_t right[STREAM];
static uint8_t got[STREAM];

static int fresh(void **state)
{
    (void)state;
    oracle_init(&oracle, ORACLE_UPPER, NULL);
    oracle_expect(&oracle, KEY, 0, right, STREAM);
    memcpy(got, right, STREAM);
    return 0;
}

static void assert_diagnosis(uint64_t at, size_t length, enum finding kind, uint64_t bytes)
{
    struct diagnosis diagnosis = diagnosis_make(&oracle, &stream, at, got, length);

    assert_int_equal(diagnosis.kind, kind);
    assert_int_equal(diagnosis.bytes, bytes);
}

static void make__a_changed_byte__is_wrong(void **state)
{
    (void)state;
    memcpy(got, right + 100, 200);
    got[0] ^= 0x80;
    assert_diagnosis(100, 200, FINDING_WRONG, 1);
    assert_diagnosis(100, 1, FINDING_WRONG, 1);
}

static void make__a_lost_part__is_missing(void **state)
{
    (void)state;
    memcpy(got, right + 164, 200);
    assert_diagnosis(100, 200, FINDING_MISSING, 64);
    memcpy(got, right + 101, 200);
    assert_diagnosis(100, 200, FINDING_MISSING, 1);
}

static void make__a_part_that_came_before__is_duplicated(void **state)
{
    (void)state;
    memcpy(got, right + 36, 200);
    assert_diagnosis(100, 200, FINDING_DUPLICATED, 64);
    memcpy(got, right + 99, 2); /* one byte twice, and only the end of the message behind it */
    assert_diagnosis(100, 2, FINDING_DUPLICATED, 1);
}

static void make__bytes_from_nowhere__are_extra(void **state)
{
    (void)state;
    memset(got, '#', 5);
    memcpy(got + 5, right + 100, 200);
    assert_diagnosis(100, 205, FINDING_EXTRA, 5);
}

static void make__too_little_evidence__is_wrong(void **state)
{
    (void)state;
    memcpy(got, right + 164, 5); /* five bytes could fit anywhere by chance */
    assert_diagnosis(100, 5, FINDING_WRONG, 1);
}

static void find_in__bytes_of_another_stream__gives_place_and_length(void **state)
{
    struct diagnosis_stream other = {.key = OTHER_KEY, .end = STREAM};
    uint64_t offset = 0;

    (void)state;
    oracle_expect(&oracle, OTHER_KEY, 640, got, 64);
    memset(got + 64, 1, 64);
    assert_int_equal(diagnosis_find_in(&oracle, &other, 704, got, 128, &offset), 64);
    assert_int_equal(offset, 640);
    assert_int_equal(diagnosis_find_in(&oracle, &stream, 704, got, 128, &offset), 0);
    assert_int_equal(diagnosis_find_in(&oracle, &other, 704, got, 7, &offset), 0);
    other.end = 600; /* nobody has asked for them yet */
    assert_int_equal(diagnosis_find_in(&oracle, &other, 600, got, 128, &offset), 0);
}

static void surplus__the_end_again_or_something_else__is_duplicated_or_extra(void **state)
{
    (void)state;
    assert_int_equal(diagnosis_of_surplus(&oracle, &stream, right + STREAM - 10, 10).kind,
                     FINDING_DUPLICATED);
    assert_int_equal(diagnosis_of_surplus(&oracle, &stream, right + STREAM - 11, 10).kind, FINDING_EXTRA);
    stream.end = 3;
    assert_int_equal(diagnosis_of_surplus(&oracle, &stream, right, 10).kind, FINDING_EXTRA);
    stream.end = STREAM;
}

#define TEST(test) cmocka_unit_test_setup(test, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(make__a_changed_byte__is_wrong),
        TEST(make__a_lost_part__is_missing),
        TEST(make__a_part_that_came_before__is_duplicated),
        TEST(make__bytes_from_nowhere__are_extra),
        TEST(make__too_little_evidence__is_wrong),
        TEST(find_in__bytes_of_another_stream__gives_place_and_length),
        TEST(surplus__the_end_again_or_something_else__is_duplicated_or_extra),
    };

    return cmocka_run_group_tests_name("loadtool diagnosis", tests, NULL, NULL);
}
