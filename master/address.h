/*
 * address: where to listen, as the user writes it, made into socket addresses.
 *
 *   127.0.0.1:9999   [::1]:9999   [fe80::1%eth0]:9999   one address
 *   :9999                                               every IPv6 and IPv4 address (one dual-stack socket)
 *   HOST:9999                                           the addresses of a name, to be tried in order
 *   unix:/path   unix:@name                             a UNIX socket by path; by abstract name (Linux, no
 * file)
 *
 * Port 0 lets the kernel choose. A name is looked up by getaddrinfo(3), which may ask the network and block:
 * this is for the start, in the master.
 */
#ifndef MASTER_ADDRESS_H
#define MASTER_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define ADDRESS_CANDIDATE_MAX 16  /* of a name; more are left out */
#define ADDRESS_TEXT_SIZE     272 /* a host name of 255 bytes, brackets and a port */

struct address {
    enum { ADDRESS_TCP, ADDRESS_UNIX } kind;
    struct sockaddr_storage candidates[ADDRESS_CANDIDATE_MAX]; /* to be tried in this order */
    socklen_t lengths[ADDRESS_CANDIDATE_MAX];
    unsigned candidate_count;     /* 1 or more */
    bool dual_stack;              /* ":PORT": candidate 0 takes IPv4 too, 1 is for kernels without IPv6 */
    char text[ADDRESS_TEXT_SIZE]; /* as the user wrote it */
};

/* Parses `text`. -EINVAL: not an address; -ENOENT: the name or the interface is not known. On failure `error`
 * holds one sentence with the text in it and *address is undefined. */
int address_parse(struct address *address, const char *text, char error[], size_t error_size);

#endif
