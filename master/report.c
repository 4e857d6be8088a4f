#include "master/report.h"
#include "worker/clock.h"
#include "worker/log.h"
#include "worker/sandbox.h"
#include "worker/worker.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

const char *report_phase_name(uint32_t phase)
{
    switch ((enum worker_phase)phase) {
    case PHASE_ACCEPTING:
        return "accepting";
    case PHASE_ANSWERING:
        return "answering";
    case PHASE_CLOSING:
        return "closing";
    case PHASE_NONE:
        break;
    }
    return "waiting";
}

/* An exit that did not follow an order is a service that called exit: a crash like any other. A stopped
 * process is nobody's fault but of whoever stopped it, so it blames like a kill from elsewhere. */
static enum death_kind kind_of(const struct death_report *report, bool left, int code, int status)
{
    if (code == CLD_EXITED)
        return left && status == WORKER_EXIT_LEFT ? DEATH_LEFT : DEATH_CRASH;
    if (report->fault_signal != 0 || status != SIGKILL)
        return DEATH_CRASH;
    switch (report->killed_for) {
    case KILL_NONE:
    case KILL_HANG_SILENT:
        return DEATH_KILL;
    case KILL_HANG_BUSY:
        return DEATH_HANG;
    case KILL_STUCK: /* a worker that does not come to serve must climb the ladder like one that crashes */
        return DEATH_CRASH;
    case KILL_STOP:
    case KILL_RENEW:
    case KILL_OVERDUE:
        break;
    }
    return DEATH_ORDER;
}

static void name_cause(struct death_report *report, int code, int status)
{
    const char *name = sigabbrev_np(report->fault_signal ? report->fault_signal : status);
    if (code == CLD_EXITED)
        snprintf(report->cause, sizeof report->cause, "exit:%d", status);
    else if (name)
        snprintf(report->cause, sizeof report->cause, "SIG%s", name);
    else
        snprintf(report->cause, sizeof report->cause, "signal:%d", status);
}

static void collect_fault(struct death_report *report, struct board *board, uint32_t generation)
{
    if (atomic_load_explicit(&board->fault_generation, memory_order_acquire) == generation) {
        report->fault_signal = atomic_load(&board->fault_signal);
        report->fault_address = atomic_load(&board->fault_address);
        report->fault_sender = atomic_load(&board->fault_sender);
        int32_t call = atomic_load(&board->fault_call);
        if (call > 0)
            sandbox_call_name(call - 1, report->call, sizeof report->call);
    }
    if (atomic_load_explicit(&board->check_generation, memory_order_acquire) == generation)
        snprintf(report->check_note, sizeof report->check_note, "%.*s", CHECK_NOTE_BYTES - 1,
                 board->check_note);
}

/* Only what this generation wrote counts; one that died at once has left the fields of its predecessor. */
static void collect_life(struct death_report *report, struct board *board, struct load_cell *cell,
                         uint32_t generation)
{
    if (atomic_load_explicit(&board->ready_generation, memory_order_acquire) != generation)
        return;
    uint64_t current = atomic_load(&board->current);
    report->phase = (uint32_t)(current & 0xff);
    report->uptime_ms = clock_between_ns(atomic_load(&board->ready_ns), report->time_ns) / 1000000;
    report->facts.suspect = report->phase == PHASE_ANSWERING ? (int32_t)(current >> 8) : 0;
    report->facts.in_service = atomic_load(&board->in_service);
    report->facts.suspect_cleared = atomic_load(&board->suspect_cleared) == generation;
    report->facts.answered = counter_get(cell, COUNTER_answered) > atomic_load(&board->answered_at_start);
}

void report_collect(struct death_report *report, struct board *board, struct load_cell *cell,
                    uint32_t generation, enum kill_reason reason)
{
    int code = atomic_load(&board->worker_death.code), status = atomic_load(&board->worker_death.status);
    *report = (struct death_report){.pid = atomic_load(&board->worker.pid), .killed_for = reason};
    report->time_ns = atomic_load(&board->worker_death.time_ns);
    report->cpu_us = atomic_load(&board->worker_death.cpu_us);
    report->rss_kib = atomic_load(&board->worker_death.rss_kib);
    report->connection_count =
        atomic_load(&cell->connection_count); /* of the slot: one that died at once held them too */
    collect_fault(report, board, generation);
    collect_life(report, board, cell, generation);
    bool left = atomic_load_explicit(&board->left_generation, memory_order_acquire) == generation;
    report->facts.kind = kind_of(report, left, code, status);
    name_cause(report, code, status);
}

static const char *next_word(const struct slot_memory *after)
{
    if (after->phase == SLOT_RESTING)
        return "rest";
    return after->phase == SLOT_ENDED || after->phase == SLOT_UNUSED ? "none" : "respawn";
}

/* Kept by a successor on the same table, unless the policy has all of them reset. */
static uint32_t lost_connections(const struct death_report *report, const struct slot_memory *after,
                                 bool protect)
{
    bool goes_on = after->phase == SLOT_STARTING || after->phase == SLOT_SWAPPING;
    bool kept = protect && goes_on && after->recover_how != RECOVER_RESET_ALL;
    return kept ? 0 : report->connection_count;
}

