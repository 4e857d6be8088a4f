#include "loadtool/target.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "loadtool/units.h"

static int copy_part(char *out, size_t size, const char *from, size_t length)
{
    if (length == 0 || length >= size)
        return -EINVAL;
    memcpy(out, from, length);
    out[length] = '\0';
    return 0;
}

static int parse_port(const char *word, char *port)
{
    uint64_t number = 0;

    if (units_parse_count(word, 1, 65535, &number) < 0)
        return -EINVAL;
    snprintf(port, TARGET_PORT_BYTES, "%u", (unsigned)number);
    return 0;
}

static int parse_unix(const char *path, struct target_name *name)
{
    if (path[0] != '/' && path[0] != '@')
        return -EINVAL;
    if (path[1] == '\0' || strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return -EINVAL;
    name->family = AF_UNIX;
    return copy_part(name->path, sizeof(name->path), path, strlen(path));
}

static int parse_v6(const char *word, struct target_name *name)
{
    const char *close = strchr(word, ']');

    if (close == NULL || close[1] != ':')
        return -EINVAL;
    if (copy_part(name->host, sizeof(name->host), word + 1, (size_t)(close - word - 1)) < 0)
        return -EINVAL;
    return parse_port(close + 2, name->port);
}

int target_parse(const char *word, struct target_name *name)
{
    memset(name, 0, sizeof(*name));
    name->family = AF_UNSPEC;
    if (strncmp(word, "unix:", 5) == 0)
        return parse_unix(word + 5, name);
    if (word[0] == '[')
        return parse_v6(word, name);

    const char *colon = strchr(word, ':');
    if (colon == NULL || strchr(colon + 1, ':') != NULL)
        return -EINVAL;
    if (colon == word)
        strcpy(name->host, "127.0.0.1");
    else if (copy_part(name->host, sizeof(name->host), word, (size_t)(colon - word)) < 0)
        return -EINVAL;
    return parse_port(colon + 1, name->port);
}

static void resolve_unix(const struct target_name *name, struct target *target)
{
    struct sockaddr_un *un = &target->address.un;
    size_t length = strlen(name->path);

    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, name->path, length);
    if (name->path[0] == '@')
        un->sun_path[0] = '\0';
    target->length =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (name->path[0] == '/' ? 1 : 0));
}

static void take_address(struct target *target, const struct addrinfo *from)
{
    memcpy(&target->address.storage, from->ai_addr, from->ai_addrlen);
    target->length = from->ai_addrlen;
}

static bool accepts_connection(const struct addrinfo *at, uint64_t timeout_ms)
{
    int fault = 0;
    socklen_t length = sizeof(fault);
    bool accepted = false;

    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    if (connect(fd, at->ai_addr, at->ai_addrlen) == 0) {
        accepted = true;
    } else if (errno == EINPROGRESS) {
        struct pollfd ready = {.fd = fd, .events = POLLOUT, .revents = 0};
        accepted = poll(&ready, 1, (int)timeout_ms) == 1 &&
                   getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &length) == 0 && fault == 0;
    }
    close(fd);
    return accepted;
}

int target_resolve(const struct target_name *name, uint64_t timeout_ms, struct target *target)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;

    memset(target, 0, sizeof(*target));
    if (name->family == AF_UNIX) {
        resolve_unix(name, target);
        return 0;
    }
    int rc = getaddrinfo(name->host, name->port, &hints, &list);
    if (rc != 0)
        return rc;
    take_address(target, list);
    if (list->ai_next != NULL) {
        for (const struct addrinfo *at = list; at != NULL; at = at->ai_next) {
            if (!accepts_connection(at, timeout_ms))
                continue;
            take_address(target, at);
            break;
        }
    }
    freeaddrinfo(list);
    return 0;
}
