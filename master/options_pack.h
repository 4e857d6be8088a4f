/*
 * options_pack: options as they can lie in shared pages, for another image of the program: without pointers.
 *
 * Texts stand one behind the other, their fields hold their places; the service is known by its index.
 */
#ifndef MASTER_OPTIONS_PACK_H
#define MASTER_OPTIONS_PACK_H

#include "master/options.h"

enum { OPTIONS_TEXT_BYTES = 4096 };

struct options_packed {
    struct options options;                 /* its pointers mean nothing */
    uint32_t service_index;                 /* service_at() */
    uint16_t text_places[OPTION_COUNT_MAX]; /* of the table's option: 1 + where its text begins; 0: none */
    char texts[OPTIONS_TEXT_BYTES];
};

/* Returns 0, or -E2BIG when the texts do not fit; *packed is undefined then. */
int options_pack(struct options_packed *packed, const struct options *options);

/* The options again; their texts are those of *packed and live as long as that. */
void options_unpack(struct options *options, const struct options_packed *packed);

#endif
