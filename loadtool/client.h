/*
 * One connection to the server: it connects, sends its stream in messages, compares every byte that comes
 * back, and tells its owner what happened. It decides nothing: when to send, when to end and what that means
 * is the owner's.
 *
 * A stream over libuv. What is sent is made again from (seed, serial, offset) whenever it is needed, and what
 * comes is compared in the buffer that all clients share; a client owns memory only while the kernel takes no
 * more of what it sends (one block of LIMIT_BLOCK_BYTES, from a pool). Nothing is allocated per message.
 *
 * Life: FREE -> client_open -> CONNECTING -> OPEN -> CLOSING -> FREE. The events come from the loop, except
 * that `ended` may come from inside any call that sends, and `ended` and `closed` from inside client_open;
 * the memory stays valid till after `closed`. One loop, one thread.
 */
#ifndef LOADTOOL_CLIENT_H
#define LOADTOOL_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "loadtool/dialogue.h"
#include "loadtool/histogram.h"
#include "loadtool/limits.h"
#include "loadtool/oracle.h"
#include "loadtool/source.h"
#include "loadtool/tally.h"
#include "loadtool/target.h"

struct client;
struct client_block;

/* A connection that is no more: its bytes may still turn up at another one. */
struct client_departed {
    uint64_t serial, key, answered, reply_end;
};

/* What the clients of one loop share. */
struct client_world {
    uv_loop_t *loop;
    const struct target *target;
    uint64_t seed;
    const struct dialogue *dialogue; /* what they say */
    const struct source *source;     /* where they come from; NULL = wherever */
    uint64_t begin_ns;               /* uv_hrtime at the start of the run: examples tell times after it */
    uint64_t now_ns;                 /* when the bytes that are being looked at came */
    struct tally *tally;
    struct oracle oracle;
    struct client_block *free_blocks;
    struct client *first; /* of all that have a socket: where replies may belong that come to another one */
    struct client_departed departed[LIMIT_DEPARTED_CLIENTS];
    uint64_t departed_count;
    uint32_t diagnoses;         /* made so far: bounded, since a server that is wrong always is wrong often */
    struct histogram *connects; /* times from connect to connected; NULL = not wanted */
    uint8_t *in;                /* one piece, for whatever comes */
    uint8_t *out;               /* one piece, for whatever goes */
};

/* What the owner hears. `prepare`, `opened`, `found`, `shut` and `finished` may be NULL. */
struct client_events {
    int (*prepare)(struct client *client, int fd); /* the socket is there, not yet connected */
    void (*opened)(struct client *client);
    /* `count` more messages have been answered, `right` of them in every byte. */
    void (*answered)(struct client *client, uint64_t count, uint64_t right);
    /* So many bytes are not as they must be: of the oldest message that has no whole reply, or of none. */
    void (*found)(struct client *client, uint64_t bytes);
    /* After client_shut: our FIN has gone. */
    void (*shut)(struct client *client);
    /* After client_shut: every reply came, then the server's FIN. The owner closes. */
    void (*finished)(struct client *client);
    /* The connection ended, or could not be made, other than by client_close. It is being closed. */
    void (*ended)(struct client *client, enum fault fault, enum where where);
    void (*closed)(struct client *client); /* may be opened again */
};

enum client_state { CLIENT_FREE, CLIENT_CONNECTING, CLIENT_OPEN, CLIENT_CLOSING };

struct client {
    union {
        uv_handle_t any;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } handle;
    uv_connect_t connecting;
    uv_write_t writing;
    uv_shutdown_t shutting;

    struct client_world *world;
    struct client *next, *previous; /* in the world's list */
    const struct client_events *events;
    void *owner;
    const char *group; /* "control", "victim": for examples */

    enum client_state state;
    bool was_opened;
    bool is_shut;            /* our FIN follows what was begun */
    bool is_paused;          /* we do not read */
    bool is_spoilt;          /* the message that is being answered has a wrong byte */
    bool is_lenient;         /* the server may end it: that is no fault to be noted */
    bool is_urgent;          /* parts of the stream go as urgent data */
    bool fin_begun;          /* libuv has been asked to send our FIN */
    uint64_t serial;         /* the connection's number, never used twice in a run */
    uint64_t key;            /* of its payload */
    uint64_t begun_count;    /* messages that were begun, */
    uint64_t answered_count; /* and those of them that have been answered */
    uint64_t send_end;       /* where the last message that was begun ends, */
    uint64_t reply_end;      /* and its reply */
    uint64_t send_limit;     /* nothing is sent beyond this place for now */
    uint64_t sent;           /* bytes given to the kernel or to libuv */
    uint64_t answered;       /* place in the replies up to which everything came */
    uint64_t message_end;    /* where the oldest reply that is not whole ends */
    uint64_t since_ns;       /* connecting since, or waiting for the next byte since; 0 = for nothing */
    uint64_t silence_ns;     /* the longest time it ever waited for the next byte */
    struct client_block *block;
};

/* Allocate the shared buffers. -ENOMEM. The caller has set every other field (and zeros), and keeps what they
 * point to. */
int client_world_init(struct client_world *world, enum oracle_check check);
void client_world_free(struct client_world *world);

/* Make a connection with that serial number, which decides its payload. It reports every failure by `ended`,
 * then `closed`. */
void client_open(struct client *client, struct client_world *world, const struct client_events *events,
                 uint64_t serial);

/* Begin `count` messages. */
void client_send(struct client *client, uint64_t count);

/* Send nothing beyond `count` bytes from here on, whatever is begun; CLIENT_NO_LIMIT: as usual. */
#define CLIENT_NO_LIMIT UINT64_MAX
void client_limit(struct client *client, uint64_t count);

/* Send FIN after what was begun; then read what is owed, and the server's FIN. */
void client_shut(struct client *client);

/* Stop reading, read on. A paused client waits for nothing, whatever is outstanding. */
void client_pause(struct client *client);
void client_resume(struct client *client);

/* Close: FIN, or RST where bytes are unread. client_reset: RST in any case (over TCP). */
void client_close(struct client *client);
void client_reset(struct client *client);

/* Are replies outstanding? */
bool client_is_waiting(const struct client *client);

/* Messages that have been begun and not been answered. */
uint64_t client_outstanding_count(const struct client *client);

/* Its state as the kernel has it, TCP_ESTABLISHED and so on; 0 when it is not to be had. */
int client_tcp_state(const struct client *client);

/* Bytes that lie in the kernel's receive queue, unread. */
int client_unread_bytes(struct client *client);

/* For how long it has been connecting, or waiting for the next byte; 0 if it waits for nothing. */
uint64_t client_waited_ns(const struct client *client, uint64_t now_ns);

/* The longest silence, the present one included. */
uint64_t client_silence_ns(const struct client *client, uint64_t now_ns);

/* Give up on it: note the fault, tell `ended`, close. For owners that see a time-out. */
void client_fail(struct client *client, enum fault fault, enum where where, const char *what);

/* Count a fault of this client with an example that names it, and let it be. */
void client_note(struct client *client, enum fault fault, enum where where, const char *what);

#endif