void report_death(const struct death_report *report, unsigned slot, uint32_t generation,
                  const struct slot_memory *after, bool protect)
{
    if (report->facts.kind == DEATH_LEFT || report->killed_for == KILL_STOP) {
        log_event(LOG_LEVEL_INFO, "event=worker_left slot=%u generation=%u pid=%d uptime_ms=%lld", slot,
                  generation, report->pid, (long long)report->uptime_ms);
        return;
    }
    log_event(
        LOG_LEVEL_WARN,
        "event=worker_died slot=%u generation=%u pid=%d cause=%s killed_for=%s oom=%d uptime_ms=%lld "
        "connections=%u lost=%u phase=%s in_service=%d suspect_fd=%d fault_address=0x%llx call=%s next=%s",
        slot, generation, report->pid, report->cause, kill_reason_name(report->killed_for),
        report->facts.kind == DEATH_OOM, (long long)report->uptime_ms, report->connection_count,
        lost_connections(report, after, protect), report_phase_name(report->phase), report->facts.in_service,
        report->facts.suspect, (unsigned long long)report->fault_address,
        report->call[0] ? report->call : "none", next_word(after));
    if (report->check_note[0]) {
        char quoted[2 * CHECK_NOTE_BYTES];
        log_quote(quoted, sizeof quoted, report->check_note);
        log_event(LOG_LEVEL_ERROR, "event=check_failed slot=%u generation=%u check=%s", slot, generation,
                  quoted);
    }
}

void report_ready(struct board *board, unsigned slot, uint32_t generation, int64_t death_ns)
{
    int32_t pid = atomic_load(&board->worker.pid);
    log_event(LOG_LEVEL_INFO, "event=worker_started slot=%u generation=%u pid=%d", slot, generation, pid);
    if (death_ns == 0)
        return;
    int64_t gap_ns = clock_between_ns(death_ns, atomic_load(&board->ready_ns));
    log_event(LOG_LEVEL_INFO, "event=worker_replaced slot=%u generation=%u pid=%d gap_ms=%lld.%03lld", slot,
              generation, pid, (long long)(gap_ns / 1000000), (long long)(gap_ns / 1000 % 1000));
}

/* What is not what was asked for, for whoever reads warnings alone. */
static void report_missing(uint32_t outcome, unsigned slot, uint32_t generation)
{
    char missing[128] = "";
    for (enum sandbox_step step = 0; step < SANDBOX_STEP_COUNT; step++) {
        enum sandbox_result result = sandbox_result_of(outcome, step);
        size_t used = strlen(missing);
        if (result == SANDBOX_UNSUPPORTED || result == SANDBOX_FAILED)
            snprintf(missing + used, sizeof missing - used, "%s%s", used ? " " : "", sandbox_step_name(step));
    }
    if (missing[0])
        log_event(LOG_LEVEL_WARN, "event=sandbox_incomplete slot=%u generation=%u missing=\"%s\"", slot,
                  generation, missing);
}

void report_sandbox(struct shared_pages *pages, unsigned slot, uint32_t generation)
{
    uint32_t outcome =
        atomic_load_explicit(&shared_board(pages, slot)->sandbox_outcome, memory_order_relaxed);
    if (outcome == 0 || outcome == atomic_load(&pages->orders.sandbox_told))
        return;
    atomic_store(&pages->orders.sandbox_told, outcome);
    const char *results[SANDBOX_STEP_COUNT];
    for (enum sandbox_step step = 0; step < SANDBOX_STEP_COUNT; step++)
        results[step] = sandbox_result_name(sandbox_result_of(outcome, step));
    log_event(
        LOG_LEVEL_INFO,
        "event=sandbox slot=%u generation=%u mode=%s no_new_privs=%s seccomp=%s landlock=%s landlock_abi=%u "
        "rlimits=%s user=%s pages=%s",
        slot, generation, sandbox_mode_name(sandbox_mode_of(outcome)), results[SANDBOX_NO_NEW_PRIVS],
        results[SANDBOX_SECCOMP], results[SANDBOX_LANDLOCK], sandbox_landlock_abi(outcome),
        results[SANDBOX_RLIMITS], results[SANDBOX_USER], results[SANDBOX_PAGES]);
    report_missing(outcome, slot, generation);
}

void report_slot_summary(struct load_cell *cell, unsigned slot, uint32_t death_count)
{
    char text[LOG_TEXT_LENGTH_MAX];
    int length = snprintf(text, sizeof text, "event=slot_summary slot=%u", slot);
    for (int i = 0; i < COUNTER_COUNT && length > 0 && (size_t)length < sizeof text; i++)
        length +=
            snprintf(text + length, sizeof text - (size_t)length, " %s=%llu", counter_descriptions[i].name,
                     (unsigned long long)counter_get(cell, (enum counter)i));
    log_event(LOG_LEVEL_INFO, "%s deaths=%u", text, death_count);
}
