#include "master/passed.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT_MAX 4096 /* far more than anybody passes: what is above is no number of descriptors */

/* ---- the environment ---- */

/* A positive number and nothing else; -EINVAL otherwise. */
static long number_of(const char *text)
{
    char *end = NULL;
    errno = 0;
    long value = strtol(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && value > 0 ? value : -EINVAL;
}

/* Variables that speak of another process have only come down to us. */
int passed_count(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    if (!pid || !count || number_of(pid) != getpid())
        return 0;
    long value = number_of(count);
    return value > 0 && value <= COUNT_MAX ? (int)value : -EINVAL;
}

const char *passed_names(void)
{
    const char *names = getenv("LISTEN_FDNAMES");
    return names && *names ? names : "unknown";
}

/* ---- the socket ---- */

static int option_of(int name)
{
    int value = -1;
    socklen_t length = sizeof value;
    return getsockopt(PASSED_FD, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

static bool is_stream_listener(void)
{
    int family = option_of(SO_DOMAIN);
    return option_of(SO_TYPE) == SOCK_STREAM && option_of(SO_ACCEPTCONN) == 1 &&
           (family == AF_UNIX || family == AF_INET || family == AF_INET6);
}

/* Is it one of those that the text may mean? */
static bool is_asked_for(const char *bind, const char *bound)
{
    struct address address;
    char text[PEER_TEXT_SIZE], ignored[ADDRESS_TEXT_SIZE];
    if (address_parse(&address, bind, ignored, sizeof ignored) < 0)
        return false;
    for (unsigned i = 0; i < address.candidate_count; i++) {
        peer_format(text, &address.candidates[i], address.lengths[i]);
        if (strcmp(text, bound) == 0)
            return true;
    }
    return false;
}

/* Of a TCP listener tcpi_sacked is the length that its queue may have; of others nobody tells. */
static int backlog_granted(bool is_unix, int wanted)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof info;
    if (is_unix || getsockopt(PASSED_FD, IPPROTO_TCP, TCP_INFO, &info, &length) < 0)
        return wanted;
    return (int)info.tcpi_sacked;
}

static void describe(struct listener *listener, int backlog)
{
    struct sockaddr_storage bound = {0};
    socklen_t length = sizeof bound;
    bool is_unix = option_of(SO_DOMAIN) == AF_UNIX;
    *listener = (struct listener){
        .fd = PASSED_FD,
        .is_unix = is_unix,
        .is_passed = true,
        .backlog_granted = backlog_granted(is_unix, backlog),
    };
    if (getsockname(PASSED_FD, (struct sockaddr *)&bound, &length) == 0)
        peer_format(listener->bound, &bound, length);
}

/* Whoever has passed it may have wanted to be asked before every accept, and to close it with every exec. */
static int set_flags(char error[], size_t error_size)
{
    int flags = fcntl(PASSED_FD, F_GETFL);
    if (flags >= 0 && fcntl(PASSED_FD, F_SETFL, flags | O_NONBLOCK) == 0 && fcntl(PASSED_FD, F_SETFD, 0) == 0)
        return 0;
    int result = -errno;
    snprintf(error, error_size, "the passed socket cannot be used: %s", strerror(-result));
    return result;
}

static int look_at(struct listener *listener, const char *bind, int backlog, char error[], size_t error_size)
{
    int count = passed_count();
    if (count < 0) {
        snprintf(error, error_size, "LISTEN_FDS is no number of descriptors");
        return -EINVAL;
    }
    if (count > 1) {
        snprintf(error, error_size, "%d sockets were passed (%s), and one is wanted", count, passed_names());
        return -EINVAL;
    }
    if (!is_stream_listener()) {
        snprintf(error, error_size,
                 "what was passed as descriptor %d (%s) is no listening TCP or UNIX stream socket", PASSED_FD,
                 passed_names());
        return -EINVAL;
    }
    describe(listener, backlog);
    if (bind && !is_asked_for(bind, listener->bound)) {
        snprintf(error, error_size, "%s was asked for, and the socket that was passed (%s) listens at %s",
                 bind, passed_names(), listener->bound);
        return -EADDRNOTAVAIL;
    }
    return 0;
}

int passed_listener(struct listener *listener, const char *bind, const struct listener_settings *settings,
                    char error[], size_t error_size)
{
    struct listener found;
    int result = look_at(&found, bind, settings->backlog, error, error_size);
    if (result == 0)
        result = set_flags(error, error_size);
    if (result == 0 && !found.is_unix)
        result = listener_set_options(PASSED_FD, settings, error, error_size);
    else if (result == 0)
        listener_refuse_descriptors(PASSED_FD);
    if (result == 0)
        *listener = found;
    return result;
}
