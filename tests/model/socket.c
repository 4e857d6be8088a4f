#include "tests/model/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* include/net/tcp_states.h */
enum { ESTABLISHED = 1, FIN_WAIT1 = 4, FIN_WAIT2 = 5, CLOSE = 7, CLOSE_WAIT = 8, LAST_ACK = 9 };

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Both ends are through, or the client has reset: tcp_done() was called. */
static bool is_dead(const struct socket_model *s)
{
    return s->reset_in || (s->fin_in && s->fin_out && s->fin_acked);
}

/* A poller hears of room only when a good part is free: a third on TCP, three quarters on UNIX. */
static bool has_room(const struct socket_model *s)
{
    uint64_t queued = s->written - s->acked;

    return s->is_unix ? queued * 4 <= s->send_bytes_max : queued * 3 <= s->send_bytes_max * 2;
}

/* ---- the client's doing ---- */

uint32_t socket_arrive(struct socket_model *s, uint64_t count)
{
    s->received += count;
    return EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND;
}

uint32_t socket_arrive_fin(struct socket_model *s)
{
    s->fin_in = true;
    return SOCKET_WAKE_ALL;
}

uint32_t socket_arrive_reset(struct socket_model *s)
{
    s->error = s->fin_in && !s->is_unix ? EPIPE : ECONNRESET;
    s->reset_in = true;
    return SOCKET_WAKE_ALL;
}

uint32_t socket_arrive_ack(struct socket_model *s, uint64_t count)
{
    bool was_dead = is_dead(s);

    s->acked += count;
    s->fin_acked = s->fin_out && s->acked == s->written;
    if (is_dead(s) && !was_dead)
        return SOCKET_WAKE_ALL;
    if (!s->wants_space || !has_room(s))
        return 0;
    s->wants_space = false;
    return EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
}

uint64_t socket_window(const struct socket_model *s)
{
    return s->receive_bytes_max - (s->received - s->consumed);
}

/* ---- the server's calls ---- */

static ssize_t told_error(struct socket_model *s)
{
    int error = s->error;

    s->error = 0;
    return -error;
}

/* Nothing is queued: an error is told once, but TCP tells the FIN before it. */
static ssize_t nothing_queued(struct socket_model *s)
{
    if (s->fin_in && !(s->is_unix && s->error))
        return 0;
    if (s->error)
        return told_error(s);
    return is_dead(s) ? 0 : -EAGAIN;
}

/* An urgent byte that is no part of the stream (unix_stream_read_generic: manage_oob). */
static uint64_t left_out(const struct socket_model *s)
{
    return s->is_urgent && !s->urgent_inline && s->mark == s->consumed && s->mark < s->received;
}

ssize_t socket_recv(struct socket_model *s, void *bytes, size_t size, int flags)
{
    uint64_t first = s->consumed + left_out(s), count = least(size, s->received - first);

    if (s->mark > s->consumed && s->mark - s->consumed < count)
        count = s->mark - s->consumed;
    if (count == 0)
        return size == 0 ? 0 : nothing_queued(s);
    if (s->is_unix || !(flags & MSG_TRUNC))
        memcpy(bytes, s->stream + first, count);
    if (flags & MSG_PEEK)
        return (ssize_t)count;
    s->consumed = first + count;
    if (s->mark < s->consumed)
        s->mark = SOCKET_NO_MARK;
    return (ssize_t)count;
}

ssize_t socket_send(struct socket_model *s, size_t size)
{
    if (s->error)
        return told_error(s);
    if (is_dead(s) || s->fin_out)
        return -EPIPE;

    uint64_t room = s->send_bytes_max - (s->written - s->acked);
    uint64_t count = least(size, room);

    if (count < size)
        s->wants_space = true;
    if (count == 0)
        return -EAGAIN;
    s->written += count;
    return (ssize_t)count;
}

void socket_shutdown(struct socket_model *s)
{
    if (!is_dead(s))
        s->fin_out = true;
}

void socket_close(struct socket_model *s, bool linger_0)
{
    s->closed = true;
    if (is_dead(s))
        return;
    if (s->received > s->consumed || (linger_0 && !s->is_unix))
        s->reset_out = true;
    else
        s->fin_out = true;
}

uint32_t socket_poll(struct socket_model *s)
{
    uint32_t mask = 0;

    if (is_dead(s) || (s->fin_in && s->fin_out))
        mask |= EPOLLHUP;
    if (is_dead(s) || s->fin_in)
        mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
    if (s->received > s->consumed)
        mask |= EPOLLIN | EPOLLRDNORM;
    if (is_dead(s) || s->fin_out || has_room(s))
        mask |= EPOLLOUT | EPOLLWRNORM;
    else
        s->wants_space = true;
    if (s->is_urgent && s->mark < s->received)
        mask |= EPOLLPRI;
    if (s->error)
        mask |= EPOLLERR;
    return mask;
}

/* ---- what the server may ask ---- */

uint8_t socket_state(const struct socket_model *s)
{
    if (is_dead(s))
        return CLOSE;
    if (s->fin_in)
        return s->fin_out ? LAST_ACK : CLOSE_WAIT;
    if (s->fin_out)
        return s->fin_acked ? FIN_WAIT2 : FIN_WAIT1;
    return ESTABLISHED;
}

uint64_t socket_bytes_received(const struct socket_model *s)
{
    return s->received + s->fin_in;
}

uint64_t socket_bytes_acked(const struct socket_model *s)
{
    return s->acked + s->fin_acked;
}

int socket_unread(const struct socket_model *s)
{
    return (int)(s->received - s->consumed);
}

int socket_unsent(const struct socket_model *s)
{
    return (int)(s->written - s->acked + (s->fin_out && !s->fin_acked));
}
