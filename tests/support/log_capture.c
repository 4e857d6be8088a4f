#include "tests/support/log_capture.h"

#include "tests/support/cmocka_all.h"
#include "worker/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int ends[2] = {-1, -1};

void log_capture_begin(void)
{
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    log_init(ends[1], LOG_LEVEL_DEBUG);
}

void log_capture_end(void)
{
    log_init(-1, LOG_LEVEL_DEBUG);
    close(ends[0]);
    close(ends[1]);
}

const char *log_capture_next(void)
{
    static char text[LOG_TEXT_LENGTH_MAX + 1];
    struct log_record_header header;

    if (read(ends[0], &header, sizeof header) != sizeof header)
        return NULL;
    assert_int_equal(read(ends[0], text, header.text_length), header.text_length);
    text[header.text_length] = '\0';
    return text;
}

const char *log_capture_expect(const char *word)
{
    const char *text = log_capture_next();
    char begin[64], got[64] = "nothing";
    size_t length = (size_t)snprintf(begin, sizeof begin, "event=%s", word);

    if (text)
        snprintf(got, sizeof got, "%.*s", (int)strcspn(text, " "), text);
    assert_true(length < sizeof begin);
    assert_string_equal(got, begin);
    return text;
}

void log_capture_expect_nothing(void)
{
    const char *text = log_capture_next();

    if (text)
        fail_msg("logged: %s", text);
}
