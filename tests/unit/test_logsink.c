/*
 * The reading end of the log pipe: lines out of records, whatever comes through the pipe. Whatever stderr is, in
 * test_logsink_stderr.c.
 */
/* wrap: read */
#include "tests/unit/test_logsink.h"

#include <errno.h>

static unsigned garbage_reads; /* 0: the truth is read; else one more at each read of a byte of garbage */

ssize_t __real_read(int fd, void *bytes, size_t size);
ssize_t __wrap_read(int fd, void *bytes, size_t size);

ssize_t __wrap_read(int fd, void *bytes, size_t size)
{
    if (garbage_reads == 0)
        return __real_read(fd, bytes, size);
    garbage_reads++;
    *(char *)bytes = 'x';
    return 1;
}

static int start_unbent(void **state)
{
    garbage_reads = 0;
    return start(state);
}

static size_t count_lines(const char *text)
{
    size_t count = 0;

    for (; (text = strchr(text, '\n')); text++)
        count++;
    return count;
}

static void drain__records__lines_with_time_and_level(void **state)
{
    (void)state;
    attach_pipe();
    put_record(LOG_LEVEL_INFO, 1790000000123456789, "event=serving pid=1");
    put_record(LOG_LEVEL_ERROR, 999999, "event=failed");
    put_record(LOG_LEVEL_WARN, 0, "");
    assert_int_equal(logsink_drain(&sink), 3);
    assert_string_equal(read_output(), "2026-09-21T14:13:20.123Z info  event=serving pid=1\n"
                                       "1970-01-01T00:00:00.000Z error event=failed\n"
                                       "1970-01-01T00:00:00.000Z warn  \n");
    assert_int_equal(logsink_drain(&sink), 0);
}

static void drain__log_event__arrives(void **state)
{
    (void)state;
    attach_pipe();
    log_event(LOG_LEVEL_INFO, "event=test number=%d", 5);
    assert_int_equal(logsink_drain(&sink), 1);
    assert_non_null(strstr(read_output(), "Z info  event=test number=5\n"));
}

static void drain__control_bytes_in_a_text__one_line_still(void **state)
{
    (void)state;
    attach_pipe();
    put_record(LOG_LEVEL_INFO, 0, "a\nb\x1b[31m\xff\x7f");
    logsink_drain(&sink);
    assert_non_null(strstr(read_output(), "a?b?[31m??\n"));
    assert_int_equal(count_lines(output), 1);
}

static void drain__longest_record__whole(void **state)
{
    char text[LOG_RECORD_SIZE_MAX] = "";

    (void)state;
    attach_pipe();
    memset(text, 'x', LOG_TEXT_LENGTH_MAX);
    put_record(LOG_LEVEL_DEBUG, 0, text);
    assert_int_equal(logsink_drain(&sink), 1);
    assert_non_null(strstr(read_output(), text));
}

static void drain__flood__a_turn_at_a_time_and_nothing_lost(void **state)
{
    int sent = 0, turns = 0, count;
    size_t lines = 0;

    (void)state;
    attach_pipe();
    while (log_take_lost() == 0)
        log_event(LOG_LEVEL_INFO, "event=test number=%d", sent++);
    sent--;
    assert_true(sent > 2 * LOGSINK_RECORDS_PER_TURN);
    for (int done = 0; done < sent; done += count, turns++) {
        count = logsink_drain(&sink);
        assert_true(count > 0 && count < 3 * LOGSINK_RECORDS_PER_TURN);
        lines += count_lines(read_output());
    }
    assert_true(turns > 1);
    assert_int_equal(lines, sent);
}

static void drain__record_in_pieces__waits_for_the_rest(void **state)
{
    struct log_record_header header = {.magic = LOG_RECORD_MAGIC, .level = LOG_LEVEL_INFO, .text_length = 4};
    const char *bytes = (const char *)&header;

    (void)state;
    attach_pipe();
    put(bytes, 7);
    assert_int_equal(logsink_drain(&sink), 0);
    put(bytes + 7, sizeof header - 7);
    assert_int_equal(logsink_drain(&sink), 0);
    put("ab", 2);
    assert_int_equal(logsink_drain(&sink), 0);
    put("cd", 2);
    assert_int_equal(logsink_drain(&sink), 1);
    assert_non_null(strstr(read_output(), "info  abcd\n"));
}

static void drain__garbage_between_records__skipped_and_counted(void **state)
{
    struct log_record_header bad_level = {.magic = LOG_RECORD_MAGIC, .level = 77};
    struct log_record_header bad_length = {.magic = LOG_RECORD_MAGIC, .text_length = UINT16_MAX};
    struct log_record_header bad_time = {.magic = LOG_RECORD_MAGIC, .time_ns = -1};

    (void)state;
    attach_pipe();
    put("the end of a record whose beginning nobody has", 46);
    put_record(LOG_LEVEL_INFO, 0, "first");
    put(&bad_level, sizeof bad_level);
    put(&bad_length, sizeof bad_length);
    put(&bad_time, sizeof bad_time);
    put("GLUP", 3); /* the magic is cut off here */
    put_record(LOG_LEVEL_INFO, 0, "second");
    assert_int_equal(logsink_drain(&sink), 2);
    logsink_drain(&sink);
    assert_non_null(strstr(read_output(), "info  first\n"));
    assert_non_null(strstr(output, "info  second\n"));
    assert_non_null(strstr(output, "event=log_lost count=1\n"));
    assert_int_equal(sink.lost_count, 0);
}

