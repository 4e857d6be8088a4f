#include "master/notify.h"
#include <stdio.h>
#include <string.h>

/* ---- what is due ---- */

static enum notify_phase phase_now(const struct notify *notify, const struct notify_view *view)
{
    if (view->stops)
        return NOTIFY_STOPPING;
    if (!view->serves)
        return NOTIFY_NOTHING;
    return view->reloads || notify->reload_asked ? NOTIFY_RELOADING : NOTIFY_READY;
}

/* One reload after another is told again: a manager waits for the word that came after its own wish. */
static bool phase_is_due(const struct notify *notify, enum notify_phase phase)
{
    if (phase == NOTIFY_NOTHING)
        return false;
    return phase != notify->phase || (phase == NOTIFY_RELOADING && notify->reload_asked);
}

/* Before it serves a manager does not wait for it, and one that never comes to serve must not be kept. */
static bool feed_is_due(const struct notify *notify, const struct notify_view *view, int64_t now_ms)
{
    return notify->watchdog_ms > 0 && (view->serves || view->stops) && view->all_answer &&
           now_ms >= notify->next_feed_ms;
}

static void copy_plain(char out[NOTIFY_STATUS_SIZE], const char *text)
{
    snprintf(out, NOTIFY_STATUS_SIZE, "%s", text);
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
}

static bool status_is_due(const struct notify *notify, const struct notify_view *view, int64_t now_ms)
{
    char status[NOTIFY_STATUS_SIZE];
    copy_plain(status, view->status);
    bool in_time = now_ms >= notify->next_status_ms || view->all_answer != notify->all_answered ||
                   phase_is_due(notify, phase_now(notify, view));
    return in_time && strcmp(status, notify->status) != 0;
}

/* ---- the datagram ---- */

static size_t add(char out[NOTIFY_TEXT_SIZE], size_t used, const char *line)
{
    int length = snprintf(out + used, NOTIFY_TEXT_SIZE - used, "%s\n", line);
    return used + (size_t)length;
}

static size_t add_phase(char out[NOTIFY_TEXT_SIZE], enum notify_phase phase, int64_t now_ms)
{
    char line[64];
    switch (phase) {
    case NOTIFY_READY:
        return add(out, 0, "READY=1");
    case NOTIFY_RELOADING: /* of CLOCK_MONOTONIC, as our milliseconds are */
        snprintf(line, sizeof line, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)now_ms * 1000);
        return add(out, 0, line);
    case NOTIFY_STOPPING:
        return add(out, 0, "STOPPING=1");
    case NOTIFY_NOTHING:
        break;
    }
    return 0;
}

size_t notify_next(const struct notify *notify, const struct notify_view *view, int64_t now_ms,
                   char out[NOTIFY_TEXT_SIZE])
{
    enum notify_phase phase = phase_now(notify, view);
    char status[NOTIFY_STATUS_SIZE], line[NOTIFY_STATUS_SIZE + sizeof "STATUS="];
    size_t used = phase_is_due(notify, phase) ? add_phase(out, phase, now_ms) : 0;
    if (feed_is_due(notify, view, now_ms))
        used = add(out, used, "WATCHDOG=1");
    if (status_is_due(notify, view, now_ms)) {
        copy_plain(status, view->status);
        snprintf(line, sizeof line, "STATUS=%s", status);
        used = add(out, used, line);
    }
    return used;
}

void notify_told(struct notify *notify, const struct notify_view *view, int64_t now_ms)
{
    if (feed_is_due(notify, view, now_ms))
        notify->next_feed_ms = now_ms + notify->watchdog_ms / NOTIFY_FEEDS_INTERVAL;
    if (status_is_due(notify, view, now_ms)) {
        copy_plain(notify->status, view->status);
        notify->next_status_ms = now_ms + NOTIFY_STATUS_MS;
    }
    notify->all_answered = view->all_answer;
    notify->phase = phase_now(notify, view);
    notify->reload_asked = false;
}
