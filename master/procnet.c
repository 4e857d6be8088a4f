#include "master/procnet.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void procnet_map_v4(struct in6_addr *out, uint32_t v4_network_order)
{
    out->s6_addr32[0] = 0;
    out->s6_addr32[1] = 0;
    out->s6_addr32[2] = htonl(0xffff);
    out->s6_addr32[3] = v4_network_order;
}

bool procnet_parse_endpoint(const char *text, struct procnet_endpoint *endpoint)
{
    uint32_t words[4];
    const char *colon = strchr(text, ':');
    size_t word_count = colon ? (size_t)(colon - text) / 8 : 0;

    if (word_count != 1 && word_count != 4)
        return false;
    for (size_t i = 0; i < word_count; i++)
        if (sscanf(text + i * 8, "%8" SCNx32, &words[i]) != 1)
            return false;
    if (word_count == 1)
        procnet_map_v4(&endpoint->address, words[0]);
    else
        memcpy(endpoint->address.s6_addr32, words, sizeof words);
    return sscanf(colon + 1, "%x", &endpoint->port) == 1;
}
