#include "tests/model/socket_client.h"

#include "tests/model/socket_kernel.h"

#include <stdio.h>
#include <string.h>

#define ROOMY_BYTES (1u << 22)
#define POOL_BYTES  (2u * CLIENT_STREAM_BYTES_MAX)

/* One pool of bytes for all: a stream is a stretch of it, and its answer the same stretch of the other. */
static unsigned char pool[POOL_BYTES], upper_pool[POOL_BYTES];

static void fill_pool(void)
{
    uint64_t state = 88172645463325252u;

    for (size_t i = 0; i < sizeof pool; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        pool[i] = (unsigned char)(state >> 32);
        upper_pool[i] = pool[i] >= 'a' && pool[i] <= 'z' ? (unsigned char)(pool[i] - 'a' + 'A') : pool[i];
    }
}

static uint32_t or_roomy(uint32_t bytes)
{
    return bytes ? bytes : ROOMY_BYTES;
}

void socket_client_init(struct socket_client *c, const struct socket_client_plan *plan, bool is_unix,
                        unsigned number)
{
    size_t offset = (size_t)number * 7919 % CLIENT_STREAM_BYTES_MAX;

    if (pool[0] == 0 && pool[1] == 0)
        fill_pool();
    *c = (struct socket_client){
        .plan = plan,
        .fd = -1,
        .window_bytes = or_roomy(plan->window_bytes),
        .answers = upper_pool + offset,
        .mark = SOCKET_NO_MARK,
        .socket = {.is_unix = is_unix,
                   .stream = pool + offset,
                   .mark = SOCKET_NO_MARK,
                   .urgent_inline = !is_unix,
                   .send_bytes_max = or_roomy(plan->send_bytes_max),
                   .receive_bytes_max = or_roomy(plan->receive_bytes_max)},
    };
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static const struct socket_client_action *next_action(const struct socket_client *c)
{
    static const struct socket_client_action end = {CLIENT_END, 0};

    return c->next_action < CLIENT_ACTION_COUNT_MAX ? &c->plan->actions[c->next_action] : &end;
}

/* ---- what reaches the client ---- */

static bool is_patient(const struct socket_client *c)
{
    enum socket_client_action_kind kind = next_action(c)->kind;

    return c->plan->reads_late && kind != CLIENT_END && kind != CLIENT_READ && kind != CLIENT_AWAIT;
}

static bool read_some(struct socket_client *c)
{
    uint64_t before = c->read, end = c->socket.acked;

    if (is_patient(c))
        return false;
    if (c->plan->reads_late && next_action(c)->kind == CLIENT_READ)
        end = least(end, next_action(c)->count);
    if (end > c->read)
        c->read = end;
    if (c->socket.fin_acked && c->read == c->socket.written && !c->fin_read) {
        c->fin_read = true;
        return true;
    }
    return c->read != before;
}

bool socket_client_receive(struct socket_client *c, uint64_t count_max)
{
    struct socket_model *s = &c->socket;

    if (!c->connected || c->is_refused || c->has_reset || s->reset_out)
        return false;

    uint64_t room = c->window_bytes - (s->acked - c->read);
    uint64_t count = least(least(s->written - s->acked, room), count_max);
    bool fin = s->fin_out && !s->fin_acked && s->acked + count == s->written;

    if (count > 0 || fin)
        socket_kernel_wake(c->fd, socket_arrive_ack(s, count));
    return read_some(c) || count > 0 || fin;
}

/* ---- what the client does ---- */

static void send_bytes(struct socket_client *c, const struct socket_client_action *action)
{
    c->sent += action->count;
    if (action->kind == CLIENT_SEND_URGENT)
        c->mark = c->sent - 1;
    if (action->kind == CLIENT_SEND_DESCRIPTORS)
        c->mark = c->sent;
    if (action->kind == CLIENT_SEND_URGENT || action->kind == CLIENT_SEND_DESCRIPTORS)
        c->mark_is_urgent = action->kind == CLIENT_SEND_URGENT;
}

static void reset(struct socket_client *c)
{
    c->has_reset = true;
    socket_kernel_wake(c->fd, socket_arrive_reset(&c->socket));
}

/* False: it must wait. */
static bool perform(struct socket_client *c, const struct socket_client_action *action)
{
    switch (action->kind) {
    case CLIENT_END:
        return false;
    case CLIENT_SEND:
    case CLIENT_SEND_URGENT:
    case CLIENT_SEND_DESCRIPTORS:
        send_bytes(c, action);
        return true;
    case CLIENT_AWAIT:
        return c->read == c->sent || c->fin_read;
    case CLIENT_READ:
        return c->read >= action->count || c->fin_read;
    case CLIENT_FIN:
        c->fin_sent = true;
        return true;
    case CLIENT_RESET:
        reset(c);
        return true;
    }
    return false;
}

bool socket_client_act(struct socket_client *c)
{
    if (c->is_refused)
        return false;
    if (!c->connected) {
        c->connected = true;
        socket_kernel_connect(c);
        return true;
    }
    if (c->has_reset || c->socket.reset_out || !perform(c, next_action(c)))
        return false;
    c->next_action++;
    return true;
}

/* ---- what reaches the server ---- */

/* An urgent pointer of TCP goes ahead of its byte; over UNIX it comes with it, as does the end of a message with descriptors. */
static void arrive_mark(struct socket_client *c)
{
    struct socket_model *s = &c->socket;

    if (c->mark == SOCKET_NO_MARK || (s->is_unix && c->mark + c->mark_is_urgent > s->received))
        return;
    s->mark = c->mark;
    s->is_urgent = c->mark_is_urgent;
    c->mark = SOCKET_NO_MARK;
}

bool socket_client_transmit(struct socket_client *c, uint64_t count_max)
{
    struct socket_model *s = &c->socket;

    if (!c->connected || c->is_refused || c->has_reset || s->closed)
        return false;

    uint64_t count = least(least(c->sent - s->received, socket_window(s)), count_max);
    bool fin = c->fin_sent && !s->fin_in && s->received + count == c->sent;
    uint32_t mask = count > 0 ? socket_arrive(s, count) : 0;

    if (count > 0)
        arrive_mark(c);
    if (fin)
        mask = socket_arrive_fin(s); /* reaches whoever the bytes would */
    socket_kernel_wake(c->fd, mask);
    return count > 0 || fin;
}

bool socket_client_step(struct socket_client *c)
{
    bool received = socket_client_receive(c, UINT64_MAX);
    bool acted = socket_client_act(c);
    bool transmitted = socket_client_transmit(c, UINT64_MAX);

    return received || acted || transmitted;
}

/* ---- what the server does ---- */

bool socket_client_done(const struct socket_client *c)
{
    const struct socket_model *s = &c->socket;

    if (c->is_refused)
        return true;
    if (!c->connected || !s->closed)
        return false;
    if (c->has_reset || s->reset_out)
        return true;
    return c->fin_read && c->read == s->written;
}

const char *socket_client_judge_send(const struct socket_client *c, const void *bytes, size_t count)
{
    const struct socket_model *s = &c->socket;

    if (s->written + count > s->received)
        return "answered more than came";
    if (memcmp(bytes, c->answers + s->written, count) != 0)
        return "a wrong byte";
    return NULL;
}

/* All that came is answered. */
static bool is_answered(const struct socket_client *c)
{
    return c->socket.written == c->socket.received;
}

const char *socket_client_judge_shutdown(const struct socket_client *c)
{
    if (c->has_reset || c->may_be_cut || (c->plan->may_be_ended && is_answered(c)))
        return NULL;
    return "a FIN before the client's";
}

const char *socket_client_judge_close(const struct socket_client *c)
{
    const struct socket_model *s = &c->socket;

    if (c->has_reset || c->may_be_cut || (c->plan->may_be_ended && s->fin_out))
        return NULL;
    if (c->is_refused)
        return s->consumed + s->written > 0 ? "refused after it was served" : NULL;
    if (!s->fin_in)
        return "closed before the client's FIN";
    if (!is_answered(c))
        return "closed with bytes unanswered";
    return s->received > s->consumed || (c->linger_0 && !s->is_unix) ? "reset" : NULL;
}

void socket_client_describe(const struct socket_client *c, char *text, size_t size)
{
    const struct socket_model *s = &c->socket;

    snprintf(text, size,
             "fd %d sent %llu received %llu consumed %llu written %llu acked %llu read %llu fin %d/%d/%d%s%s",
             c->fd, (unsigned long long)c->sent, (unsigned long long)s->received,
             (unsigned long long)s->consumed, (unsigned long long)s->written, (unsigned long long)s->acked,
             (unsigned long long)c->read, c->fin_sent, s->fin_in, s->fin_out, s->closed ? " closed" : "",
             s->reset_out ? " reset" : "");
}
