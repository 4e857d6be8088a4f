#include "master/control_protocol.h"
#include "master/ctl.h"
#include "worker/clock.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    BUFFER_BYTES = 16384,
    RETRY_MS = 20,         /* between two tries while the queue is full or no supervisor is there */
    POLL_MS_MAX = 1000000, /* of one poll; deadlines may be farther */
};

/* ---- connecting ---- */

static int wait_ms(const struct ctl_session *session)
{
    int64_t left_ms = session->deadline_ms - clock_now_ms();
    if (session->deadline_ms == INT64_MAX)
        return -1;
    return left_ms <= 0 ? 0 : left_ms > POLL_MS_MAX ? POLL_MS_MAX : (int)left_ms;
}

static void know_peer(struct ctl_session *session)
{
    struct ucred peer = {0};
    socklen_t length = sizeof peer;
    /* Of a listening socket the credentials are those of the process that called listen(): the master
     * (unix(7)). */
    if (getsockopt(session->fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0) {
        session->pid = peer.pid;
        session->uid = peer.uid;
    }
}

/* Connects, also where the queue is full for a moment. */
static int dial(struct ctl_session *session)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, session->path, sizeof session->path);
    session->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (session->fd < 0)
        return -errno;
    while (connect(session->fd, (const void *)&address, sizeof address) < 0) {
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        if (wait_ms(session) == 0)
            return -ETIMEDOUT;
        poll(NULL, 0, RETRY_MS);
    }
    know_peer(session);
    return 0;
}

static void hang_up(struct ctl_session *session)
{
    if (session->fd >= 0)
        close(session->fd);
    session->fd = -1;
    session->used = session->taken = 0;
}

int ctl_session_open(struct ctl_session *session, const char *path, int64_t timeout_ms)
{
    *session = (struct ctl_session){.fd = -1, .command = ""};
    session->deadline_ms = timeout_ms > 0 ? clock_now_ms() + timeout_ms : INT64_MAX;
    if (strlen(path) >= sizeof session->path)
        return -ENAMETOOLONG;
    strcpy(session->path, path);
    int error = dial(session);
    if (error)
        hang_up(session);
    return error;
}

void ctl_session_close(struct ctl_session *session)
{
    hang_up(session);
    free(session->buffer);
    session->buffer = NULL;
    session->size = 0;
}

/* ---- lines ---- */

static int send_line(struct ctl_session *session, const char *request)
{
    char line[CONTROL_LINE_BYTES_MAX + 1];
    int length = snprintf(line, sizeof line, "%s\n", request);
    if (length > CONTROL_LINE_BYTES_MAX)
        return -E2BIG;
    /* It fits the buffer of a fresh connection, or one whose requests were all answered. */
    ssize_t sent = send(session->fd, line, (size_t)length, MSG_NOSIGNAL);
    return sent == length ? 0 : sent < 0 ? -errno : -EPROTO;
}

static int make_room(struct ctl_session *session)
{
    if (session->taken > 0)
        memmove(session->buffer, session->buffer + session->taken, session->used - session->taken);
    session->used -= session->taken;
    session->taken = 0;
    if (session->used < session->size)
        return 0;
    size_t size = session->size ? 2 * session->size : BUFFER_BYTES;
    char *larger = size > CTL_ANSWER_BYTES_MAX ? NULL : realloc(session->buffer, size);
    if (!larger)
        return -E2BIG;
    session->buffer = larger;
    session->size = size;
    return 0;
}

