#include "worker/position.h"
#include "worker/limits.h"
#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* States of include/net/tcp_states.h; netinet/tcp.h has them but cannot be included beside linux/tcp.h, which
 * alone has the byte sums. */
enum { FIN_WAIT1 = 4, FIN_WAIT2 = 5, TIME_WAIT = 6, CLOSE = 7, CLOSE_WAIT = 8, LAST_ACK = 9, CLOSING = 11 };

/* Segments arrive at most a few times between two calls; a peer that manages it more often is looked at
 * later. */
#define READ_TRIES_MAX 16

static int read_sums(int fd, struct position *p)
{
    struct tcp_info info;
    socklen_t length = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0)
        return -errno;
    p->state = info.tcpi_state;
    p->bytes_received = info.tcpi_bytes_received;
    p->bytes_acked = info.tcpi_bytes_acked;
    return 0;
}

static int read_queues(int fd, struct position *p)
{
    int unread = 0, unsent = 0;
    if (ioctl(fd, SIOCINQ, &unread) < 0 || ioctl(fd, SIOCOUTQ, &unsent) < 0)
        return -errno;
    p->unread = (uint32_t)unread;
    p->unsent = (uint32_t)unsent;
    return 0;
}

static bool agree(const struct position *a, const struct position *b)
{
    return a->state == b->state && a->bytes_received == b->bytes_received && a->bytes_acked == b->bytes_acked;
}

int position_read(int fd, struct position *position)
{
    struct position before = {0}, after = {0};
    int error = read_sums(fd, &before);
    for (int i = 0; i < READ_TRIES_MAX && !error; i++) {
        error = read_queues(fd, &before);
        if (!error)
            error = read_sums(fd, &after);
        if (!error && agree(&before, &after)) {
            *position = before;
            return 0;
        }
        before.state = after.state;
        before.bytes_received = after.bytes_received;
        before.bytes_acked = after.bytes_acked;
    }
    return error ? error : -EAGAIN;
}

static bool peer_has_ended(uint8_t state)
{
    return state == CLOSE_WAIT || state == LAST_ACK || state == CLOSING || state == TIME_WAIT;
}

static bool we_have_ended(uint8_t state)
{
    return state == FIN_WAIT1 || state == FIN_WAIT2 || state == CLOSING || state == LAST_ACK;
}

enum position_verdict position_debt(const struct position *p, struct position_debt *debt)
{
    if (p->state == CLOSE || p->state == TIME_WAIT)
        return POSITION_CLOSED;
    int64_t consumed = (int64_t)p->bytes_received - p->unread - peer_has_ended(p->state);
    int64_t written = (int64_t)p->bytes_acked + p->unsent - we_have_ended(p->state);
    int64_t difference = written - consumed;
    *debt = (struct position_debt){.we_ended = we_have_ended(p->state)};
    /* Once our FIN is out what the client still sends is thrown away: more may be consumed than answered. */
    if (debt->we_ended)
        return POSITION_OPEN;
    /* At most one chunk is ever given before it is taken, and it lies in the queue; or taken before it is given. */
    if (consumed < 0 || difference < -CHUNK_BYTES_MAX || difference > CHUNK_BYTES_MAX ||
        difference > (int64_t)p->unread)
        return POSITION_BROKEN;
    debt->owed = difference > 0 ? (uint32_t)difference : 0;
    debt->held = difference < 0 ? (uint32_t)-difference : 0;
    return POSITION_OPEN;
}
