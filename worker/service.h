/*
 * service: what is done to a client's bytes, one named function a service.
 *
 * Contract of every service: pure, byte for byte. Output byte i depends on input byte i alone, never on its
 * neighbours, its position, earlier chunks, the time or any state; as many bytes go out as came in. This is
 * what lets the answer of a dead worker be continued by its successor from any byte on, with nothing handed
 * over. `in` and `out` do not overlap. A service must neither block nor allocate. Any process may call it; a
 * worker does.
 */
#ifndef WORKER_SERVICE_H
#define WORKER_SERVICE_H

#include <stddef.h>

struct service {
    const char *name;    /* as --service takes it */
    const char *summary; /* one sentence, for --help */
    void (*transform)(unsigned char *out, const unsigned char *in, size_t byte_count);
};

/* a-z to A-Z and every other byte value unchanged: exactly Python's bytes.upper(). */
extern const struct service service_upper;

/* Every byte as it came. */
extern const struct service service_echo;

/* upper, for trials: some words in a chunk make the process crash, exit or hang. See service_faulty.c. */
extern const struct service service_faulty;

/* The service of that name, NULL when there is none. */
const struct service *service_find(const char *name);

/* The service at that place of the table, NULL past the end. The first one is the default. */
const struct service *service_at(size_t index);

#endif
