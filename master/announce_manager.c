/* announce_manager: what the service manager is told, gathered from the supervisor's state. */
#include "master/reactor_state.h"
#include "worker/clock.h"
#include "worker/log.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

void announce_find_manager(struct reactor *r)
{
    int error = notify_socket_find(&r->manager);
    r->notify = (struct notify){.watchdog_ms = notify_watchdog_ms(r->pages->orders.master_pid)};
    if (error)
        log_event(LOG_LEVEL_ERROR, "event=failed what=notify why=%s", strerrorname_np(-error));
}

/* ---- what holds now ---- */

static bool reloads(const struct reactor *r)
{
    for (uint32_t i = 0; i < OPERATION_COUNT_MAX; i++) {
        const struct operation *operation = &r->state.operations.items[i];
        if (operation->kind == OPERATION_RELOAD && operation->state == OPERATION_RUNNING)
            return true;
    }
    return false;
}

/* A slot whose worker does not answer; SLOT_COUNT_MAX: there is none. */
static uint32_t find_silent(struct reactor *r)
{
    uint32_t slot = 0;
    while (slot < r->state.slot_limit && !look_is_silent(r, slot))
        slot++;
    return slot < r->state.slot_limit ? slot : SLOT_COUNT_MAX;
}

static const char *doing(const struct reactor *r, bool is_reloading)
{
    if (r->state.stage != STAGE_RUNNING)
        return "stops";
    if (r->state.announced == ANNOUNCE_NOT_YET)
        return "starts";
    if (r->state.upgrade.stage != UPGRADE_NONE)
        return "goes over to another program";
    if (is_reloading)
        return "goes over to new settings";
    return r->state.held ? "takes no new connections" : "serves";
}

static void describe(struct reactor *r, const struct notify_view *view, uint32_t silent,
                     char out[NOTIFY_STATUS_SIZE])
{
    uint32_t serving = 0, deaths = 0;
    char silence[64] = "";
    for (uint32_t slot = 0; slot < r->state.slot_limit; slot++) {
        serving += r->state.slots[slot].phase == SLOT_SERVING;
        deaths += r->state.slots[slot].death_count;
    }
    if (silent < SLOT_COUNT_MAX)
        snprintf(silence, sizeof silence, ", worker %u does not answer", silent);
    snprintf(out, NOTIFY_STATUS_SIZE, "%s at %s: %u of %u workers, %u connections, %u deaths%s",
             doing(r, view->reloads), r->setup->bound, serving, r->state.wanted_count,
             announce_connections(r), deaths, silence);
}

/* ---- telling ---- */

/* A manager that is not there, or does not read, is told of once. */
static void note_failure(struct reactor *r, int error, int64_t now_ms)
{
    if (error)
        r->next_notify_ms = now_ms + REACTOR_TICK_MS;
    if (error != r->notify_error && error != 0)
        log_event(LOG_LEVEL_WARN, "event=failed what=notify why=%s", strerrorname_np(-error));
    r->notify_error = error;
}

void announce_to_manager(struct reactor *r, int64_t now_ms)
{
    char status[NOTIFY_STATUS_SIZE], text[NOTIFY_TEXT_SIZE];
    if (r->manager.length == 0 || now_ms < r->next_notify_ms)
        return;
    uint32_t silent = find_silent(r);
    struct notify_view view = {
        .serves = r->state.announced != ANNOUNCE_NOT_YET,
        .reloads = reloads(r),
        .stops = r->state.stage != STAGE_RUNNING,
        .all_answer = silent == SLOT_COUNT_MAX,
        .status = status,
    };
    describe(r, &view, silent, status);
    size_t length = notify_next(&r->notify, &view, now_ms, text);
    if (length == 0)
        return;
    int error = notify_socket_send(&r->manager, text, length);
    note_failure(r, error, now_ms);
    if (!error)
        notify_told(&r->notify, &view, now_ms);
}
