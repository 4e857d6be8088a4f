/*
 * A model of one accepted stream socket, as the kernel of the server sees it: what came, what was taken, what
 * goes out, and what poll() says about all that.
 *
 * Bytes are positions in the client's stream: nothing is stored, a recv copies from the stream itself. Calls
 * return what the system call returns, with a negative errno for failure. Arrivals return the mask with which
 * the kernel wakes pollers: 0 for no wake-up, SOCKET_WAKE_ALL for one without a mask.
 *
 * Owner: the client at the other end (socket_client.h). Sources: net/ipv4/tcp.c tcp_poll(),
 * tcp_recvmsg_locked(), tcp_sendmsg_locked(), tcp_ioctl(), tcp_get_info(); tcp_input.c tcp_fin(),
 * tcp_reset(), tcp_check_urg(); include/net/sock.h sk_stream_is_writeable(); net/unix/af_unix.c.
 */
#ifndef TESTS_MODEL_SOCKET_H
#define TESTS_MODEL_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SOCKET_WAKE_ALL UINT32_MAX
#define SOCKET_NO_MARK  UINT64_MAX

struct socket_model {
    bool is_unix;
    const unsigned char *stream; /* all that the client will ever send; not owned */

    /* What came. */
    uint64_t received, consumed; /* arrived, and taken by recv */
    uint64_t receive_bytes_max;  /* window: received - consumed never exceeds it */
    uint64_t mark;  /* one recv never passes it: TCP the urgent byte, UNIX too, or the end of a message that
                      carried descriptors */
    bool is_urgent; /* the mark is that of an urgent byte */
    bool urgent_inline; /* SO_OOBINLINE, which TCP inherits from the listener */
    bool fin_in;

    /* What goes. */
    uint64_t written, acked;
    uint64_t send_bytes_max; /* written - acked never exceeds it */
    bool wants_space;        /* somebody found it full: tell when there is room again (SOCK_NOSPACE) */
    bool fin_out, fin_acked;

    int error;      /* pending, told once (sk_err) */
    bool reset_in;  /* the client has reset it */
    bool closed;    /* the server has closed it; what was written still goes out */
    bool reset_out; /* ... by a reset */
};

/* ---- the client's doing ---- */

uint32_t socket_arrive(struct socket_model *s, uint64_t count);
uint32_t socket_arrive_fin(struct socket_model *s);
uint32_t socket_arrive_reset(struct socket_model *s);

/* `count` bytes of ours, and our FIN behind the last if it is out, have reached the client. */
uint32_t socket_arrive_ack(struct socket_model *s, uint64_t count);

/* How much more may arrive now. */
uint64_t socket_window(const struct socket_model *s);

/* ---- the server's calls ---- */

ssize_t socket_recv(struct socket_model *s, void *bytes, size_t size, int flags);

/* How many of `size` bytes are taken; the caller looks at the bytes. */
ssize_t socket_send(struct socket_model *s, size_t size);

void socket_shutdown(struct socket_model *s);

/* Frees the server's end. Unread input, or linger 0, sends a reset and drops what is not yet out. */
void socket_close(struct socket_model *s, bool linger_0);

/* EPOLL* bits. Finding no room asks for a wake-up, as in the kernel. */
uint32_t socket_poll(struct socket_model *s);

/* ---- what the server may ask ---- */

uint8_t socket_state(const struct socket_model *s); /* tcpi_state */
uint64_t socket_bytes_received(const struct socket_model *s);
uint64_t socket_bytes_acked(const struct socket_model *s);
int socket_unread(const struct socket_model *s); /* SIOCINQ */
int socket_unsent(const struct socket_model *s); /* SIOCOUTQ */

#endif
