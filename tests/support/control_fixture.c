#include "tests/support/control_fixture.h"

#include "tests/support/cmocka_all.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

struct control_fixture controlled;

static void answer(void *context, struct control_client *client, const struct control_request *request)
{
    assert_ptr_equal(context, &controlled.operation);
    if (request->verb == CONTROL_SCALE || request->verb == CONTROL_WAIT) {
        control_wait_operation(client, request->number);
    } else if (request->verb == CONTROL_STOP) {
        control_wait_end(client);
    } else if (request->verb == CONTROL_LOG) {
        control_say(client, "json %s", controlled.long_text);
        control_end(client, 0, "long");
    } else {
        control_say(client, "json {}");
        control_end(client, 0, "");
    }
}

static const struct operation *find(void *context, uint32_t number)
{
    assert_ptr_equal(context, &controlled.operation);
    return number == controlled.operation.number ? &controlled.operation : NULL;
}

/* ---- life ---- */

int controlled_begin(void **state)
{
    (void)state;
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    controlled.address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (bind(listener, (const void *)&controlled.address, sizeof(sa_family_t)) < 0 ||
        listen(listener, 100) < 0)
        return -1;
    controlled.address_length = sizeof controlled.address;
    /* an abstract name that the kernel chooses */
    getsockname(listener, (void *)&controlled.address, &controlled.address_length);
    control_init(&controlled.control, listener, (struct control_calls){answer, find, &controlled.operation});
    controlled.operation = (struct operation){.number = CONTROLLED_OPERATION, .state = OPERATION_RUNNING};
    controlled.now_ms = 1000000;
    memset(controlled.long_text, 'l', CONTROLLED_TEXT_BYTES);
    memset(controlled.dialed, 0, sizeof controlled.dialed);
    return 0;
}

int controlled_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONTROL_CLIENT_COUNT_MAX; i++)
        if (controlled.control.clients[i].fd >= 0)
            close(controlled.control.clients[i].fd);
    for (size_t i = 0; i < sizeof controlled.dialed / sizeof controlled.dialed[0]; i++)
        if (controlled.dialed[i] > 0)
            close(controlled.dialed[i]);
    if (controlled.control.clients[0].out)
        munmap(controlled.control.clients[0].out, (size_t)CONTROL_CLIENT_COUNT_MAX * CONTROL_OUT_BYTES_MAX);
    return close(controlled.control.listener_fd);
}

bool controlled_is_servers(int fd)
{
    for (size_t i = 0; i < CONTROL_CLIENT_COUNT_MAX; i++)
        if (controlled.control.clients[i].fd == fd)
            return true;
    return false;
}

/* ---- clients ---- */

void controlled_turn(void)
{
    struct pollfd polled[CONTROL_POLL_COUNT];
    control_poll(&controlled.control, polled);
    poll(polled, CONTROL_POLL_COUNT, 0);
    control_turn(&controlled.control, polled, controlled.now_ms);
}

int controlled_dial(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const void *)&controlled.address, controlled.address_length), 0);
    size_t place = 0;
    while (controlled.dialed[place] > 0)
        place++;
    assert_true(place < sizeof controlled.dialed / sizeof controlled.dialed[0]);
    controlled.dialed[place] = fd;
    controlled_turn();
    return fd;
}

void controlled_say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    controlled_turn();
}

void controlled_expect(int fd, const char *text)
{
    char got[4096];
    ssize_t length = recv(fd, got, sizeof got - 1, MSG_DONTWAIT);
    got[length > 0 ? length : 0] = '\0';
    assert_string_equal(got, text);
}

void controlled_expect_closed(int fd)
{
    char byte;
    assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), 0);
}

void controlled_expect_open(int fd)
{
    char byte;
    assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
}

void controlled_event(enum log_level level, const char *text)
{
    control_on_line(&controlled.control, level, text, strlen(text));
}
