/* Records in the log pipe, and quoting. */
#include "tests/support/cmocka_all.h"

#include "worker/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int pipe_fds[2];

struct received {
    struct log_record_header header;
    char text[LOG_RECORD_SIZE_MAX];
};

static int open_pipe(void **state)
{
    (void)state;
    if (pipe2(pipe_fds, O_CLOEXEC) < 0 || fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK) < 0)
        return -1;
    log_init(pipe_fds[1], LOG_LEVEL_INFO);
    return 0;
}

static int close_pipe(void **state)
{
    (void)state;
    log_init(-1, LOG_LEVEL_ERROR);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    return 0;
}

/* Reads one record; the number of bytes in it, 0 when there is none. */
static size_t receive(struct received *received)
{
    ssize_t length = read(pipe_fds[0], received, sizeof received->header);

    if (length < 0)
        return 0;
    assert_int_equal(length, sizeof received->header);
    assert_int_equal(received->header.magic, LOG_RECORD_MAGIC);
    assert_true(received->header.text_length <= LOG_TEXT_LENGTH_MAX);
    length = read(pipe_fds[0], received->text, received->header.text_length);
    assert_int_equal(length, received->header.text_length);
    received->text[length] = '\0';
    return sizeof received->header + (size_t)length;
}

static void event__enabled_level__one_record_with_time(void **state)
{
    struct received received;
    time_t before = time(NULL);

    (void)state;
    log_event(LOG_LEVEL_WARN, "event=test number=%d text=%s", 7, "abc");
    receive(&received);
    assert_int_equal(received.header.level, LOG_LEVEL_WARN);
    assert_string_equal(received.text, "event=test number=7 text=abc");
    assert_true(received.header.time_ns / 1000000000 >= before);
    assert_true(received.header.time_ns / 1000000000 <= time(NULL));
    assert_int_equal(receive(&received), 0);
}

static void event__level_above_the_chosen_one__nothing(void **state)
{
    struct received received;

    (void)state;
    assert_true(log_enabled(LOG_LEVEL_INFO));
    assert_false(log_enabled(LOG_LEVEL_DEBUG));
    log_event(LOG_LEVEL_DEBUG, "event=test");
    assert_int_equal(receive(&received), 0);
    assert_int_equal(log_take_lost(), 0);
}

static void event__shared_level__counts_instead_of_the_own_one(void **state)
{
    struct received received;
    _Atomic(uint32_t) shared = LOG_LEVEL_ERROR;

    (void)state;
    log_share_level(&shared);
    log_event(LOG_LEVEL_INFO, "event=too_little");
    assert_int_equal(receive(&received), 0);
    atomic_store(&shared, LOG_LEVEL_DEBUG); /* by another process */
    log_event(LOG_LEVEL_DEBUG, "event=enough");
    receive(&received);
    assert_string_equal(received.text, "event=enough");
    log_set_level(LOG_LEVEL_WARN);
    assert_int_equal(atomic_load(&shared), LOG_LEVEL_WARN);
    assert_false(log_enabled(LOG_LEVEL_INFO));
    atomic_store(&shared, 77); /* nobody writes that; say too much rather than too little */
    assert_int_equal(log_level(), LOG_LEVEL_DEBUG);
    log_init(pipe_fds[1], LOG_LEVEL_INFO);
    assert_int_equal(log_level(), LOG_LEVEL_INFO);
    assert_int_equal(atomic_load(&shared), 77);
}

/* One process changes the level, another that runs already goes by it. */
static void set_level__by_another_process__the_next_event_goes_by_it(void **state)
{
    _Atomic(uint32_t) *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct received received;
    int status = 0, line[2];
    char byte = 0;

    (void)state;
    assert_true(shared != MAP_FAILED);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line), 0);
    log_share_level(shared);
    log_set_level(LOG_LEVEL_ERROR);
    pid_t pid = fork();

    if (pid == 0) {
        log_event(LOG_LEVEL_DEBUG, "event=before");
        bool told = write(line[1], &byte, 1) == 1 && read(line[1], &byte, 1) == 1;
        log_event(LOG_LEVEL_DEBUG, "event=after");
        _exit(told ? 0 : 1);
    }
    assert_true(pid > 0);
    assert_int_equal(read(line[0], &byte, 1), 1);
    log_set_level(LOG_LEVEL_DEBUG);
    assert_int_equal(write(line[0], &byte, 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    receive(&received);
    assert_string_equal(received.text, "event=after");
    close(line[0]);
    close(line[1]);
    log_share_level(NULL);
    munmap(shared, sizeof *shared);
}

static void set_level__nothing_shared__own_level(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_DEBUG);
    assert_true(log_enabled(LOG_LEVEL_DEBUG));
    log_set_level(LOG_LEVEL_ERROR);
    assert_false(log_enabled(LOG_LEVEL_WARN));
}

static void event__without_a_pipe__dropped_in_silence(void **state)
{
    (void)state;
    log_init(-1, LOG_LEVEL_DEBUG);
    assert_false(log_enabled(LOG_LEVEL_ERROR));
    log_event(LOG_LEVEL_ERROR, "event=test");
    assert_int_equal(log_take_lost(), 0);
}

static void event__too_long__cut_with_dots_and_still_one_record(void **state)
{
    struct received received;
    char text[LOG_RECORD_SIZE_MAX * 2];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    log_event(LOG_LEVEL_INFO, "%s", text);
    assert_int_equal(receive(&received), LOG_RECORD_SIZE_MAX);
    assert_string_equal(received.text + LOG_TEXT_LENGTH_MAX - 4, "x...");

    /* The longest that fits stays as it is. */
    log_event(LOG_LEVEL_INFO, "%.*s", (int)LOG_TEXT_LENGTH_MAX, text);
    assert_int_equal(receive(&received), LOG_RECORD_SIZE_MAX);
    assert_string_equal(received.text + LOG_TEXT_LENGTH_MAX - 4, "xxxx");
    assert_true(LOG_RECORD_SIZE_MAX <= PIPE_BUF);
}

