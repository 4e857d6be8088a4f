/*
 * Where connections come from: `--source ADDR/MASK`, so that one target can be reached from more than the
 * 28,000 ports that one address has. Connection n comes from the n-th address of the net, counted from ADDR
 * round and round. 127.0.0.0/8 needs no set-up; other addresses must be the machine's own.
 *
 * Plain memory, so that a child process can have a copy.
 */
#ifndef LOADTOOL_SOURCE_H
#define LOADTOOL_SOURCE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct source {
    int family; /* AF_INET or AF_INET6; 0 = none: the kernel chooses */
    union {
        struct in_addr v4;
        struct in6_addr v6;
    } first;
    uint64_t count; /* addresses of the net from `first` on */
};

/* "127.0.0.1/8", "10.0.0.5" (that one alone), "fd00::1/64". -EINVAL. */
int source_parse(const char *word, struct source *source);

/* Bind a socket to the n-th address; the port is chosen at connect, when the target is known, so that ports
 * are used more than once. Nothing without a source. Negative errno. */
int source_bind(const struct source *source, int fd, uint64_t n);

/* Could a connection come from its first address? 0 or a negative errno: -EADDRNOTAVAIL where this host has it not. */
int source_check(const struct source *source);

#endif
