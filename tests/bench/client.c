/*
 * The load tool's measure: a libuv client as anybody would write it, without checks.
 *
 *     client PORT CLIENTS BYTES        until SIGINT
 *
 * Each client sends a message with uv_write, reads until as many bytes came back, and sends the next one.
 * Nothing is compared and nothing is timed. Prints the messages that were answered; exit 1 if a connection ended.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { BUFFER_BYTES = 64 * 1024 };

struct peer {
    uv_tcp_t tcp;
    uv_connect_t connecting;
    uv_write_t writing;
    size_t got;
};

static char incoming[BUFFER_BYTES];
static uv_buf_t message;
static uint64_t answered, lost;

static void on_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)handle;
    (void)suggested;
    *buffer = uv_buf_init(incoming, sizeof(incoming));
}

static void on_written(uv_write_t *request, int status)
{
    (void)request;
    if (status < 0 && status != UV_ECANCELED)
        fprintf(stderr, "client: write: %s\n", uv_strerror(status));
}

static void send_message(struct peer *peer)
{
    uv_write(&peer->writing, (uv_stream_t *)&peer->tcp, &message, 1, on_written);
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct peer *peer = (struct peer *)stream->data;

    (void)buffer;
    if (length < 0) {
        lost++;
        uv_close((uv_handle_t *)stream, NULL);
        return;
    }
    peer->got += (size_t)length;
    if (peer->got < message.len)
        return;
    peer->got = 0;
    answered++;
    send_message(peer);
}

static void on_connected(uv_connect_t *request, int status)
{
    struct peer *peer = request->data;

    if (status < 0) {
        fprintf(stderr, "client: connect: %s\n", uv_strerror(status));
        exit(1);
    }
    uv_tcp_nodelay(&peer->tcp, 1);
    peer->tcp.data = peer;
    uv_read_start((uv_stream_t *)&peer->tcp, on_buffer, on_read);
    send_message(peer);
}

static void on_interrupt(uv_signal_t *interrupt, int number)
{
    (void)number;
    uv_stop(interrupt->loop);
}

int main(int argc, char **argv)
{
    struct sockaddr_in at;
    uv_signal_t interrupt;

    if (argc != 4) {
        fputs("usage: client PORT CLIENTS BYTES\n", stderr);
        return 2;
    }
    size_t clients = strtoul(argv[2], NULL, 10);
    message = uv_buf_init(calloc(strtoul(argv[3], NULL, 10), 1), (unsigned)strtoul(argv[3], NULL, 10));
    struct peer *peers = calloc(clients, sizeof(*peers));
    if (peers == NULL || message.base == NULL)
        return 1;
    memset(message.base, 'a', message.len);
    uv_ip4_addr("127.0.0.1", atoi(argv[1]), &at);
    uv_loop_t *loop = uv_default_loop();
    for (size_t i = 0; i < clients; i++) {
        uv_tcp_init(loop, &peers[i].tcp);
        peers[i].connecting.data = &peers[i];
        uv_tcp_connect(&peers[i].connecting, &peers[i].tcp, (const struct sockaddr *)&at, on_connected);
    }
    uv_signal_init(loop, &interrupt);
    uv_signal_start(&interrupt, on_interrupt, SIGINT);
    uv_run(loop, UV_RUN_DEFAULT);
    printf("%llu\n", (unsigned long long)answered);
    return lost > 0;
}