static void event__full_pipe__lost_counted_and_errno_kept(void **state)
{
    struct received received;
    size_t sent = 0, got = 0;

    (void)state;
    assert_true(fcntl(pipe_fds[1], F_SETPIPE_SZ, 4096) >= 4096);
    while (log_take_lost() == 0 && sent < 100000) {
        errno = ENOTTY;
        log_event(LOG_LEVEL_INFO, "event=test number=%zu", sent++);
        assert_int_equal(errno, ENOTTY);
    }
    log_event(LOG_LEVEL_INFO, "event=test");
    log_event(LOG_LEVEL_INFO, "event=test");
    assert_int_equal(log_take_lost(), 2);
    assert_int_equal(log_take_lost(), 0);
    while (receive(&received) > 0)
        got++;
    assert_int_equal(got, sent - 1);
    log_event(LOG_LEVEL_INFO, "event=again");
    assert_true(receive(&received) > 0);
}

static void event__descriptor_gone__lost(void **state)
{
    int gone = dup(pipe_fds[1]);

    (void)state;
    close(gone);
    log_init(gone, LOG_LEVEL_INFO);
    log_event(LOG_LEVEL_INFO, "event=test");
    assert_int_equal(log_take_lost(), 1);
}

static void event__child_of_a_raw_clone__written(void **state)
{
    struct received received;
    int status = 0;
    long pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);

    (void)state;
    if (pid == 0) {
        log_event(LOG_LEVEL_INFO, "event=child number=%d", 1);
        _exit(0);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid((pid_t)pid, &status, 0), pid);
    assert_int_equal(status, 0);
    receive(&received);
    assert_string_equal(received.text, "event=child number=1");
}

static void check_quote(const char *text, const char *expected)
{
    char out[64];

    assert_int_equal(log_quote(out, sizeof out, text), strlen(expected));
    assert_string_equal(out, expected);
}

static void quote__values__as_the_log_rule_says(void **state)
{
    (void)state;
    check_quote("plain", "plain");
    check_quote("127.0.0.1:9999", "127.0.0.1:9999");
    check_quote("[::1%eth0]:1", "[::1%eth0]:1");
    check_quote("unix:@a_b-c,d+e/f", "unix:@a_b-c,d+e/f");
    check_quote("", "\"\"");
    check_quote("~x", "\"~x\"");
    check_quote("two words", "\"two words\"");
    check_quote("a=b", "\"a=b\"");
    check_quote("a\"b\\c\nd", "\"a\\\"b\\\\c\\nd\"");
    check_quote("\x01\x7f\xff\t", "\"\\x01\\x7f\\xff\\x09\"");
}

static void quote__little_room__cut_at_a_whole_escape_with_its_quote(void **state)
{
    char out[8];

    (void)state;
    assert_int_equal(log_quote(out, sizeof out, "abcdefghij"), 7);
    assert_string_equal(out, "abcdefg");
    assert_int_equal(log_quote(out, sizeof out, "a b\x01zzz"), 5);
    assert_string_equal(out, "\"a b\"");
    assert_int_equal(log_quote(out, sizeof out, "a bcdefgh"), 7);
    assert_string_equal(out, "\"a bcd\"");
    assert_int_equal(log_quote(out, 3, " x"), 2);
    assert_string_equal(out, "\"\"");
    out[0] = 'x';
    assert_int_equal(log_quote(out, 2, "abc"), 0);
    assert_string_equal(out, "");
    out[0] = 'x';
    assert_int_equal(log_quote(out, 0, "abc"), 0);
    assert_int_equal(out[0], 'x');
}

static void level__words__there_and_back(void **state)
{
    enum log_level level = LOG_LEVEL_DEBUG;

    (void)state;
    assert_int_equal(log_level_parse("error", &level), 0);
    assert_int_equal(level, LOG_LEVEL_ERROR);
    assert_int_equal(log_level_parse("debug", &level), 0);
    assert_int_equal(level, LOG_LEVEL_DEBUG);
    assert_int_equal(log_level_parse("loud", &level), -EINVAL);
    assert_int_equal(log_level_parse("", &level), -EINVAL);
    assert_int_equal(level, LOG_LEVEL_DEBUG);
    assert_string_equal(log_level_name(LOG_LEVEL_WARN), "warn");
    assert_string_equal(log_level_name((enum log_level)77), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(event__enabled_level__one_record_with_time, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(event__level_above_the_chosen_one__nothing, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(event__shared_level__counts_instead_of_the_own_one, open_pipe,
                                        close_pipe),
        cmocka_unit_test_setup_teardown(set_level__by_another_process__the_next_event_goes_by_it, open_pipe,
                                        close_pipe),
        cmocka_unit_test_setup_teardown(set_level__nothing_shared__own_level, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(event__without_a_pipe__dropped_in_silence, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(event__too_long__cut_with_dots_and_still_one_record, open_pipe,
                                        close_pipe),
        cmocka_unit_test_setup_teardown(event__full_pipe__lost_counted_and_errno_kept, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(event__descriptor_gone__lost, open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(event__child_of_a_raw_clone__written, open_pipe, close_pipe),
        cmocka_unit_test(quote__values__as_the_log_rule_says),
        cmocka_unit_test(quote__little_room__cut_at_a_whole_escape_with_its_quote),
        cmocka_unit_test(level__words__there_and_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
