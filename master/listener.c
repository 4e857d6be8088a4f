#include "master/listener.h"

#include "master/holder.h"
#include "master/unix_path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A client that vanished while nothing was under way is found out after 60 s + 6 * 10 s; where there is a TCP_USER_TIMEOUT the
 * kernel goes by that instead of the count, at the first probe behind it: after 70 s. */
#define KEEPALIVE_IDLE_S     60
#define KEEPALIVE_INTERVAL_S 10
#define KEEPALIVE_COUNT      6

/* The kernel's own end of patience comes this much after our write deadline, so that ours decides and is
 * counted. Ours comes up to twice the timeout after the last progress: that may have been just after it was armed. */
#define USER_TIMEOUT_MARGIN_MS 1000
/* And never before this: a network may be away for a moment even where clients must read quickly. */
#define USER_TIMEOUT_MS_MIN 30000

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* since Linux 6.16, include/uapi/asm-generic/socket.h */
#endif

#define ERROR_SIZE 512 /* a sentence with an address and its holder */

struct socket_option {
    int level, name, value;
    const char *text; /* for the error */
};

/*
 * TCP_USER_TIMEOUT ends a connection whose data nobody has acknowledged for so long. It also bounds the
 * probing of a closed window: a live client that just does not read dies of it. So it is never shorter than
 * the write timeout, which is about such clients, and 0 (the kernel's default, which spares them) when that
 * is off or out of range.
 */
static int choose_user_timeout_ms(int64_t write_timeout_ms)
{
    if (write_timeout_ms == 0 || write_timeout_ms > (INT_MAX - USER_TIMEOUT_MARGIN_MS) / 2)
        return 0;

    int64_t user_timeout_ms = 2 * write_timeout_ms + USER_TIMEOUT_MARGIN_MS;

    return (int)(user_timeout_ms < USER_TIMEOUT_MS_MIN ? USER_TIMEOUT_MS_MIN : user_timeout_ms);
}

static int set_option(int fd, const struct socket_option *option, char error[], size_t error_size)
{
    if (setsockopt(fd, option->level, option->name, &option->value, sizeof option->value) == 0)
        return 0;

    int code = -errno;

    snprintf(error, error_size, "the socket option %s is refused: %s", option->text, strerror(-code));
    return code;
}

/* MPTCP keeps other books of its bytes than TCP, and recovery relies on TCP's. A listener becomes one when
 * something around the program swaps the protocol (mptcpize), so look at what we got. */
static int refuse_mptcp(int fd, char error[], size_t error_size)
{
    int protocol = 0;
    socklen_t length = sizeof protocol;

    if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) == 0 && protocol == IPPROTO_TCP)
        return 0;
    snprintf(error, error_size,
             "the kernel gave a socket of protocol %d instead of TCP; MPTCP is not supported", protocol);
    return -EPROTONOSUPPORT;
}

static int set_tcp_options(int fd, int family, bool dual_stack, const struct listener_settings *settings,
                           char error[], size_t error_size)
{
    const struct socket_option options[] = {
        /* Bind although connections of a predecessor are still in TIME_WAIT. */
        {SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR"},
        {IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY"},
        /* Urgent data is part of the stream; else SIOCINQ stops at its mark and the counting of bytes errs.
         */
        {SOL_SOCKET, SO_OOBINLINE, 1, "SO_OOBINLINE"},
        {SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE"},
        {IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S, "TCP_KEEPIDLE"},
        {IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S, "TCP_KEEPINTVL"},
        {IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT, "TCP_KEEPCNT"},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, choose_user_timeout_ms(settings->write_timeout_ms),
         "TCP_USER_TIMEOUT"},
        /* Said either way, since a sysctl changes the default. Last: IPv4 has no such option. */
        {IPPROTO_IPV6, IPV6_V6ONLY, !dual_stack, "IPV6_V6ONLY"},
    };
    size_t count = sizeof options / sizeof options[0] - (family == AF_INET6 ? 0 : 1);
    int result = refuse_mptcp(fd, error, error_size);

    for (size_t i = 0; i < count && result == 0; i++)
        result = set_option(fd, &options[i], error, error_size);
    return result;
}

/* TCP Fast Open hands data to a connection before it is established; a sysctl can enable it for every
 * listener, and only after listen is it known to be off. A kernel without it has nothing to switch off. */
static void disable_fast_open(int fd)
{
    int queue_length = 0;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, &queue_length, sizeof queue_length);
}

void listener_refuse_descriptors(int fd)
{
    int accepted = 0;

    (void)setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &accepted, sizeof accepted);
}

