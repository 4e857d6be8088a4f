/*
 * Where the server is: HOST:PORT, [V6]:PORT, :PORT (this host), unix:/path, unix:@abstract.
 *
 * A name that resolves to several addresses (localhost) is tried in the resolver's order, once, at start: the
 * first that accepts a connection is the target of the whole run.
 */
#ifndef LOADTOOL_TARGET_H
#define LOADTOOL_TARGET_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { TARGET_HOST_BYTES = 256, TARGET_PORT_BYTES = 6 };

/* A target as it was typed, split. */
struct target_name {
    int family; /* AF_UNIX, or AF_UNSPEC for host and port */
    char host[TARGET_HOST_BYTES];
    char port[TARGET_PORT_BYTES];
    char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1]; /* as typed: "@x" is abstract */
};

/* A target as the kernel wants it. */
struct target {
    socklen_t length;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un un;
        struct sockaddr_storage storage;
    } address;
};

/* Split a target. -EINVAL if it has none of the forms above. No look-up. */
int target_parse(const char *word, struct target_name *name);

/* Turn the name into an address, asking the resolver; with several, the first that accepts a connection
 * within timeout_ms, or the first of all when none does. Returns 0, or a negative code of getaddrinfo: see
 * gai_strerror. */
int target_resolve(const struct target_name *name, uint64_t timeout_ms, struct target *target);

#endif
