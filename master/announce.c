#include "master/reactor_state.h"
#include "master/report.h"
#include "worker/clock.h"
#include "worker/log.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROGRESS_MS 1000 /* between two drain_progress lines */
#define TRY_SIZE    (2 * PEER_TEXT_SIZE + 16)

uint32_t announce_connections(const struct reactor *r)
{
    uint32_t sum = 0;
    for (uint32_t slot = 0; slot < r->state.slot_limit; slot++)
        if (board_worker_pid(shared_board(r->pages, slot)) != 0)
            sum += atomic_load(&r->pages->loads.cells[slot].connection_count);
    return sum;
}

/* A command that talks to the server, for whoever reads its first line and has never seen it before. */
static void how_to_try(const struct service_setup *setup, char out[TRY_SIZE])
{
    const char *bound = setup->bound, *port = strrchr(bound, ':');
    char host[PEER_TEXT_SIZE];
    if (setup->listener_is_unix) {
        bool abstract = bound[strlen("unix:")] == '@';
        snprintf(out, TRY_SIZE, abstract ? "socat - ABSTRACT-CONNECT:%s" : "nc -U %s",
                 bound + strlen(abstract ? "unix:@" : "unix:"));
        return;
    }
    bool brackets = *bound == '[';
    snprintf(host, sizeof host, "%s", brackets ? bound + 1 : bound);
    host[strcspn(host, brackets ? "]" : ":")] = '\0';
    bool any = strcmp(host, "::") == 0 || strcmp(host, "0.0.0.0") == 0;
    snprintf(out, TRY_SIZE, "nc %s %s", any ? "localhost" : host, port ? port + 1 : "");
}

static void tell_ready(struct reactor *r)
{
    const struct service_setup *setup = r->setup;
    char line[PEER_TEXT_SIZE + 1];
    if (setup->ready_fd < 0)
        return;
    int length = snprintf(line, sizeof line, "%s\n", setup->bound);
    if (write(setup->ready_fd, line, (size_t)length) != length)
        log_event(LOG_LEVEL_WARN, "event=failed what=ready_fd why=%s", strerrorname_np(errno));
    close(setup->ready_fd);
    union sigval none = {0};
    sigqueue(r->pages->orders.master_pid, SIGRTMIN, none); /* so that the master lets go of it too */
}

void announce_serving(struct reactor *r)
{
    const struct service_setup *setup = r->setup;
    const struct service_settings *settings = &r->settings;
    char bound[2 * PEER_TEXT_SIZE], how[TRY_SIZE], how_quoted[2 * TRY_SIZE];
    log_quote(bound, sizeof bound, setup->bound);
    how_to_try(setup, how);
    log_quote(how_quoted, sizeof how_quoted, how);
    log_event(LOG_LEVEL_INFO,
              "event=serving address=%s workers=%u pid=%d protect=%s service=%s max_connections=%u "
              "backlog=%d try=%s "
              "stop=\"Ctrl-C or kill -TERM %d\"",
              bound, settings->worker_count, r->pages->orders.master_pid, r->state.protect ? "on" : "off",
              service_at(settings->service_index)->name, settings->connection_count_max,
              setup->backlog_granted, how_quoted, r->pages->orders.master_pid);
    tell_ready(r);
}

static uint64_t closed_by_drain(const struct reactor *r)
{
    uint64_t sum = 0;
    for (uint32_t slot = 0; slot < r->state.slot_limit; slot++)
        sum += counter_get(&r->pages->loads.cells[slot], COUNTER_closed_drain);
    return sum;
}

void announce_draining(struct reactor *r)
{
    r->state.drain_connections = announce_connections(r);
    r->state.drain_closed_before = closed_by_drain(r);
    r->drain_ms = clock_now_ms();
    r->next_progress_ms = clock_now_ms() + PROGRESS_MS;
    log_event(LOG_LEVEL_INFO, "event=draining connections=%u deadline_ms=%lld hint=\"again to end at once\"",
              r->state.drain_connections, (long long)r->state.drain_timeout_ms);
}

void announce_ending(struct reactor *r)
{
    uint32_t cut = announce_connections(r), *held = &r->state.drain_connections;
    *held -= cut < *held ? cut : *held; /* neither their client nor the deadline ends these */
    log_event(LOG_LEVEL_INFO, "event=ending_at_once connections=%u", cut);
}

void announce_progress(struct reactor *r, int64_t now_ms)
{
    if (r->state.stage != STAGE_DRAINING || now_ms < r->next_progress_ms)
        return;
    r->next_progress_ms = now_ms + PROGRESS_MS;
    log_event(LOG_LEVEL_INFO, "event=drain_progress connections=%u", announce_connections(r));
}

static void announce_drained(struct reactor *r)
{
    uint64_t held = r->state.drain_connections,
             by_deadline = closed_by_drain(r) - r->state.drain_closed_before;
    if (held > 0)
        log_event(LOG_LEVEL_INFO, "event=drained by_client=%llu by_deadline=%llu",
                  (unsigned long long)(held > by_deadline ? held - by_deadline : 0),
                  (unsigned long long)by_deadline);
}

void announce_end(struct reactor *r)
{
    announce_to_manager(r, clock_now_ms());
    announce_drained(r);
    if (r->state.exit_code == EXIT_ALL_SLOTS_REST)
        log_event(LOG_LEVEL_ERROR,
                  "event=all_slots_rest why=\"every worker died again and again without an answer\"");
    for (uint32_t slot = 0; slot < r->state.slot_limit; slot++)
        report_slot_summary(&r->pages->loads.cells[slot], slot, r->state.slots[slot].death_count);
    log_event(LOG_LEVEL_INFO, "event=stopped exit=%d uptime_ms=%lld", r->state.exit_code,
              (long long)((clock_now_ns() - r->pages->orders.start_ns) / 1000000));
}

void announce_operation(struct reactor *r, const struct supervisor_action *action)
{
    const struct operation *operation = operation_find(&r->state.operations, action->generation);
    char why[2 * OPERATION_WHY_SIZE];
    if (!operation)
        return;
    const char *name = operation_name((enum operation_kind)operation->kind);
    log_quote(why, sizeof why, operation->why[0] ? operation->why : "none");
    if (action->begun)
        log_event(LOG_LEVEL_INFO, "event=operation_begun number=%u operation=%s goal=%u", operation->number,
                  name, operation->goal);
    else if (operation->state == OPERATION_FAILED)
        log_event(LOG_LEVEL_ERROR, "event=operation_failed number=%u operation=%s why=%s", operation->number,
                  name, why);
    else
        log_event(LOG_LEVEL_INFO, "event=operation_done number=%u operation=%s why=%s", operation->number,
                  name, why);
}
