/*
 * Where a connection stands, as the kernel tells it: how many bytes of the client were taken, how many
 * answered.
 *
 *     consumed = tcpi_bytes_received - SIOCINQ  - (1 if the peer's FIN is in)
 *     written  = tcpi_bytes_acked    + SIOCOUTQ - (1 if we have sent our FIN)
 *     owed     = written - consumed             answered but not yet taken
 *     held     = consumed - written             taken, into the journal, but not yet answered
 *
 * A worker answers before it takes, or takes into the journal before it answers (answer.h). What a dead one had given but
 * not taken its successor drops from the receive queue unanswered; what it had taken but not given the successor answers.
 * None of these sums is ever stored; beside the journal stands how many bytes were taken into it, once that is known.
 *
 * Holds for accepted TCP sockets with SO_OOBINLINE (without it SIOCINQ stops at an urgent mark), and only
 * where output byte i depends on input byte i alone. Sources: net/ipv4/tcp.c tcp_get_info(), tcp_ioctl(); RFC
 * 4898 for the names of the sums. A FIN takes a sequence number of its own, hence the ones.
 */
#ifndef WORKER_POSITION_H
#define WORKER_POSITION_H

#include <stdbool.h>
#include <stdint.h>

struct position {
    uint8_t state; /* TCP_ESTABLISHED ... of netinet/tcp.h */
    uint64_t bytes_received, bytes_acked;
    uint32_t unread; /* SIOCINQ */
    uint32_t unsent; /* SIOCOUTQ: not acknowledged yet */
};

/*
 * Reads the position of a TCP socket. The four system calls are no snapshot, so the sums are read before and
 * after until both agree. Returns 0; -EAGAIN when traffic kept them from agreeing for long; another negative
 * errno.
 */
int position_read(int fd, struct position *position);

enum position_verdict {
    POSITION_OPEN,   /* the debt holds */
    POSITION_CLOSED, /* the connection is dead: reset, timed out, or both ends are done */
    POSITION_BROKEN, /* sums that cannot be: never guess */
};

/* One of the two is 0: a connection is answered in one of the two ways at a time. */
struct position_debt {
    uint32_t owed, held; /* bytes, at most a chunk each */
    bool we_ended;       /* our FIN has been sent: no more answers may follow, and nothing is owed or held */
};

/* Pure. */
enum position_verdict position_debt(const struct position *position, struct position_debt *debt);

#endif
