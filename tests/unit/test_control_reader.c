/* Clients of the control socket that do not read, or are gone, and what their answers cost in memory meanwhile. */
/* wrap: mmap recv send */
#include "tests/support/cmocka_all.h"

#include "tests/support/control_fixture.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static bool no_memory;
static int recv_errno, send_errno; /* of a server's descriptor, once; 0: it works */

static bool fails(int fd, int *error)
{
    if (!*error || !controlled_is_servers(fd))
        return false;
    errno = *error;
    *error = 0;
    return true;
}

ssize_t __real_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags)
{
    return fails(fd, &recv_errno) ? -1 : __real_recv(fd, bytes, size, flags);
}

ssize_t __real_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags)
{
    return fails(fd, &send_errno) ? -1 : __real_send(fd, bytes, size, flags);
}

void *__real_mmap(void *place, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *place, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *place, size_t size, int protection, int flags, int fd, off_t offset)
{
    return no_memory ? MAP_FAILED : __real_mmap(place, size, protection, flags, fd, offset);
}

static int begin(void **state)
{
    no_memory = false;
    recv_errno = send_errno = 0;
    return controlled_begin(state);
}

/* ---- answers that nobody takes ---- */

static void reader__slow__gets_everything_in_the_end(void **state)
{
    static char got[CONTROLLED_TEXT_BYTES];
    size_t total = 0, wanted = 5 + CONTROLLED_TEXT_BYTES + 1 + strlen("end 0 long\n");
    int small = 1024;

    (void)state;
    int fd = controlled_dial();
    setsockopt(controlled.control.clients[0].fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    controlled_say(fd, "log info\n");
    for (int i = 0; i < 1000 && total < wanted; i++) {
        ssize_t length = recv(fd, got, sizeof got, MSG_DONTWAIT);
        total += length > 0 ? (size_t)length : 0;
        controlled.now_ms += CONTROL_PATIENCE_MS - 1; /* slow, but it moves */
        controlled_turn();
    }
    assert_int_equal(total, wanted);
    controlled_expect_open(fd);
    assert_int_equal(controlled.control.clients[0].out_bytes, 0);
}

static void reader__never_reads__dropped_when_patience_ends(void **state)
{
    int small = 1024;

    (void)state;
    int fd = controlled_dial();
    setsockopt(controlled.control.clients[0].fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    controlled_say(fd, "log info\n");
    controlled_turn();
    assert_true(controlled.control.clients[0].out_bytes > 0);
    controlled.now_ms += CONTROL_PATIENCE_MS - 1;
    controlled_turn();
    assert_int_not_equal(controlled.control.clients[0].fd, -1);
    controlled.now_ms++;
    controlled_turn();
    assert_int_equal(controlled.control.clients[0].fd, -1);
}

static void reader__asks_on_without_reading__one_answer_is_made_and_no_more(void **state)
{
    int small = 1024;

    (void)state;
    int fd = controlled_dial();
    setsockopt(controlled.control.clients[0].fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    controlled_say(fd, "log info\nlog info\nlog info\n");
    size_t waiting = controlled.control.clients[0].out_bytes;
    assert_true(waiting > 0);
    for (int i = 0; i < 10; i++)
        controlled_turn();
    assert_true(controlled.control.clients[0].out_bytes <= waiting);
    assert_int_equal(controlled.control.clients[0].in_bytes, 2 * strlen("log info\n"));
}

static void reader__flooded_with_events__dropped_at_the_bound(void **state)
{
    int small = 1024;

    (void)state;
    int fd = controlled_dial();
    setsockopt(controlled.control.clients[0].fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    controlled_say(fd, "scale 7\n");
    for (size_t told = 0; told <= CONTROL_OUT_BYTES_MAX; told += CONTROLLED_TEXT_BYTES) {
        controlled_event(LOG_LEVEL_INFO, controlled.long_text);
        assert_true(controlled.control.clients[0].out_bytes <= CONTROL_OUT_BYTES_MAX);
    }
    controlled_turn();
    assert_int_equal(controlled.control.clients[0].fd, -1);
}

static void reader__gone_before_the_answer__dropped_without_a_signal(void **state)
{
    (void)state;
    int fd = controlled_dial();
    assert_int_equal(send(fd, "status\n", 7, 0), 7);
    close(fd);
    controlled.dialed[0] = 0;
    controlled_turn();
    controlled_turn();
    assert_int_equal(controlled.control.clients[0].fd, -1);
}

/* ---- memory ---- */

static void memory__none_at_the_start__clients_are_let_go(void **state)
{
    (void)state;
    munmap(controlled.control.clients[0].out, (size_t)CONTROL_CLIENT_COUNT_MAX * CONTROL_OUT_BYTES_MAX);
    no_memory = true;
    control_init(&controlled.control, controlled.control.listener_fd, controlled.control.calls);
    int fd = controlled_dial();
    controlled_say(fd, "status\n");
    controlled_expect_closed(fd);
}

/* How much of the output is memory: pages that are there. */
static size_t resident_pages(const struct control_client *client)
{
    static unsigned char there[CONTROL_OUT_BYTES_MAX / 4096];
    size_t count = 0;

    assert_int_equal(mincore(client->out, CONTROL_OUT_BYTES_MAX, there), 0);
    for (size_t i = 0; i < sizeof there; i++)
        count += there[i] & 1;
    return count;
}

static void memory__long_answers__given_back_when_they_are_taken(void **state)
{
    static char got[4 * CONTROLLED_TEXT_BYTES];
    ssize_t length;

    (void)state;
    int fd = controlled_dial();
    for (int i = 0; i < 3; i++)
        control_say(&controlled.control.clients[0], "json %s", controlled.long_text);
    assert_true(resident_pages(&controlled.control.clients[0]) >= 3 * CONTROLLED_TEXT_BYTES / 4096);
    for (int i = 0; i < 100 && controlled.control.clients[0].out_bytes > 0; i++) {
        controlled_turn();
        length = recv(fd, got, sizeof got, MSG_DONTWAIT);
        assert_true(length > 0);
    }
    assert_int_equal(resident_pages(&controlled.control.clients[0]), 0);
    control_say(&controlled.control.clients[0], "end 0"); /* and there again */
    controlled_turn();
    length = recv(fd, got, sizeof got, MSG_DONTWAIT);
    assert_true(length >= 6);
    assert_memory_equal(got + length - 6, "end 0\n", 6);
}

/* ---- calls that fail ---- */

static void read_or_written__interrupted__tried_again(void **state)
{
    const int errors[] = {EINTR, EAGAIN};

    (void)state;
    int fd = controlled_dial();
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        recv_errno = send_errno = errors[i];
        controlled_say(fd, "status\n");
        controlled_turn();
        controlled_turn();
        assert_int_equal(recv_errno + send_errno, 0);
        controlled_expect(fd, "json {}\nend 0\n");
    }
}

static void read_or_written__connection_is_broken__dropped(void **state)
{
    (void)state;
    int reader = controlled_dial(), writer = controlled_dial();
    recv_errno = ECONNRESET;
    controlled_say(reader, "status\n");
    controlled_expect_closed(reader);
    send_errno = EPIPE;
    controlled_say(writer, "status\n");
    controlled_expect_closed(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reader__slow__gets_everything_in_the_end, begin, controlled_end),
        cmocka_unit_test_setup_teardown(reader__never_reads__dropped_when_patience_ends, begin,
                                        controlled_end),
        cmocka_unit_test_setup_teardown(reader__asks_on_without_reading__one_answer_is_made_and_no_more,
                                        begin, controlled_end),
        cmocka_unit_test_setup_teardown(reader__flooded_with_events__dropped_at_the_bound, begin,
                                        controlled_end),
        cmocka_unit_test_setup_teardown(memory__none_at_the_start__clients_are_let_go, begin, controlled_end),
        cmocka_unit_test_setup_teardown(memory__long_answers__given_back_when_they_are_taken, begin,
                                        controlled_end),
        cmocka_unit_test_setup_teardown(reader__gone_before_the_answer__dropped_without_a_signal, begin,
                                        controlled_end),
        cmocka_unit_test_setup_teardown(read_or_written__interrupted__tried_again, begin, controlled_end),
        cmocka_unit_test_setup_teardown(read_or_written__connection_is_broken__dropped, begin,
                                        controlled_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
