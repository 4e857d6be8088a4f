/*
 * settings: all that a reload may change while the server runs, beside what cannot change before a restart.
 *
 * Fixed in size and without pointers: the supervisor keeps it in shared pages with its memory, so that its
 * successor goes on with what was loaded last and not with what the server was started with. Workers get
 * their part on their board at birth (board.h, struct worker_settings).
 *
 * Which options are settings, and which need another start, stands in the table of options (options_table.h,
 * enum option_scope).
 */
#ifndef MASTER_SETTINGS_H
#define MASTER_SETTINGS_H

#include "master/options.h"

#include <stddef.h>
#include <stdint.h>

#define SETTINGS_PATH_SIZE 512 /* NUL included; longer paths are refused, never cut */

struct service_settings {
    uint32_t number;               /* 1 at start, one more with each reload */
    uint32_t worker_count;         /* as configured last; an operator may have scaled since */
    uint32_t max_connections;      /* as configured last */
    uint32_t connection_count_max; /* what of that is granted, a worker */
    int64_t idle_timeout_ms, write_timeout_ms, drain_timeout_ms, hang_timeout_ms; /* 0: off */
    uint32_t service_index;                                                       /* service_at() */
    uint32_t log_level;                                                           /* enum log_level */
    uint32_t batch;                                                               /* workers as SCHED_BATCH */
    uint32_t core;                                                                /* core dumps allowed */
    uint32_t incident_bytes;
    char incident_dir[SETTINGS_PATH_SIZE]; /* empty: none */
};

/* The settings with number 1, of which `connection_count_max` is granted. -ENAMETOOLONG: a path does not fit;
 * `error` holds a sentence that begins with the option, and *settings is undefined. */
int settings_from_options(struct service_settings *settings, const struct options *options,
                          uint32_t connection_count_max, char error[], size_t error_size);

/* What a reload reads anew, and what it compares with. */
struct settings_source {
    int argc;
    char **argv;
    const struct options *at_start;
    uint32_t connection_room; /* what descriptor tables were made for at the start */
};

#define SETTINGS_NAMES_SIZE 512 /* the names of all options that can be in one of the lists */

struct settings_change {
    char changed[SETTINGS_NAMES_SIZE];       /* names of options with a blank between them; empty: none */
    char needs_restart[SETTINGS_NAMES_SIZE]; /* differ from the start, and stay as they were */
    uint32_t worker_count;                   /* as configured now, if that changed; else 0 */
};

/* The settings as command line and file say now, with the next number. -EINVAL: those are not good; `why`
 * holds one line that names file, line or option, and *settings and *change are untouched. Opens and reads
 * the file, keeps nothing. */
int settings_reload(struct service_settings *settings, const struct settings_source *source,
                    struct settings_change *change, char why[], size_t why_size);

/* Where incident reports go; NULL: nowhere. Lives as long as the settings. */
const char *settings_incident_dir(const struct service_settings *settings);

#endif
