/*
 * An upper-case server with libuv as its own guide writes one, forked over a shared listener.
 *
 *     uv_upper WORKERS PORT|PATH        serves on 127.0.0.1 or a UNIX socket until SIGTERM
 *
 * A buffer is allocated for each read, becomes the answer in place, and is freed when it is written. It is not a
 * server to be used.
 */
#include "tests/bench/prefork.h"
#include <stdlib.h>
#include <uv.h>

struct answer {
    uv_write_t request;
    uv_buf_t buffer;
};

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void on_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)handle;
    *buffer = uv_buf_init(malloc(suggested), (unsigned)suggested);
}

static void on_written(uv_write_t *request, int status)
{
    struct answer *answer = (struct answer *)request;

    if (status < 0 && !uv_is_closing((uv_handle_t *)request->handle))
        uv_close((uv_handle_t *)request->handle, on_closed);
    free(answer->buffer.base);
    free(answer);
}

static void on_read(uv_stream_t *client, ssize_t length, const uv_buf_t *buffer)
{
    struct answer *answer;

    if (length <= 0) {
        free(buffer->base);
        if (length < 0)
            uv_close((uv_handle_t *)client, on_closed);
        return;
    }
    prefork_upper(buffer->base, (size_t)length);
    answer = malloc(sizeof(*answer));
    answer->buffer = uv_buf_init(buffer->base, (unsigned)length);
    uv_write(&answer->request, client, &answer->buffer, 1, on_written);
}

/* A handle of the listener's kind: libuv keeps TCP and UNIX sockets apart. */
static uv_stream_t *new_client(uv_stream_t *listener)
{
    if (listener->type == UV_NAMED_PIPE) {
        uv_pipe_t *pipe = malloc(sizeof(*pipe));
        uv_pipe_init(listener->loop, pipe, 0);
        return (uv_stream_t *)pipe;
    }
    uv_tcp_t *tcp = malloc(sizeof(*tcp));
    uv_tcp_init(listener->loop, tcp);
    return (uv_stream_t *)tcp;
}

static void on_connection(uv_stream_t *listener, int status)
{
    if (status < 0)
        return;
    uv_stream_t *client = new_client(listener);
    if (uv_accept(listener, client) != 0) {
        uv_close((uv_handle_t *)client, on_closed);
        return;
    }
    uv_read_start(client, on_buffer, on_read);
}

static void serve(int fd)
{
    uv_loop_t *loop = uv_default_loop();
    union {
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } listener;

    if (uv_guess_handle(fd) == UV_NAMED_PIPE) {
        uv_pipe_init(loop, &listener.pipe, 0);
        uv_pipe_open(&listener.pipe, fd);
    } else {
        uv_tcp_init(loop, &listener.tcp);
        uv_tcp_open(&listener.tcp, fd);
    }
    uv_listen(&listener.stream, BENCH_BACKLOG, on_connection);
    uv_run(loop, UV_RUN_DEFAULT);
}

int main(int argc, char **argv)
{
    return prefork_main(argc, argv, serve);
}
