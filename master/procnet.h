/*
 * procnet: addresses as /proc/net/tcp and tcp6 show them. Pure.
 */
#ifndef MASTER_PROCNET_H
#define MASTER_PROCNET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/* An IPv6 address, or an IPv4 one mapped into IPv6, with its port in host order. */
struct procnet_endpoint {
    struct in6_addr address;
    unsigned port;
};

void procnet_map_v4(struct in6_addr *out, uint32_t v4_network_order);

/* Reads "0100007F:270F" or its IPv6 form: words of four bytes, each printed as the machine's number. False:
 * it is neither. */
bool procnet_parse_endpoint(const char *text, struct procnet_endpoint *endpoint);

#endif