/* Random bytes, some of them made to look like records: whatever they are, the next true record arrives. */
static void drain__random_bytes__never_crash_and_recover(void **state)
{
    uint32_t random = 1;
    const uint32_t magic = LOG_RECORD_MAGIC;

    (void)state;
    attach_pipe();
    for (int round = 0; round < 200; round++) {
        unsigned char bytes[600];
        size_t length;

        for (size_t i = 0; i < sizeof bytes; i++) {
            random = random * 1664525 + 1013904223;
            bytes[i] = (unsigned char)(random >> 24);
        }
        length = (random >> 8) % sizeof bytes + 1;
        for (size_t i = 0; i + 8 < length; i += 50 + bytes[i]) {
            memcpy(bytes + i, &magic, sizeof magic);
            bytes[i + 4] = bytes[i + 5] = 0;
            bytes[i + 7] = bytes[i + 7] & 1;
        }
        put(bytes, length);
        logsink_drain(&sink);
        read_output();
    }
    /* The longest record that the garbage can have begun is over after these. */
    for (int i = 0; i < 40; i++)
        put_record(LOG_LEVEL_INFO, 0, "padding of some length");
    put_record(LOG_LEVEL_INFO, 0, "at last");
    logsink_drain(&sink);
    assert_non_null(strstr(read_output(), "at last\n"));
}

/* It counts for nothing, and must not hold the supervisor up either. */
static void drain__garbage_without_end__one_turn_of_it(void **state)
{
    (void)state;
    attach_pipe();
    garbage_reads = 1;
    assert_int_equal(logsink_drain(&sink), 0);
    assert_int_equal(garbage_reads, 1 + LOGSINK_RECORDS_PER_TURN);
    garbage_reads = 0;
}

static struct {
    enum log_level level;
    char text[LOG_RECORD_SIZE_MAX];
    int count;
} heard;

static void hear(void *context, enum log_level level, const char *text, size_t length)
{
    assert_ptr_equal(context, &heard);
    heard.level = level;
    memcpy(heard.text, text, length);
    heard.text[length] = '\0';
    heard.count++;
}

static void listener__hears_every_event(void **state)
{
    (void)state;
    attach_pipe();
    memset(&heard, 0, sizeof heard);
    sink.on_line = hear;
    sink.on_line_context = &heard;
    put_record(LOG_LEVEL_WARN, 0, "event=one key=a\nb");
    logsink_drain(&sink);
    assert_int_equal(heard.level, LOG_LEVEL_WARN);
    assert_string_equal(heard.text, "event=one key=a?b");
    assert_non_null(strstr(read_output(), "event=one key=a?b\n"));
}

static void listener__hears_also_what_could_not_be_written(void **state)
{
    (void)state;
    attach_pipe();
    memset(&heard, 0, sizeof heard);
    sink.on_line = hear;
    sink.on_line_context = &heard;
    close(stderr_fds[0]);
    stderr_fds[0] = dup(log_fds[0]);
    put_record(LOG_LEVEL_INFO, 0, "event=lost");
    put_record(LOG_LEVEL_INFO, 0, "event=lost_too");
    logsink_drain(&sink);
    assert_int_equal(sink.lost_count, 2);
    assert_int_equal(heard.count, 2);
    assert_string_equal(heard.text, "event=lost_too");
}

static void init__no_pipe__its_errno(void **state)
{
    int gone = dup(log_fds[0]);

    (void)state;
    stderr_fds[0] = dup(gone);
    stderr_fds[1] = dup(gone);
    close(gone);
    assert_int_equal(logsink_init(&sink, gone, &settings), -EBADF);
}

static void init__no_such_pipe__its_error(void **state)
{
    (void)state;
    assert_int_equal(logsink_init(&sink, -1, &settings), -EBADF);
    attach_pipe();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start_unbent, finish)
    const struct CMUnitTest tests[] = {
        TEST(drain__records__lines_with_time_and_level),
        TEST(drain__log_event__arrives),
        TEST(drain__control_bytes_in_a_text__one_line_still),
        TEST(listener__hears_every_event),
        TEST(listener__hears_also_what_could_not_be_written),
        TEST(drain__longest_record__whole),
        TEST(drain__flood__a_turn_at_a_time_and_nothing_lost),
        TEST(drain__record_in_pieces__waits_for_the_rest),
        TEST(drain__garbage_between_records__skipped_and_counted),
        TEST(drain__random_bytes__never_crash_and_recover),
        TEST(init__no_pipe__its_errno),
        TEST(drain__garbage_without_end__one_turn_of_it),
        TEST(init__no_such_pipe__its_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