static void explain_bind_failure(int code, const struct sockaddr_storage *address, socklen_t length,
                                 char error[], size_t error_size)
{
    char text[PEER_TEXT_SIZE];
    char holder[HOLDER_TEXT_SIZE];

    if (error[0]) /* said already */
        return;
    peer_format(text, address, length);
    if (code == -EADDRINUSE) {
        holder_find(address, holder, sizeof holder);
        snprintf(error, error_size, "%s is in use, held by %s", text, holder);
    } else if (code == -EADDRNOTAVAIL) {
        snprintf(error, error_size, "%s is no address of this machine", text);
    } else if (code == -EACCES && address->ss_family != AF_UNIX) {
        snprintf(error, error_size, "%s is not permitted: ports below 1024 need CAP_NET_BIND_SERVICE", text);
    } else {
        snprintf(error, error_size, "%s cannot be bound: %s", text, strerror(-code));
    }
}

static int bind_and_listen(int fd, const struct sockaddr_storage *address, socklen_t length,
                           const struct listener_settings *settings, char error[], size_t error_size)
{
    bool inspects = settings->probes && unix_path_of(address);
    int result = inspects ? unix_path_inspect(address, length, error, error_size)
                          : unix_path_bind(fd, address, length, settings->unix_mode, error, error_size);

    if (result == 0 && !settings->probes && listen(fd, settings->backlog) < 0) {
        result = -errno;
        if (unix_path_of(address))
            unlink(unix_path_of(address)); /* ours: bind has just made it */
    }
    if (result < 0)
        explain_bind_failure(result, address, length, error, error_size);
    return result;
}

static in_port_t *port_of(struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET6)
        return &((struct sockaddr_in6 *)(void *)address)->sin6_port;
    return &((struct sockaddr_in *)(void *)address)->sin_port;
}

/*
 * Where the kernel is to choose the port, it chooses for another socket first, and ours asks for that port: a
 * socket that was shut down gives up a port that was chosen for it and keeps one that it asked for
 * (SOCK_BINDPORT_LOCK in the kernel's inet_bind and tcp_disconnect), and a listener that is drained must come
 * back at the same one. Returns that other socket, to be closed once ours is bound; -1: there is none.
 */
static int choose_port(const struct address *address, struct sockaddr_storage *candidate, socklen_t length,
                       const struct listener_settings *settings)
{
    char unsaid[ERROR_SIZE];
    struct sockaddr_storage chosen = *candidate;
    bool is_needed = address->kind == ADDRESS_TCP && !settings->probes && *port_of(candidate) == 0;
    int fd = is_needed ? socket(candidate->ss_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP) : -1;

    if (fd < 0)
        return -1;
    if (set_tcp_options(fd, candidate->ss_family, address->dual_stack, settings, unsaid, sizeof unsaid) ==
            0 &&
        bind(fd, (const struct sockaddr *)(const void *)candidate, length) == 0 &&
        getsockname(fd, (struct sockaddr *)(void *)&chosen, &length) == 0)
        *candidate = chosen;
    return fd;
}

