#include "master/metrics_socket.h"
#include "master/listener.h"
#include "master/metrics_server.h"
#include "worker/heritage.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

int metrics_socket_parse(struct address *address, const char *text, char error[], size_t error_size)
{
    struct address parsed;
    bool is_path = text[0] == '/' || text[0] == '@'; /* address_parse() would advise "unix:" */
    if (!is_path && address_parse(&parsed, text, error, error_size) < 0)
        return -EINVAL;
    if (is_path || parsed.kind != ADDRESS_TCP) {
        snprintf(error, error_size, "\"%s\": HOST:PORT, :PORT or [V6]:PORT is accepted", text);
        return -EINVAL;
    }
    *address = parsed;
    return 0;
}

int metrics_socket_open(const char *text, char bound[PEER_TEXT_SIZE], char error[], size_t error_size)
{
    const struct listener_settings settings = {.backlog = METRICS_BACKLOG};
    struct address address;
    struct listener listener;
    int result = metrics_socket_parse(&address, text, error, error_size);
    if (result == 0)
        result = listener_open(&listener, &address, &settings, error, error_size);
    if (result < 0)
        return result;
    result = heritage_place(listener.fd, FD_METRICS);
    if (result < 0)
        snprintf(error, error_size, "no descriptor for it: %s", strerror(-result));
    else
        memcpy(bound, listener.bound, PEER_TEXT_SIZE);
    return result;
}
