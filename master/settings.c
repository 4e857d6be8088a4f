#include "master/settings.h"

#include "master/options_table.h"
#include "worker/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Of one that is in the list. */
static uint32_t index_of(const struct service *service)
{
    uint32_t index = 0;

    while (service_at(index) != service) {
        index++;
        CHECK(service_at(index));
    }
    return index;
}

int settings_from_options(struct service_settings *settings, const struct options *options,
                          uint32_t connection_count_max, char error[], size_t error_size)
{
    const char *dir = options->incident_dir ? options->incident_dir : "";
    char origin[OPTION_ORIGIN_SIZE];

    if (strlen(dir) >= SETTINGS_PATH_SIZE) {
        options_origin(options, "incident-dir", origin);
        snprintf(error, error_size, "%s: a path of at most %d bytes is accepted", origin,
                 SETTINGS_PATH_SIZE - 1);
        return -ENAMETOOLONG;
    }
    *settings = (struct service_settings){
        .number = 1,
        .worker_count = options->worker_count,
        .max_connections = options->max_connections,
        .connection_count_max = connection_count_max,
        .idle_timeout_ms = options->idle_timeout_ms,
        .write_timeout_ms = options->write_timeout_ms,
        .drain_timeout_ms = options->drain_timeout_ms,
        .hang_timeout_ms = options->hang_timeout_ms,
        .service_index = index_of(options->service),
        .log_level = (uint32_t)options->log_level,
        .batch = options->batch,
        .core = options->core,
        .incident_bytes = options->incident_bytes,
    };
    memcpy(settings->incident_dir, dir, strlen(dir));
    return 0;
}

/* ---- reload ---- */

/* The options of the start, as they would stand had everything been configured then as it is now. */
static void present_options(const struct service_settings *settings, const struct options *at_start,
                            struct options *present)
{
    *present = *at_start;
    present->worker_count = settings->worker_count;
    present->max_connections = settings->max_connections;
    present->idle_timeout_ms = settings->idle_timeout_ms;
    present->write_timeout_ms = settings->write_timeout_ms;
    present->drain_timeout_ms = settings->drain_timeout_ms;
    present->hang_timeout_ms = settings->hang_timeout_ms;
    present->service = service_at(settings->service_index);
    present->log_level = (enum log_level)settings->log_level;
    present->batch = settings->batch;
    present->core = settings->core;
    present->incident_bytes = settings->incident_bytes;
    present->incident_dir = settings_incident_dir(settings);
}

static void add_name(char names[SETTINGS_NAMES_SIZE], const char *name)
{
    size_t used = strlen(names);

    snprintf(names + used, SETTINGS_NAMES_SIZE - used, "%s%s", used ? " " : "", name);
}

/* Descriptor tables were made at the start, for so many connections. A number that was asked for and does not
 * fit waits for the next start; one that was not is lowered to fit, as at the start. */
static bool needs_larger_tables(const struct options *fresh, uint32_t connection_room)
{
    return fresh->max_connections_asked && fresh->max_connections > connection_room;
}

static void compare(const struct options *present, const struct options *fresh, uint32_t connection_room,
                    struct settings_change *change)
{
    *change = (struct settings_change){0};
    for (size_t i = 0; option_at(i); i++) {
        const struct option_spec *spec = option_at(i);
        bool live = spec->scope == SCOPE_LIVE;

        if (spec->scope == SCOPE_COMMAND_LINE || option_equal(spec, present, fresh))
            continue;
        if (spec->offset == offsetof(struct options, max_connections))
            live = !needs_larger_tables(fresh, connection_room);
        add_name(live ? change->changed : change->needs_restart, spec->name);
    }
    if (fresh->worker_count != present->worker_count)
        change->worker_count = fresh->worker_count;
}

static int renew(struct service_settings *settings, const struct settings_source *source,
                 struct options *fresh, struct settings_change *change, char why[], size_t why_size)
{
    struct service_settings next;
    struct options present;
    uint32_t room = source->connection_room;
    uint32_t granted = fresh->max_connections < room ? fresh->max_connections : room;

    if (settings_from_options(&next, fresh, granted, why, why_size) < 0)
        return -EINVAL;
    present_options(settings, source->at_start, &present);
    compare(&present, fresh, room, change);
    if (needs_larger_tables(fresh, room)) {
        next.max_connections = settings->max_connections;
        next.connection_count_max = settings->connection_count_max;
    }
    next.number = settings->number + 1;
    *settings = next;
    return 0;
}

int settings_reload(struct service_settings *settings, const struct settings_source *source,
                    struct settings_change *change, char why[], size_t why_size)
{
    struct options fresh;
    char error[OPTIONS_ERROR_SIZE];

    if (options_parse_again(&fresh, source->argc, source->argv, error) != 0) {
        snprintf(why, why_size, "%s", error);
        return -EINVAL;
    }

    int result = renew(settings, source, &fresh, change, why, why_size);

    options_free(&fresh);
    return result;
}

const char *settings_incident_dir(const struct service_settings *settings)
{
    return settings->incident_dir[0] ? settings->incident_dir : NULL;
}
