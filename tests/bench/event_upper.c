/*
 * An upper-case server with libevent's bufferevents, as its book writes one, forked over a shared listener.
 *
 *     event_upper WORKERS PORT|PATH        serves on 127.0.0.1 or a UNIX socket until SIGTERM
 *
 * What came is made contiguous in the input buffer, changed in place and moved to the output buffer without a
 * copy. It is not a server to be used.
 */
#include "tests/bench/prefork.h"
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

static void on_read(struct bufferevent *client, void *context)
{
    struct evbuffer *input = bufferevent_get_input(client);
    size_t count = evbuffer_get_length(input);

    (void)context;
    prefork_upper((char *)evbuffer_pullup(input, -1), count);
    bufferevent_write_buffer(client, input);
}

static void on_event(struct bufferevent *client, short what, void *context)
{
    (void)context;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
        bufferevent_free(client);
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                          int address_bytes, void *context)
{
    struct bufferevent *client =
        bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);

    (void)address;
    (void)address_bytes;
    (void)context;
    bufferevent_setcb(client, on_read, NULL, on_event, NULL);
    bufferevent_enable(client, EV_READ | EV_WRITE);
}

static void serve(int listener)
{
    struct event_base *base = event_base_new();

    evconnlistener_new(base, on_connection, NULL, 0, 0, listener);
    event_base_dispatch(base);
}

int main(int argc, char **argv)
{
    return prefork_main(argc, argv, serve);
}
