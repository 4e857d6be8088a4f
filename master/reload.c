#include "master/reload.h"
#include "master/listener.h"
#include "master/reactor_state.h"
#include "worker/heritage.h"
#include "worker/log.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Everything that may fail, before anything is changed. */
static int prepare(const struct reactor *r, struct service_settings *next, struct settings_change *change,
                   char why[RELOAD_WHY_SIZE])
{
    const struct settings_source source = {
        .argc = r->setup->argc,
        .argv = r->setup->argv,
        .at_start = r->setup->options,
        .connection_room = r->setup->connection_count_max,
    };
    if (r->state.stage != STAGE_RUNNING) {
        snprintf(why, RELOAD_WHY_SIZE, "the server is stopping");
        return -ECANCELED;
    }
    int result = settings_reload(next, &source, change, why, RELOAD_WHY_SIZE);
    const char *dir = result == 0 ? settings_incident_dir(next) : NULL;
    /* One that is as it was may have been lost since; that is no reason to refuse all else. */
    if (dir && strcmp(next->incident_dir, r->settings.incident_dir) != 0)
        result = incident_prepare(dir);
    if (dir && result < 0)
        snprintf(why, RELOAD_WHY_SIZE, "incident-dir: cannot write to %s: %s", dir, strerror(-result));
    return result;
}

static void apply(struct reactor *r, const struct service_settings *next)
{
    /* Only what was configured anew: an operator may have set another level since. */
    if (next->log_level != r->settings.log_level)
        log_set_level((enum log_level)next->log_level);
    if (next->write_timeout_ms != r->settings.write_timeout_ms && !r->setup->listener_is_unix)
        listener_set_write_timeout(FD_LISTENER, next->write_timeout_ms);
    r->settings = *next;
}

static void say_reloaded(const struct reactor *r, const struct settings_change *change)
{
    char changed[SETTINGS_NAMES_SIZE + 8], needs_restart[SETTINGS_NAMES_SIZE + 8];
    log_quote(changed, sizeof changed, change->changed[0] ? change->changed : "none");
    log_quote(needs_restart, sizeof needs_restart, change->needs_restart[0] ? change->needs_restart : "none");
    log_event(LOG_LEVEL_INFO, "event=reloaded settings=%u changed=%s needs_restart=%s", r->settings.number,
              changed, needs_restart);
}

static void say_failed(const char *why)
{
    char quoted[2 * RELOAD_WHY_SIZE];
    log_quote(quoted, sizeof quoted, why);
    log_event(LOG_LEVEL_ERROR, "event=failed what=reload why=%s", quoted);
}

int reload(struct reactor *r, struct settings_change *change, char why[RELOAD_WHY_SIZE])
{
    struct service_settings next = r->settings;
    int result = prepare(r, &next, change, why);
    if (result < 0) {
        say_failed(why);
        return result;
    }
    apply(r, &next);
    say_reloaded(r, change);
    return 0;
}
