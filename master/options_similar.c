/* Which option was probably meant by a word that is none. */
#include "master/options_table.h"

#include "master/spelling.h"

#include <string.h>

/* What other servers call it, long and short. */
static const struct {
    const char *theirs, *ours;
} elsewhere[] = {
    {"p", "bind"},
    {"l", "bind"},
    {"port", "bind"},
    {"listen", "bind"},
    {"host", "bind"},
    {"address", "bind"},
    {"socket", "bind"},
    {"n", "workers"},
    {"processes", "workers"},
    {"children", "workers"},
    {"threads", "workers"},
    {"v", "log-level"},
    {"q", "log-level"},
    {"verbose", "log-level"},
    {"quiet", "log-level"},
    {"debug", "log-level"},
    {"max-clients", "max-connections"},
    {"timeout", "idle-timeout"},
    {"graceful-timeout", "drain-timeout"},
    {"uid", "user"},
    {"gid", "group"},
};

static const struct option_spec *find_elsewhere(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
        if (strlen(elsewhere[i].theirs) == length && strncmp(name, elsewhere[i].theirs, length) == 0)
            return option_named(elsewhere[i].ours);
    return NULL;
}

static const struct option_spec *find_nearest(const char *name, size_t length)
{
    const struct option_spec *best = NULL;
    unsigned best_distance = SPELLING_DISTANCE_MAX + 1;

    for (size_t i = 0; option_at(i); i++) {
        unsigned distance = spelling_slip(name, length, option_at(i)->name);

        if (distance < best_distance) {
            best_distance = distance;
            best = option_at(i);
        }
    }
    return best;
}

const struct option_spec *option_similar(const char *name, size_t length)
{
    const struct option_spec *same = find_elsewhere(name, length);

    return same ? same : find_nearest(name, length);
}
