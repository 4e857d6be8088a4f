#include "loadtool/source.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loadtool/units.h"

enum { WORD_BYTES = 80, HOST_BITS_MAX = 32 };

/* The part of the address that counts: at most its last 32 bits. */
static uint32_t host_part(const struct source *source)
{
    return ntohl(source->family == AF_INET ? source->first.v4.s_addr : source->first.v6.s6_addr32[3]);
}

int source_parse(const char *word, struct source *source)
{
    struct source parsed = {.family = strchr(word, ':') != NULL ? AF_INET6 : AF_INET};
    uint64_t all_bits = parsed.family == AF_INET ? 32 : 128;
    uint64_t bits = all_bits;
    char copy[WORD_BYTES];

    if (strlen(word) >= sizeof(copy))
        return -EINVAL;
    strcpy(copy, word);
    char *slash = strchr(copy, '/');
    if (slash != NULL) {
        *slash = '\0';
        if (units_parse_count(slash + 1, 1, all_bits, &bits) < 0)
            return -EINVAL;
    }
    if (inet_pton(parsed.family, copy, &parsed.first) != 1)
        return -EINVAL;
    uint64_t host_bits = all_bits - bits < HOST_BITS_MAX ? all_bits - bits : HOST_BITS_MAX;
    uint64_t size = UINT64_C(1) << host_bits;
    uint64_t at = host_part(&parsed) & (size - 1);
    /* The last address of an IPv4 net is its broadcast address. */
    parsed.count = size - at - (parsed.family == AF_INET && size - at > 1 ? 1 : 0);
    *source = parsed;
    return 0;
}

int source_bind(const struct source *source, int fd, uint64_t n)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } from;
    int on = 1;

    if (source->family == 0)
        return 0;
    memset(&from, 0, sizeof(from));
    from.any.sa_family = (sa_family_t)source->family;
    uint32_t tail = htonl(host_part(source) + (uint32_t)(n % source->count));
    if (source->family == AF_INET) {
        from.v4.sin_addr.s_addr = tail;
    } else {
        from.v6.sin6_addr = source->first.v6;
        from.v6.sin6_addr.s6_addr32[3] = tail;
    }
    if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0)
        return -errno;
    socklen_t length = source->family == AF_INET ? sizeof(from.v4) : sizeof(from.v6);
    return bind(fd, &from.any, length) < 0 ? -errno : 0;
}

int source_check(const struct source *source)
{
    int fd = socket(source->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int rc = fd < 0 ? -errno : source_bind(source, fd, 0);

    if (fd >= 0)
        close(fd);
    return rc;
}
