#include "worker/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static void format_v4(char out[PEER_TEXT_SIZE], const void *address, in_port_t port)
{
    char text[INET_ADDRSTRLEN] = "";

    inet_ntop(AF_INET, address, text, sizeof text);
    snprintf(out, PEER_TEXT_SIZE, "%s:%u", text, (unsigned)ntohs(port));
}

static void format_v6(char out[PEER_TEXT_SIZE], const struct sockaddr_in6 *address)
{
    char text[INET6_ADDRSTRLEN] = "";
    char scope[16] = "";

    if (IN6_IS_ADDR_V4MAPPED(&address->sin6_addr)) {
        format_v4(out, &address->sin6_addr.s6_addr[12], address->sin6_port);
        return;
    }
    inet_ntop(AF_INET6, &address->sin6_addr, text, sizeof text);
    if (address->sin6_scope_id)
        snprintf(scope, sizeof scope, "%%%u", (unsigned)address->sin6_scope_id);
    snprintf(out, PEER_TEXT_SIZE, "[%s%s]:%u", text, scope, (unsigned)ntohs(address->sin6_port));
}

static void format_unix(char out[PEER_TEXT_SIZE], const struct sockaddr_un *address, size_t length)
{
    size_t used = strlen("unix:");
    size_t name_length = 0;

    if (length > offsetof(struct sockaddr_un, sun_path))
        name_length = length - offsetof(struct sockaddr_un, sun_path);
    if (name_length > sizeof address->sun_path)
        name_length = sizeof address->sun_path;
    /* An abstract name begins with NUL and is as long as `length` says; a path ends at its NUL, if it has
     * one. */
    if (name_length > 0 && address->sun_path[0] != '\0')
        name_length = strnlen(address->sun_path, name_length);
    memcpy(out, "unix:", used);
    for (size_t i = 0; i < name_length; i++)
        out[used++] = address->sun_path[i] ? address->sun_path[i] : '@';
    out[used] = '\0';
}

void peer_format(char out[PEER_TEXT_SIZE], const struct sockaddr_storage *address, socklen_t length)
{
    const void *any = address;
    const struct sockaddr_in *v4 = any;

    switch (address->ss_family) {
    case AF_INET:
        format_v4(out, &v4->sin_addr, v4->sin_port);
        break;
    case AF_INET6:
        format_v6(out, any);
        break;
    case AF_UNIX:
        format_unix(out, any, length);
        break;
    default: /* the kernel's list of families is open; no enum is switched on here */
        snprintf(out, PEER_TEXT_SIZE, "unknown");
        break;
    }
}