/* The listening descriptor for one candidate, or a negative errno. */
static int open_candidate(const struct address *address, unsigned index,
                          const struct listener_settings *settings, char error[], size_t error_size)
{
    struct sockaddr_storage candidate = address->candidates[index];
    bool is_tcp = address->kind == ADDRESS_TCP;
    int fd = socket(candidate.ss_family, SOCK_STREAM | SOCK_NONBLOCK, is_tcp ? IPPROTO_TCP : 0);
    int result = 0;

    error[0] = '\0';
    if (fd < 0) {
        result = -errno;
        snprintf(error, error_size, "no socket for %s: %s", address->text, strerror(-result));
        return result;
    }
    if (is_tcp)
        result = set_tcp_options(fd, candidate.ss_family, address->dual_stack, settings, error, error_size);
    else
        listener_refuse_descriptors(fd);
    if (result == 0) {
        int chooser = choose_port(address, &candidate, address->lengths[index], settings);
        result = bind_and_listen(fd, &candidate, address->lengths[index], settings, error, error_size);
        if (chooser >= 0)
            close(chooser);
    }
    if (result < 0) {
        close(fd);
        return result;
    }
    if (is_tcp)
        disable_fast_open(fd);
    return fd;
}

/* listen() cuts the backlog in silence; this is to what. */
static int read_backlog_granted(int wanted)
{
    char text[32];
    int fd = open("/proc/sys/net/core/somaxconn", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

    if (fd >= 0)
        close(fd);
    if (length <= 0)
        return wanted;
    text[length] = '\0';

    long limit = strtol(text, NULL, 10);

    return limit > 0 && limit < wanted ? (int)limit : wanted;
}

/* What can only be asked of the socket itself. */
static void describe(struct listener *listener, int fd, const struct address *address, int backlog)
{
    struct sockaddr_storage bound = {0};
    socklen_t length = sizeof bound;
    struct sockaddr *any = (void *)&bound;

    *listener = (struct listener){
        .fd = fd,
        .is_unix = address->kind == ADDRESS_UNIX,
        .backlog_granted = read_backlog_granted(backlog),
    };
    if (getsockname(fd, any, &length) == 0)
        peer_format(listener->bound, &bound, length);
    /* fstat of a socket tells of the socket, not of its path. */
    if (unix_path_of(&bound))
        unix_path_identify(unix_path_of(&bound), &listener->dev, &listener->ino);
}

/* Goes the next candidate for what this one failed of? */
static bool may_go_on(const struct address *address, int code)
{
    return !address->dual_stack || code == -EAFNOSUPPORT || code == -EADDRNOTAVAIL;
}

int listener_open(struct listener *listener, const struct address *address,
                  const struct listener_settings *settings, char error[], size_t error_size)
{
    char reason[ERROR_SIZE];
    int failure = 0;

    for (unsigned i = 0; i < address->candidate_count; i++) {
        int fd = open_candidate(address, i, settings, reason, sizeof reason);

        if (fd >= 0) {
            describe(listener, fd, address, settings->backlog);
            return 0;
        }
        if (failure == 0 || (fd == -EADDRINUSE && failure != -EADDRINUSE)) {
            failure = fd;
            snprintf(error, error_size, "%s", reason);
        }
        if (!may_go_on(address, fd))
            break;
    }
    return failure;
}

int listener_probe(const struct address *address, const struct listener_settings *settings, char error[],
                   size_t error_size)
{
    struct listener_settings probing = *settings;
    struct listener listener = {.fd = -1};

    probing.probes = true;

    int result = listener_open(&listener, address, &probing, error, error_size);

    if (result == 0)
        close(listener.fd);
    return result;
}

/* IPV6_V6ONLY can be said before bind alone. */
int listener_set_options(int fd, const struct listener_settings *settings, char error[], size_t error_size)
{
    int result = set_tcp_options(fd, AF_INET, false, settings, error, error_size);

    if (result == 0)
        disable_fast_open(fd);
    return result;
}

int listener_set_write_timeout(int fd, int64_t write_timeout_ms)
{
    int value = choose_user_timeout_ms(write_timeout_ms);

    return setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, sizeof value) < 0 ? -errno : 0;
}

void listener_remove_path(const struct listener *listener)
{
    if (listener->is_unix && !listener->is_passed)
        unix_path_remove(listener->bound + strlen("unix:"), listener->dev, listener->ino);
}

int listener_open_again(int fd, int backlog)
{
    if (listen(fd, backlog) < 0)
        return -errno;
    disable_fast_open(fd);
    return 0;
}
