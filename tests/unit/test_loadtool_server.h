/*
 * A small TCP or UNIX server inside a test's process, with faults to order: what the load tool must notice.
 *
 * One thread accepts, and one serves each connection with blocking calls. server_stop closes the listener and
 * waits for every thread, so the clients must have gone by then. Ports come from below 32768, so that no
 * connect meets itself.
 */
#ifndef TEST_LOADTOOL_SERVER_H
#define TEST_LOADTOOL_SERVER_H

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum server_fault {
    SERVER_UPPER,  /* none: the right answers */
    SERVER_ECHO,   /* answers with the request */
    SERVER_FLIP,   /* one byte of an answer is wrong */
    SERVER_DOUBLE, /* the last byte of an answer comes twice */
    SERVER_LOSE,   /* a chunk of more than 5000 bytes, so several messages, is half answered: then FIN */
    SERVER_MUTE,   /* never answers */
    SERVER_CLOSE,  /* closes instead of answering */
    SERVER_RESET,  /* resets instead of answering */
    SERVER_NO_FIN, /* never closes, whatever the client does */
};

struct server {
    int listener;
    uint16_t port;
    enum server_fault fault;
    uint64_t after; /* chunks of all connections that are answered right before the fault */
    _Atomic uint64_t chunks;
    _Atomic int connections;
    _Atomic int accepted;
    _Atomic bool stops;
    pthread_t thread;
    struct sockaddr_un un;
};

struct server_connection {
    struct server *server;
    int fd;
};

/* A listener on a free port of 127.0.0.1 below the range that the kernel takes local ports from. */
static inline int server_listen(uint16_t *port)
{
    int on = 1;

    for (unsigned try = 0; try < 500; try++) {
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        *port = (uint16_t)(22000 + ((unsigned)getpid() * 31 + try * 7) % 9000);
        at.sin_port = htons(*port);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
        if (bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 1024) == 0)
            return fd;
        close(fd);
    }
    abort();
}

static inline void server_send(int fd, const uint8_t *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t sent = send(fd, bytes + done, length - done, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        done += (size_t)sent;
    }
}

/* Answer one chunk by the fault; false ends the connection. */
static inline bool server_answer(struct server *server, int fd, uint8_t *bytes, size_t length)
{
    struct linger at_once = {.l_onoff = 1};
    bool is_due = atomic_fetch_add(&server->chunks, 1) >= server->after;
    enum server_fault fault = is_due ? server->fault : SERVER_UPPER;

    if (fault == SERVER_LOSE && length <= 5000)
        fault = SERVER_UPPER;
    if (fault == SERVER_MUTE)
        return true;
    if (fault == SERVER_CLOSE)
        return false;
    if (fault == SERVER_RESET) {
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        return false;
    }
    for (size_t i = 0; fault != SERVER_ECHO && i < length; i++)
        if (bytes[i] >= 'a' && bytes[i] <= 'z')
            bytes[i] = (uint8_t)(bytes[i] - 'a' + 'A');
    if (fault == SERVER_FLIP)
        bytes[length / 2] ^= 0x80;
    if (fault == SERVER_DOUBLE)
        bytes[length] = bytes[length - 1];
    server_send(fd, bytes, fault == SERVER_DOUBLE ? length + 1 : fault == SERVER_LOSE ? length / 2 : length);
    return fault != SERVER_LOSE;
}

static inline void *server_serve(void *argument)
{
    struct server_connection connection = *(struct server_connection *)argument;
    struct server *server = connection.server;
    uint8_t *bytes = malloc(64 * 1024 + 1);
    ssize_t length = 0;

    free(argument);
    while ((length = recv(connection.fd, bytes, 64 * 1024, 0)) > 0)
        if (!server_answer(server, connection.fd, bytes, (size_t)length))
            break;
    free(bytes);
    while (length == 0 && server->fault == SERVER_NO_FIN && !server->stops)
        usleep(1000);
    close(connection.fd);
    atomic_fetch_sub(&server->connections, 1);
    return NULL;
}

static inline void *server_accept(void *argument)
{
    struct server *server = argument;

    for (;;) {
        pthread_t thread;
        int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            return NULL;
        struct server_connection *connection = malloc(sizeof(*connection));
        *connection = (struct server_connection){.server = server, .fd = fd};
        atomic_fetch_add(&server->connections, 1);
        atomic_fetch_add(&server->accepted, 1);
        if (pthread_create(&thread, NULL, server_serve, connection) != 0)
            abort();
        pthread_detach(thread);
    }
}

static inline void server_run(struct server *server)
{
    if (pthread_create(&server->thread, NULL, server_accept, server) != 0)
        abort();
}

static inline void server_start(struct server *server, enum server_fault fault, uint64_t after)
{
    memset(server, 0, sizeof(*server));
    server->fault = fault;
    server->after = after;
    server->listener = server_listen(&server->port);
    server_run(server);
}

/* At an abstract name of its own. */
static inline void server_start_unix(struct server *server, enum server_fault fault)
{
    memset(server, 0, sizeof(*server));
    server->fault = fault;
    server->un.sun_family = AF_UNIX;
    snprintf(server->un.sun_path + 1, sizeof(server->un.sun_path) - 1, "loadtool-test-%d", (int)getpid());
    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t length = (socklen_t)(sizeof(sa_family_t) + 1 + strlen(server->un.sun_path + 1));
    if (bind(server->listener, (struct sockaddr *)&server->un, length) != 0 ||
        listen(server->listener, 1024) != 0)
        abort();
    server_run(server);
}

static inline void server_stop(struct server *server)
{
    server->stops = true;
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    while (server->connections > 0)
        usleep(1000);
}

#endif
