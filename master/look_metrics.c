/* look_metrics: the process of metrics_server.h lives as long as the supervisor does, or is made anew. */
#include "master/metrics_server.h"
#include "master/reactor_state.h"
#include "worker/clock.h"
#include "worker/log.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIVED_MS     1000 /* one that lived shorter is made anew after a pause */
#define PAUSE_MS_MIN 100
#define PAUSE_MS_MAX 30000

/* ---- its birth ---- */

static void start(struct reactor *r, int64_t now_ms)
{
    pid_t supervisor_pid = getpid(), pid = fork();
    if (pid == 0)
        metrics_server_main(r->setup, supervisor_pid);
    r->metrics.started_ms = now_ms;
    r->metrics.pid = pid < 0 ? 0 : pid;
    if (pid > 0)
        return;
    r->metrics.due_ms = now_ms + PAUSE_MS_MAX;
    log_event(LOG_LEVEL_WARN, "event=failed what=metrics why=%s retry_ms=%d", strerrorname_np(errno),
              PAUSE_MS_MAX);
}

/* ---- its death ---- */

/* Twice as long each time, while it cannot live. */
static void set_pause(struct metrics_child *metrics, int64_t now_ms)
{
    bool lived = now_ms - metrics->started_ms >= LIVED_MS;
    int64_t pause_ms = metrics->pause_ms < PAUSE_MS_MIN ? PAUSE_MS_MIN : 2 * metrics->pause_ms;
    metrics->pause_ms = lived ? 0 : pause_ms > PAUSE_MS_MAX ? PAUSE_MS_MAX : pause_ms;
    metrics->due_ms = now_ms + metrics->pause_ms;
}

void look_note_reaped(struct reactor *r, pid_t pid, int status)
{
    struct metrics_child *metrics = &r->metrics;
    if (pid <= 0 || pid != metrics->pid)
        return;
    set_pause(metrics, clock_now_ms());
    bool by_signal = WIFSIGNALED(status);
    log_event(LOG_LEVEL_WARN, "event=metrics_died pid=%d cause=%s%s status=%d retry_ms=%lld", (int)pid,
              by_signal ? "SIG" : "exit", by_signal ? sigabbrev_np(WTERMSIG(status)) : "",
              by_signal ? WTERMSIG(status) : WEXITSTATUS(status), (long long)metrics->pause_ms);
    metrics->pid = 0;
}

void look_for_metrics(struct reactor *r, int64_t now_ms)
{
    int status = 0;
    if (!r->setup->metrics_bound[0])
        return;
    /* Children are reaped elsewhere too, but not at all times. */
    pid_t pid = r->metrics.pid > 0 ? waitpid(r->metrics.pid, &status, WNOHANG) : 0;
    look_note_reaped(r, pid, status);
    if (r->metrics.pid == 0 && now_ms >= r->metrics.due_ms)
        start(r, now_ms);
}

void look_end_metrics(struct reactor *r)
{
    pid_t pid = r->metrics.pid;
    if (pid <= 0)
        return;
    r->metrics.pid = 0;
    kill(pid, SIGKILL); /* our own child, not reaped yet */
    waitpid(pid, NULL, 0);
}
