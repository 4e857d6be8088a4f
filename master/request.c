#include "master/request.h"
#include "master/reactor_state.h"
#include "master/reload.h"
#include <string.h>

/* Returns the operation's number: the newest one, since none other is begun by this event. */
static uint32_t ask(struct reactor *r, const struct supervisor_event *request)
{
    struct supervisor_event event = *request;
    event.kind = SUPERVISOR_REQUEST;
    feed(r, &event);
    return r->state.operations.last_number;
}

uint32_t request_reload(struct reactor *r)
{
    struct settings_change change;
    char why[RELOAD_WHY_SIZE];
    bool is_good = reload(r, &change, why) == 0;
    r->notify.reload_asked = true; /* one that failed is over at once, and whoever asked for it waits */
    uint32_t number = ask(r, &(struct supervisor_event){.operation = OPERATION_RELOAD,
                                                        .goal = r->settings.number,
                                                        .drain_timeout_ms = r->settings.drain_timeout_ms,
                                                        .why = is_good ? NULL : why});
    if (is_good && change.worker_count)
        request_scale(r, change.worker_count);
    return number;
}

uint32_t request_scale(struct reactor *r, uint32_t count)
{
    return ask(r, &(struct supervisor_event){.operation = OPERATION_SCALE, .goal = count});
}

uint32_t request_restart(struct reactor *r, uint32_t slot)
{
    return ask(r, &(struct supervisor_event){.operation = OPERATION_RESTART, .goal = slot});
}

uint32_t request_upgrade(struct reactor *r, const char *path)
{
    const char *why = NULL;
    if (!path)
        path = r->programs.current;
    if (path[0] != '/')
        why = "an absolute path is needed";
    else if (strlen(path) >= sizeof r->programs.candidate)
        why = "the path is too long";
    else if (r->state.upgrade.stage == UPGRADE_NONE)
        memcpy(r->programs.candidate, path, strlen(path) + 1);
    return ask(r, &(struct supervisor_event){.operation = OPERATION_UPGRADE, .why = why});
}

/* A UNIX listener that was shut down refuses for ever, and its place in every table cannot be changed. */
static const char *why_no_drain(const struct service_setup *setup)
{
    if (setup->listener_is_passed)
        return "the listener was passed by socket activation, and is not ours to shut: stop instead";
    if (setup->listener_is_unix)
        return "a UNIX listener cannot be opened again after it was shut: stop instead";
    return NULL;
}

uint32_t request_drain(struct reactor *r, bool on)
{
    return ask(r, &(struct supervisor_event){
                      .operation = on ? OPERATION_DRAIN : OPERATION_UNDRAIN,
                      .why = why_no_drain(r->setup),
                  });
}

void request_stop(struct reactor *r)
{
    feed(r, &(struct supervisor_event){.kind = SUPERVISOR_STOP});
}