static int receive(struct ctl_session *session)
{
    struct pollfd polled = {.fd = session->fd, .events = POLLIN};
    int error = make_room(session);
    if (error)
        return error;
    if (poll(&polled, 1, wait_ms(session)) == 0)
        return wait_ms(session) == 0 ? -ETIMEDOUT : 0;
    ssize_t length =
        recv(session->fd, session->buffer + session->used, session->size - session->used, MSG_DONTWAIT);
    if (length == 0)
        return -ECONNRESET;
    if (length < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    session->used += (size_t)length;
    return 0;
}

/* The next line into *line, which holds until the next call. */
static int next_line(struct ctl_session *session, const char **line)
{
    for (;;) {
        size_t length = session->used == session->taken ? 0
                                                        : control_line_end(session->buffer + session->taken,
                                                                           session->used - session->taken);
        if (length > 0) {
            *line = session->buffer + session->taken;
            session->taken += length;
            return 0;
        }
        int error = receive(session);
        if (error)
            return error;
    }
}

/* ---- asking ---- */

static int take_json(struct ctl_answer *answer, const char *text)
{
    json_error_t error;
    json_decref(answer->json);
    answer->json = json_loads(text, 0, &error);
    return answer->json ? 0 : -EPROTO;
}

/* 1: that was the end. */
static int take_line(struct ctl_session *session, const char *line, struct ctl_answer *answer)
{
    struct control_reply reply;
    control_reply_parse(&reply, line);
    switch (reply.kind) {
    case REPLY_ATTEMPT:
        answer->attempt = reply.number;
        return 0;
    case REPLY_LOG:
        if (session->on_log)
            session->on_log(reply.word, reply.word_length, reply.text);
        return 0;
    case REPLY_JSON:
        return take_json(answer, reply.text);
    case REPLY_END:
        answer->code = (int)reply.number;
        snprintf(answer->text, sizeof answer->text, "%s", reply.text);
        return 1;
    case REPLY_UNKNOWN:
        return 0;
    }
    return 0;
}

static int ask_once(struct ctl_session *session, const char *request, struct ctl_answer *answer)
{
    const char *line = NULL;
    int result = send_line(session, request);
    if (result == -EPIPE)
        result = 0; /* sent away before we asked: why stands in what we can still read */
    while (result == 0) {
        result = next_line(session, &line);
        if (result == 0)
            result = take_line(session, line, answer);
    }
    return result == 1 ? 0 : result;
}

/* The supervisor died; the socket is the master's, and waits with us for the next one. (Of EPIPE ask_once() has made what
 * the reading says.) */
static bool is_cut(int error)
{
    return error == -ECONNRESET;
}

int ctl_session_ask(struct ctl_session *session, const char *request, struct ctl_answer *answer)
{
    char wait[32];
    *answer = (struct ctl_answer){0};
    int error = ask_once(session, request, answer);
    while (is_cut(error)) {
        pid_t pid = session->pid;
        hang_up(session);
        poll(NULL, 0, RETRY_MS);
        error = dial(session);
        if (error == -ENOENT || (!error && session->pid != pid))
            error = -ECONNREFUSED; /* nobody, or another server at its place */
        if (error)
            break;
        snprintf(wait, sizeof wait, "wait %u", answer->attempt);
        error = ask_once(session, answer->attempt ? wait : request, answer);
        if (wait_ms(session) == 0 && is_cut(error))
            error = -ETIMEDOUT;
    }
    if (error) {
        json_decref(answer->json);
        answer->json = NULL;
    }
    return error;
}

/* ---- the end of the server ---- */

static bool has_died(const struct ctl_session *session, int process, int patience_ms)
{
    struct pollfd polled = {.fd = process, .events = POLLIN};
    int left_ms = wait_ms(session);
    return poll(&polled, 1, left_ms >= 0 && left_ms < patience_ms ? left_ms : patience_ms) == 1;
}

/* The connection ended without a word about it: with the server, or with a supervisor who may not have heard
 * us. Asking again does no harm, and is how the rest of the log is heard. */
static int ask_until_it_dies(struct ctl_session *session, const char *request, int process,
                             struct ctl_answer *answer)
{
    int error = ask_once(session, request, answer);
    while (is_cut(error) && !has_died(session, process, RETRY_MS)) {
        hang_up(session);
        error = wait_ms(session) == 0 ? -ETIMEDOUT : dial(session);
        if (error == -ENOENT || error == -ECONNREFUSED)
            error = -ECONNRESET; /* its last moment */
        else if (!error)
            error = ask_once(session, request, answer);
    }
    return is_cut(error) ? 0 : error;
}

int ctl_session_ask_end(struct ctl_session *session, const char *request, struct ctl_answer *answer)
{
    *answer = (struct ctl_answer){0};
    int process = pidfd_open(session->pid, 0);
    if (process < 0)
        return -errno;
    int error = ask_until_it_dies(session, request, process, answer);
    close(process);
    return error;
}

/* ---- errors ---- */

/* What there is to add to "no server at PATH". */
static const char *why_no_server(const char *path, uint32_t attempt)
{
    struct stat status;
    if (attempt > 0)
        return " any more";
    return stat(path, &status) == 0 && !S_ISSOCK(status.st_mode) ? ", which is no socket" : "";
}

int ctl_session_fail(const struct ctl_session *session, int error, uint32_t attempt)
{
    const char *command = session->command;
    if (error == -ETIMEDOUT && attempt > 0) {
        fprintf(stderr, "prefork-upper %s: not done within --timeout; it goes on as operation %u\n", command,
                attempt);
        return EXIT_NOT_IN_TIME;
    }
    if (error == -ETIMEDOUT) {
        fprintf(stderr, "prefork-upper %s: no outcome within --timeout\n", command);
        return EXIT_NOT_IN_TIME;
    }
    if (error == -ECONNREFUSED || error == -ENOENT) {
        fprintf(stderr, "prefork-upper %s: no server at %s%s\n", command, session->path,
                why_no_server(session->path, attempt));
        return EXIT_UNAVAILABLE;
    }
    fprintf(stderr, "prefork-upper %s: %s: %s\n", command, session->path,
            error == -EPROTO ? "the server's answer is not understood" : strerror(-error));
    return EXIT_FAILED;
}

int ctl_session_ask_json(struct ctl_session *session, const char *request, json_t **json)
{
    struct ctl_answer answer;
    int error = ctl_session_ask(session, request, &answer);
    if (!error && answer.code == EXIT_DONE && !answer.json)
        error = -EPROTO;
    if (error)
        return ctl_session_fail(session, error, 0);
    if (answer.code != EXIT_DONE) {
        fprintf(stderr, "prefork-upper %s: %s\n", session->command, answer.text);
        json_decref(answer.json);
        return answer.code;
    }
    *json = answer.json;
    return EXIT_DONE;
}
