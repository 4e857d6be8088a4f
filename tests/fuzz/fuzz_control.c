/*
 * The control socket: the input is what a client sends, in pieces, and a second one is there as well. The first
 * byte of each piece is its length; a piece of length 0 lets five seconds pass.
 *
 * Whatever was said: every whole line is answered once, in order, by an `end`; and the client's half of the same
 * protocol understands every line of the answer.
 */
/* wrap: accept4 */
#include "tests/fuzz/fuzz.h"

#include "master/control.h"
#include "master/operation.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LISTENER = 0, ANSWER_BYTES_MAX = 4 * 1024 * 1024 };

static struct control control;
static struct operation operation = {.number = 3, .state = OPERATION_DONE, .why = "why not"};
static int next_client; /* whom accept4() returns; -1: nobody */
static int64_t now_ms;
static unsigned asked, ended;

int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *length, int flags);
int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *length, int flags)
{
    int client = next_client;

    (void)fd, (void)peer, (void)length, (void)flags;
    next_client = -1;
    errno = EAGAIN;
    return client;
}

static void answer(void *context, struct control_client *client, const struct control_request *request)
{
    (void)context;
    asked++;
    FUZZ_MUST(!request->path || request->path[0] == '/');
    if (request->verb == CONTROL_WAIT || request->verb == CONTROL_SCALE)
        control_wait_operation(client, request->number);
    else if (request->verb == CONTROL_STOP)
        control_wait_end(client);
    else
        control_end(client, 0, request->path ? request->path : "");
}

static const struct operation *find(void *context, uint32_t number)
{
    (void)context;
    return number == operation.number ? &operation : NULL;
}

static void turn(bool accepts)
{
    struct pollfd polled[CONTROL_POLL_COUNT];

    control_poll(&control, polled);
    polled[0].fd = -1;
    poll(polled, CONTROL_POLL_COUNT, 0);
    polled[0].revents = accepts ? POLLIN : 0;
    control_turn(&control, polled, now_ms);
    control_on_line(&control, LOG_LEVEL_INFO, "event=x y=1", 11);
}

static void take_lines(char *bytes, size_t used)
{
    struct control_reply reply;

    for (size_t length; (length = control_line_end(bytes, used)) > 0; bytes += length, used -= length) {
        control_reply_parse(&reply, bytes);
        FUZZ_MUST(reply.kind != REPLY_UNKNOWN);
        ended += reply.kind == REPLY_END;
    }
    FUZZ_MUST(used == 0); /* no half line is ever left */
}

static void take_answers(int client)
{
    static char bytes[65536 + 1];
    ssize_t length = recv(client, bytes, sizeof bytes - 1, MSG_DONTWAIT);

    take_lines(bytes, length > 0 ? (size_t)length : 0);
}

static int connect_client(void)
{
    int pair[2];

    FUZZ_MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
    next_client = pair[1];
    turn(true);
    return pair[0];
}

static void say(int client, const uint8_t **data, size_t *size)
{
    size_t length = **data;

    ++*data, --*size;
    if (length > *size)
        length = *size;
    if (length == 0)
        now_ms += CONTROL_PATIENCE_MS;
    else
        (void)!send(client, *data, length, MSG_NOSIGNAL);
    *data += length, *size -= length;
}

static void finish(void)
{
    for (size_t i = 0; i < CONTROL_CLIENT_COUNT_MAX; i++)
        if (control.clients[i].fd >= 0)
            close(control.clients[i].fd);
    munmap(control.clients[0].out, (size_t)CONTROL_CLIENT_COUNT_MAX * CONTROL_OUT_BYTES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    asked = ended = 0;
    now_ms = 1000000;
    control_init(&control, LISTENER, (struct control_calls){.answer = answer, .find = find});

    int quiet = connect_client(), client = connect_client();

    while (size > 0) {
        say(client, &data, &size);
        turn(false);
        take_answers(client);
    }
    turn(false);
    take_answers(client);
    FUZZ_MUST(ended <= asked + 1 + CONTROL_LINE_BYTES_MAX);
    close(client);
    close(quiet);
    turn(false);
    finish();
    return 0;
}
