#include "master/control.h"
#include "master/operation.h"
#include "worker/check.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define OUT_KEPT_BYTES 65536            /* of a client's output, for its next answer */
#define DISCARDS_MAX   64               /* reads at a client's end; more is no mistake of his but intent */
#define TOLD_LEVEL     LOG_LEVEL_INFO   /* events up to this level are told */
#define NOT_TOLD       "event=accepted" /* the clients of the service are no part of any operation */

enum { END_DONE = 0, END_FAILED = 1, END_USAGE = 64 };

/* All output in one piece, of which only what is touched is memory. Without it nobody is told anything. */
void control_init(struct control *control, int listener_fd, struct control_calls calls)
{
    char *out = mmap(NULL, (size_t)CONTROL_CLIENT_COUNT_MAX * CONTROL_OUT_BYTES_MAX, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    bool has_room = out != MAP_FAILED;
    if (has_room) /* else the first byte of a line may cost 2 MiB */
        madvise(out, (size_t)CONTROL_CLIENT_COUNT_MAX * CONTROL_OUT_BYTES_MAX, MADV_NOHUGEPAGE);
    control->listener_fd = listener_fd;
    control->accepts_after_ms = control->now_ms = 0;
    control->calls = calls;
    for (size_t i = 0; i < CONTROL_CLIENT_COUNT_MAX; i++)
        control->clients[i] = (struct control_client){
            .fd = -1,
            .out = has_room ? out + i * CONTROL_OUT_BYTES_MAX : NULL,
            .out_size = has_room ? CONTROL_OUT_BYTES_MAX : 0,
        };
}

/* The pages that a long answer has touched; they are there again when they are needed. */
static void give_back(struct control_client *client)
{
    if (client->out_peak > OUT_KEPT_BYTES)
        madvise(client->out, client->out_size, MADV_DONTNEED);
    client->out_peak = 0;
}

/* Closing over unread bytes would end the client's reading with an error. */
static void discard_input(struct control_client *client)
{
    for (int i = 0; i < DISCARDS_MAX; i++)
        if (recv(client->fd, client->in, sizeof client->in, MSG_DONTWAIT) <= 0)
            return;
}

static void forget(struct control_client *client)
{
    discard_input(client);
    close(client->fd);
    client->out_bytes = 0;
    give_back(client);
    *client = (struct control_client){.fd = -1, .out = client->out, .out_size = client->out_size};
}

/* ---- output ---- */

static bool fits(struct control_client *client, size_t count)
{
    client->is_lost |= count > client->out_size - client->out_bytes;
    return !client->is_lost;
}

void control_say(struct control_client *client, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int length = vsnprintf(NULL, 0, format, values);
    va_end(values);
    if (length < 0 || client->is_lost || !fits(client, (size_t)length + 1))
        return;
    char *line = client->out + client->out_bytes;
    va_start(values, format);
    vsnprintf(line, (size_t)length + 1, format, values);
    va_end(values);
    line[length] = '\n'; /* in the place of the NUL */
    client->out_bytes += (size_t)length + 1;
    if (client->out_bytes > client->out_peak)
        client->out_peak = client->out_bytes;
}

/* True: the client has taken some. */
static bool flush(struct control_client *client)
{
    if (client->fd < 0 || client->is_lost || client->out_bytes == 0)
        return false;
    ssize_t taken = send(client->fd, client->out, client->out_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (taken < 0) {
        client->is_lost = errno != EAGAIN && errno != EINTR;
        return false;
    }
    client->out_bytes -= (size_t)taken;
    memmove(client->out, client->out + taken, client->out_bytes);
    if (client->out_bytes == 0)
        give_back(client);
    return taken > 0;
}

void control_flush(struct control *control)
{
    for (unsigned i = 0; i < CONTROL_CLIENT_COUNT_MAX; i++)
        flush(&control->clients[i]);
}

/* ---- answers ---- */

void control_end(struct control_client *client, int code, const char *text)
{
    client->waits = WAITS_FOR_NOTHING;
    control_say(client, "end %d%s%s", code, *text ? " " : "", text);
}

void control_wait_operation(struct control_client *client, uint32_t number)
{
    client->waits = WAITS_FOR_OPERATION;
    client->operation = number;
    control_say(client, "attempt %u", number);
}

void control_wait_end(struct control_client *client)
{
    client->waits = WAITS_FOR_END;
}

void control_on_line(void *context, enum log_level level, const char *text, size_t length)
{
    struct control *control = context;
    bool told = level <= TOLD_LEVEL && strncmp(text, NOT_TOLD, strlen(NOT_TOLD)) != 0;
    for (unsigned i = 0; told && i < CONTROL_CLIENT_COUNT_MAX; i++)
        if (control->clients[i].fd >= 0 && control->clients[i].waits != WAITS_FOR_NOTHING)
            control_say(&control->clients[i], "log %s %.*s", log_level_name(level), (int)length, text);
}

static void tell_outcome(const struct control *control, struct control_client *client)
{
    if (client->waits != WAITS_FOR_OPERATION)
        return;
    const struct operation *operation = control->calls.find(control->calls.context, client->operation);
    if (!operation)
        control_end(client, END_FAILED, "no such operation, or it ended long ago");
    else if (operation->state == OPERATION_DONE)
        control_end(client, END_DONE, operation->why);
    else if (operation->state == OPERATION_FAILED)
        control_end(client, END_FAILED, operation->why);
}

/* ---- input ---- */

/* One request at most; false: there is no whole line. */
static bool answer_one(struct control *control, struct control_client *client)
{
    struct control_request request;
    char why[CONTROL_SENTENCE_SIZE];
    size_t length = control_line_end(client->in, client->in_bytes);
    if (length == 0)
        return false;
    if (control_request_parse(&request, client->in, why) < 0)
        control_end(client, END_USAGE, why);
    else
        control->calls.answer(control->calls.context, client, &request);
    client->in_bytes -= length;
    memmove(client->in, client->in + length, client->in_bytes);
    return true;
}

static void receive(struct control_client *client)
{
    size_t room = sizeof client->in - client->in_bytes;
    CHECK(room > 0); /* else control_poll() did not ask for input */
    ssize_t length = recv(client->fd, client->in + client->in_bytes, room, MSG_DONTWAIT);
    if (length > 0)
        client->in_bytes += (size_t)length;
    else if (length == 0)
        client->has_shut = true;
    else if (errno != EAGAIN && errno != EINTR)
        client->is_lost = true;
}

/* Who has not read the last answer has no use for another. */
static void take_request(struct control *control, struct control_client *client, int64_t now_ms)
{
    if (client->waits != WAITS_FOR_NOTHING || client->out_bytes > 0)
        return;
    if (answer_one(control, client)) {
        client->deadline_ms = now_ms + CONTROL_PATIENCE_MS;
    } else if (client->in_bytes == sizeof client->in) {
        control_end(client, END_USAGE, "the request is too long");
        client->in_bytes = 0;
        client->has_shut = true; /* where its next request begins nobody knows */
    }
}

/* ---- who is there ---- */

/* A user's own server is his; root's is root's; root may everything. */
static bool may_command(int fd)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
}

static void turn_away(int fd, const char *line)
{
    (void)!send(fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL);
    close(fd);
}

/* A free place, or that of the client that has been silent longest; NULL: all wait for an outcome. */
static struct control_client *find_place(struct control *control)
{
    struct control_client *oldest = NULL;
    for (unsigned i = 0; i < CONTROL_CLIENT_COUNT_MAX; i++) {
        struct control_client *client = &control->clients[i];
        if (client->fd < 0)
            return client;
        if (client->waits == WAITS_FOR_NOTHING && (!oldest || client->deadline_ms < oldest->deadline_ms))
            oldest = client;
    }
    if (oldest)
        forget(oldest);
    return oldest;
}

/* ---- turns ---- */

void control_poll(const struct control *control, struct pollfd polled[CONTROL_POLL_COUNT])
{
    bool accepts = control->now_ms >= control->accepts_after_ms;
    polled[0] = (struct pollfd){.fd = accepts ? control->listener_fd : -1, .events = POLLIN};
    for (unsigned i = 0; i < CONTROL_CLIENT_COUNT_MAX; i++) {
        const struct control_client *client = &control->clients[i];
        bool reads = !client->has_shut && client->in_bytes < sizeof client->in;
        polled[1 + i] = (struct pollfd){
            .fd = client->fd,
            .events = (short)((reads ? POLLIN : 0) | (client->out_bytes > 0 ? POLLOUT : 0)),
        };
    }
}

static bool is_over(const struct control_client *client, int64_t now_ms)
{
    bool idle = client->waits == WAITS_FOR_NOTHING && client->out_bytes == 0 && client->in_bytes == 0;
    return client->is_lost || (idle && client->has_shut) || now_ms >= client->deadline_ms;
}

/* Who takes what is said has done his part, and who waits with nothing to read has nothing to do. */
static void extend_patience(struct control_client *client, bool has_taken, int64_t now_ms)
{
    if (has_taken || (client->waits != WAITS_FOR_NOTHING && client->out_bytes == 0))
        client->deadline_ms = now_ms + CONTROL_PATIENCE_MS;
}

static void serve(struct control *control, struct control_client *client, short events, int64_t now_ms)
{
    if (events & POLLIN)
        receive(client);
    else if (events & (POLLERR | POLLHUP | POLLNVAL))
        client->is_lost = true;    /* closed, not only shut: nobody is there to answer */
    tell_outcome(control, client); /* the one after: what the log says about it comes first */
    bool has_taken = flush(client);
    take_request(control, client, now_ms);
    has_taken |= flush(client);
    extend_patience(client, has_taken, now_ms);
    if (is_over(client, now_ms))
        forget(client);
}

static void admit(struct control *control, int fd, int64_t now_ms)
{
    if (!may_command(fd)) {
        turn_away(fd, "end 1 only root and the server's own user may command it\n");
        return;
    }
    struct control_client *client = find_place(control);
    if (!client) {
        turn_away(fd, "end 1 too many others wait for what they asked for\n");
        return;
    }
    client->fd = fd; /* all else is as control_init() or forget() left it */
    client->deadline_ms = now_ms + CONTROL_PATIENCE_MS;
    serve(control, client, POLLIN, now_ms); /* it has waited in the queue: its request is there */
}

static void accept_some(struct control *control, int64_t now_ms)
{
    for (int i = 0; i < CONTROL_ACCEPTS_PER_TURN; i++) {
        int fd = accept4(control->listener_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            control->accepts_after_ms = now_ms + CONTROL_PAUSE_MS;
        if (fd < 0)
            return;
        admit(control, fd, now_ms);
    }
}

void control_turn(struct control *control, const struct pollfd polled[CONTROL_POLL_COUNT], int64_t now_ms)
{
    control->now_ms = now_ms;
    for (unsigned i = 0; i < CONTROL_CLIENT_COUNT_MAX; i++)
        if (control->clients[i].fd >= 0)
            serve(control, &control->clients[i], polled[1 + i].revents, now_ms);
    if (polled[0].revents & POLLIN)
        accept_some(control, now_ms);
}
