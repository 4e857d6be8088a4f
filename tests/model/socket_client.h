/*
 * A client of the model: an application with a short script, its own kernel and the wire between.
 *
 * It sends a stream in chosen cuts, half-closes, resets, reads at once or late, and judges what the server
 * does to it: every byte answered by its upper-case form, in order, once; a FIN after its own FIN and not
 * before; no reset. Each step moves a little: what the server wrote reaches the client, the client reads,
 * does the next action of its script, what it sent reaches the server. Nothing moves between two steps.
 */
#ifndef TESTS_MODEL_SOCKET_CLIENT_H
#define TESTS_MODEL_SOCKET_CLIENT_H

#include "tests/model/socket.h"

enum socket_client_action_kind {
    CLIENT_END,              /* the script is through */
    CLIENT_SEND,             /* count bytes, in one segment if the window allows */
    CLIENT_SEND_URGENT,      /* count bytes, the last of them urgent */
    CLIENT_SEND_DESCRIPTORS, /* count bytes in a message that carries descriptors; UNIX only */
    CLIENT_AWAIT,            /* until every byte that was sent is answered */
    CLIENT_READ,             /* until count bytes of answers were read, for one that reads late */
    CLIENT_FIN,
    CLIENT_RESET,
};

struct socket_client_action {
    enum socket_client_action_kind kind;
    uint32_t count;
};

enum { CLIENT_ACTION_COUNT_MAX = 16, CLIENT_STREAM_BYTES_MAX = 1 << 19 };

struct socket_client_plan {
    uint32_t send_bytes_max;    /* the server's send queue; 0: roomy, as with all sizes here */
    uint32_t receive_bytes_max; /* the server's receive queue */
    uint32_t window_bytes;      /* the client's receive queue */
    bool reads_late;            /* reads only what its script says, until that is through */
    bool may_be_ended;          /* the server may end it in order, all that came answered */
    struct socket_client_action actions[CLIENT_ACTION_COUNT_MAX];
};

struct socket_client {
    const struct socket_client_plan *plan;
    struct socket_model socket;
    const unsigned char *answers; /* what the whole stream must become */
    int fd;                       /* of the server; -1: not accepted or closed */
    bool connected, linger_0;
    uint64_t sent, read, window_bytes;
    uint64_t mark; /* goes with the next bytes; SOCKET_NO_MARK: none */
    bool mark_is_urgent;
    bool fin_sent, fin_read, has_reset;
    bool may_be_cut; /* UNIX: its server died in mid-answer; or the drain deadline has come */
    bool may_be_refused;
    bool is_refused; /* never served: no worker had room, or all were leaving */
    unsigned next_action;
};

/* `number` picks the bytes of the stream. */
void socket_client_init(struct socket_client *c, const struct socket_client_plan *plan, bool is_unix,
                        unsigned number);

/* Parts of a step; each returns true if anything moved. At most `count_max` bytes move. */
bool socket_client_receive(struct socket_client *c, uint64_t count_max);
bool socket_client_act(struct socket_client *c);
bool socket_client_transmit(struct socket_client *c, uint64_t count_max);

/* All parts, as much as can be. */
bool socket_client_step(struct socket_client *c);

/* Everything was sent, answered, read and closed. */
bool socket_client_done(const struct socket_client *c);

/* What the server does to it; NULL when that is right, else what is wrong. */
const char *socket_client_judge_send(const struct socket_client *c, const void *bytes, size_t count);
const char *socket_client_judge_shutdown(const struct socket_client *c);
const char *socket_client_judge_close(const struct socket_client *c);

/* One line on where it stands, into `text`. */
void socket_client_describe(const struct socket_client *c, char *text, size_t size);

#endif
