#include "master/address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define UNIX_PREFIX    "unix:"
#define PORT_MAX       65535
#define PORT_TEXT_SIZE 6

/* Where a sentence about a failure goes; keeps the parsing below readable. */
struct complaint {
    const char *text; /* what the user wrote */
    char *error;
    size_t error_size;
};

__attribute__((format(printf, 3, 4))) static int complain(const struct complaint *complaint, int code,
                                                          const char *format, ...)
{
    char reason[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    snprintf(complaint->error, complaint->error_size, "address \"%s\": %s", complaint->text, reason);
    return code;
}

static int parse_unix(struct address *address, const char *name, const struct complaint *complaint)
{
    struct sockaddr_un socket_address = {.sun_family = AF_UNIX};
    bool is_abstract = name[0] == '@';
    size_t length = strlen(name);
    size_t length_max = sizeof socket_address.sun_path - (is_abstract ? 0 : 1);

    if (length == 0 || (is_abstract && length == 1))
        return complain(complaint, -EINVAL, "a path or @name must follow unix:");
    if (length > length_max)
        return complain(complaint, -EINVAL, "%zu bytes are too long for a UNIX socket, at most %zu fit",
                        length, length_max);
    memcpy(socket_address.sun_path, name, length);
    if (is_abstract)
        socket_address.sun_path[0] = '\0';
    address->kind = ADDRESS_UNIX;
    memcpy(&address->candidates[0], &socket_address, sizeof socket_address);
    /* An abstract name is as long as the length says; a path ends at its NUL. */
    address->lengths[0] =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (is_abstract ? 0 : 1));
    address->candidate_count = 1;
    return 0;
}

static int parse_port(const char *text, in_port_t *port, const struct complaint *complaint)
{
    unsigned value = 0;
    const char *end = text;

    for (; *end >= '0' && *end <= '9' && value <= PORT_MAX; end++)
        value = value * 10 + (unsigned)(*end - '0');
    if (end == text || *end != '\0' || value > PORT_MAX)
        return complain(complaint, -EINVAL, "the port after the colon must be a number from 0 to %d",
                        PORT_MAX);
    *port = htons((in_port_t)value);
    return 0;
}

static void add_candidate(struct address *address, const void *socket_address, socklen_t length)
{
    if (address->candidate_count == ADDRESS_CANDIDATE_MAX || length > sizeof address->candidates[0])
        return;
    memcpy(&address->candidates[address->candidate_count], socket_address, length);
    address->lengths[address->candidate_count] = length;
    address->candidate_count++;
}

static void add_every_address(struct address *address, in_port_t port)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = port, .sin6_addr = IN6ADDR_ANY_INIT};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = port, .sin_addr = {.s_addr = INADDR_ANY}};

    address->dual_stack = true;
    add_candidate(address, &v6, sizeof v6);
    add_candidate(address, &v4, sizeof v4);
}

/* Looks a host up, by getaddrinfo(3), which reads numeric IPv4, IPv6 and scope identifiers too. */
static int add_host(struct address *address, const char *host, in_port_t port, const struct addrinfo *hints,
                    const struct complaint *complaint)
{
    char service[PORT_TEXT_SIZE];
    struct addrinfo *results = NULL;

    snprintf(service, sizeof service, "%u", (unsigned)ntohs(port));
    int code = getaddrinfo(host, service, hints, &results);

    if (code == EAI_SYSTEM)
        return complain(complaint, -ENOENT, "\"%s\" cannot be looked up: %s", host, strerror(errno));
    if (code != 0 && (hints->ai_flags & AI_NUMERICHOST))
        return complain(complaint, -EINVAL, "\"%s\" is no IPv6 address of this machine", host);
    if (code != 0)
        return complain(complaint, -ENOENT, "\"%s\" cannot be looked up: %s", host, gai_strerror(code));
    for (const struct addrinfo *result = results; result; result = result->ai_next)
        add_candidate(address, result->ai_addr, result->ai_addrlen);
    freeaddrinfo(results);
    return address->candidate_count > 0 ? 0 : complain(complaint, -ENOENT, "\"%s\" has no address", host);
}

static int complain_of_port(const char *text, const struct complaint *complaint)
{
    if (text[0] == '/' || text[0] == '@')
        return complain(complaint, -EINVAL, "a port is missing; did you mean unix:%s?", text);
    if (text[0] != '\0' && text[strspn(text, "0123456789")] == '\0')
        return complain(complaint, -EINVAL, "a port is missing; did you mean :%s?", text);
    return complain(complaint, -EINVAL, "a port is missing; write HOST:PORT or :PORT");
}

static int parse_tcp(struct address *address, const char *text, const struct complaint *complaint)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    const char *colon = strrchr(text, ':');
    char host[ADDRESS_TEXT_SIZE];
    in_port_t port = 0;

    if (!colon || text[strlen(text) - 1] == ']')
        return complain_of_port(text, complaint);

    int result = parse_port(colon + 1, &port, complaint);

    if (result < 0)
        return result;
    address->kind = ADDRESS_TCP;
    if (colon == text) {
        add_every_address(address, port);
        return 0;
    }

    size_t host_length = (size_t)(colon - text);

    if (text[0] == '[' && colon[-1] == ']') {
        snprintf(host, sizeof host, "%.*s", (int)host_length - 2, text + 1);
        hints.ai_family = AF_INET6;
        hints.ai_flags |= AI_NUMERICHOST;
    } else {
        snprintf(host, sizeof host, "%.*s", (int)host_length, text);
        if (strpbrk(host, ":[]"))
            return complain(complaint, -EINVAL, "an IPv6 address goes into brackets, as in [::1]:9999");
    }
    return add_host(address, host, port, &hints, complaint);
}

int address_parse(struct address *address, const char *text, char error[], size_t error_size)
{
    struct complaint complaint = {.text = text, .error = error, .error_size = error_size};

    memset(address, 0, sizeof *address);
    if (strlen(text) >= sizeof address->text) {
        complaint.text = "(very long)";
        return complain(&complaint, -EINVAL, "at most %zu bytes are read", sizeof address->text - 1);
    }
    memcpy(address->text, text, strlen(text) + 1);
    if (strncmp(text, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0)
        return parse_unix(address, text + strlen(UNIX_PREFIX), &complaint);
    return parse_tcp(address, text, &complaint);
}
