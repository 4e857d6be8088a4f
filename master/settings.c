#include "master/settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static uint32_t index_of(const struct service *service)
{
    uint32_t index = 0;

    while (service_at(index) && service_at(index) != service)
        index++;
    return service_at(index) ? index : 0;
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
        .core = options->core,
        .incident_bytes = options->incident_bytes,
    };
    memcpy(settings->incident_dir, dir, strlen(dir));
    return 0;
}

const char *settings_incident_dir(const struct service_settings *settings)
{
    return settings->incident_dir[0] ? settings->incident_dir : NULL;
}
