/* wrap: malloc calloc open_memstream compress uncompress */
#include "loadtool/hdr.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "loadtool/hdr_log.h"
#include "tests/support/cmocka_all.h"

static struct histogram written, read_back;
static int fails_at = -1; /* the n-th call for memory, of all kinds; -1 = none */
static int packing = Z_OK;

static bool fails(void)
{
    return fails_at >= 0 && fails_at-- == 0;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

FILE *__real_open_memstream(char **text, size_t *size);
FILE *__wrap_open_memstream(char **text, size_t *size);
FILE *__wrap_open_memstream(char **text, size_t *size)
{
    return fails() ? NULL : __real_open_memstream(text, size);
}

int __real_compress(Bytef *to, uLongf *to_bytes, const Bytef *from, uLong from_bytes);
int __wrap_compress(Bytef *to, uLongf *to_bytes, const Bytef *from, uLong from_bytes);
int __wrap_compress(Bytef *to, uLongf *to_bytes, const Bytef *from, uLong from_bytes)
{
    return packing != Z_OK ? packing : __real_compress(to, to_bytes, from, from_bytes);
}

int __real_uncompress(Bytef *to, uLongf *to_bytes, const Bytef *from, uLong from_bytes);
int __wrap_uncompress(Bytef *to, uLongf *to_bytes, const Bytef *from, uLong from_bytes);
int __wrap_uncompress(Bytef *to, uLongf *to_bytes, const Bytef *from, uLong from_bytes)
{
    return packing != Z_OK ? packing : __real_uncompress(to, to_bytes, from, from_bytes);
}

static int fresh(void **state)
{
    (void)state;
    histogram_init(&written);
    histogram_init(&read_back);
    fails_at = -1;
    packing = Z_OK;
    return 0;
}

static void go_through(void)
{
    char *text = hdr_format(&written);

    assert_non_null(text);
    assert_memory_equal(text, "HISTFAAA", 8); /* the cookie of a compressed V2 histogram */
    assert_int_equal(strlen(text) % 4, 0);
    assert_int_equal(hdr_read(text, &read_back), 0);
    assert_memory_equal(read_back.buckets, written.buckets, sizeof(written.buckets));
    assert_int_equal(read_back.count, written.count);
    free(text);
}

static void write_and_read__any_values__every_bucket_is_the_same(void **state)
{
    (void)state;
    go_through(); /* empty */
    for (uint64_t ns = 1; ns < HISTOGRAM_NS_MAX; ns = ns * 5 / 3 + 1)
        for (uint64_t i = 0; i < ns % 7 + 1; i++)
            histogram_record(&written, ns);
    go_through();
    histogram_record(&written, 0);
    histogram_record(&written, UINT64_MAX); /* counted in the last bucket */
    go_through();
    written.count = written.buckets[77] = UINT64_C(1) << 62; /* nine bytes long */
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        written.buckets[i] = i == 77 ? written.buckets[i] : 0;
    go_through();
}

static void read__max_and_sum__are_those_of_the_buckets(void **state)
{
    (void)state;
    histogram_record(&written, 3);
    histogram_record(&written, 1000000);
    go_through();
    assert_in_range(read_back.max_ns, 1000000, 1001000);
    assert_true(read_back.sum_ns == 3.0 + (double)read_back.max_ns);
}

/* Its first byte is at `at`. */
static char *spoilt(size_t at, const char *with)
{
    histogram_record(&written, 1000);
    char *text = hdr_format(&written);

    memcpy(text + at, with, strlen(with));
    return text;
}

static void read__no_histogram__is_refused_and_nothing_changes(void **state)
{
    static const struct {
        size_t at;
        const char *with;
    } spoils[] = {{0, "IISTFAAA"}, {9, "B"}, {4, "!"}, {14, "AAAAAAA"}};
    static const char *const words[] = {"", "HIS", "HISTFAAA", "====", "HISTFAAAAAB42g=="};

    (void)state;
    read_back.count = 5;
    for (size_t i = 0; i < sizeof(spoils) / sizeof(spoils[0]); i++) {
        char *text = spoilt(spoils[i].at, spoils[i].with);
        assert_int_equal(hdr_read(text, &read_back), -EINVAL);
        free(text);
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        assert_int_equal(hdr_read(words[i], &read_back), -EINVAL);
    assert_int_equal(read_back.count, 5);
}

static void write_and_read__no_memory__says_so(void **state)
{
    char *text = hdr_format(&written);

    (void)state;
    for (int i = 0; i < 3; i++) {
        fails_at = i;
        assert_null(hdr_format(&written));
        fails_at = i;
        assert_int_equal(hdr_read(text, &read_back), -ENOMEM);
    }
    fails_at = -1;
    packing = Z_MEM_ERROR;
    assert_null(hdr_format(&written));
    assert_int_equal(hdr_read(text, &read_back), -ENOMEM);
    free(text);
}

/* -- the log -- */

static char log_text[16384];

static void log__seconds_and_what_came_outside__come_to_the_whole(void **state)
{
    static struct histogram second, all;
    struct hdr_log log = {.out = fmemopen(log_text, sizeof(log_text), "w")};

    (void)state;
    histogram_init(&second);
    histogram_init(&all);
    hdr_log_begin(&log);
    hdr_log_add(&log, &(struct second){.length_ns = 1000000000, .latency = &second}); /* nothing: no line */
    histogram_record(&second, 2500000);
    histogram_record(&all, 2500000);
    histogram_record(&all, 77); /* before the first second */
    hdr_log_add(&log, &(struct second){.begin_ns = 1000000000, .length_ns = 500000000, .latency = &second});
    assert_int_equal(hdr_log_end(&log, &all), 0);
    fclose(log.out);
    assert_memory_equal(log.written.buckets, all.buckets, sizeof(all.buckets));
    assert_non_null(strstr(log_text, "#[Histogram log format version 1.3]\n#[StartTime: "));
    const char *line = strstr(log_text, "\n1.000,0.500,2.500000,HISTFAAA");
    assert_non_null(line);
    assert_non_null(strstr(line + 1, "\n0.000,0.000,0.000077,HISTFAAA"));
}

static void log__all_was_in_seconds__no_further_line(void **state)
{
    static struct histogram second;
    struct hdr_log log = {.out = fmemopen(log_text, sizeof(log_text), "w")};

    (void)state;
    histogram_init(&second);
    histogram_record(&second, 9);
    hdr_log_begin(&log);
    hdr_log_add(&log, &(struct second){.length_ns = 1000000000, .latency = &second});
    assert_int_equal(hdr_log_end(&log, &second), 0);
    fclose(log.out);
    assert_null(strstr(log_text, "\n0.000,0.000,"));
}

static void log__the_load_never_began__has_its_header(void **state)
{
    static struct histogram nothing;
    struct hdr_log log = {.out = fmemopen(log_text, sizeof(log_text), "w")};

    (void)state;
    assert_int_equal(hdr_log_end(&log, &nothing), 0);
    fclose(log.out);
    assert_non_null(strstr(log_text, "\n\"StartTimestamp\","));
}

static void log__errors__the_first_one_is_told(void **state)
{
    static struct histogram second;
    struct hdr_log log = {.out = fopen("/dev/full", "we")};

    (void)state;
    setvbuf(log.out, NULL, _IONBF, 0);
    histogram_init(&second);
    hdr_log_begin(&log);
    assert_int_equal(hdr_log_end(&log, &second), -EIO);
    histogram_record(&second, 9);
    packing = Z_MEM_ERROR;
    hdr_log_add(&log, &(struct second){.length_ns = 1000000000, .latency = &second});
    assert_int_equal(hdr_log_end(&log, &second), -ENOMEM);
    fclose(log.out);
}

#define TEST(test) cmocka_unit_test_setup(test, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(write_and_read__any_values__every_bucket_is_the_same),
        TEST(read__max_and_sum__are_those_of_the_buckets),
        TEST(read__no_histogram__is_refused_and_nothing_changes),
        TEST(write_and_read__no_memory__says_so),
        TEST(log__seconds_and_what_came_outside__come_to_the_whole),
        TEST(log__all_was_in_seconds__no_further_line),
        TEST(log__the_load_never_began__has_its_header),
        TEST(log__errors__the_first_one_is_told),
    };

    return cmocka_run_group_tests_name("loadtool hdr", tests, NULL, NULL);
}
