#include "master/incident.h"
#include "worker/clock.h"
#include "worker/log.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAME_PREFIX  "incident-"
#define NAME_PATTERN NAME_PREFIX "[0-9]*T[0-9]*.[0-9]*-worker[0-9]*-generation[0-9]*.txt"

/* ---- the directory ---- */

int incident_prepare(const char *dir)
{
    return mkdir(dir, 0700) < 0 && errno != EEXIST ? -errno : incident_check_dir(dir);
}

int incident_check_dir(const char *dir)
{
    struct stat status;
    if (stat(dir, &status) < 0)
        return -errno;
    if (!S_ISDIR(status.st_mode))
        return -ENOTDIR;
    return access(dir, W_OK | X_OK) < 0 ? -errno : 0;
}

static int is_incident(const struct dirent *entry)
{
    return fnmatch(NAME_PATTERN, entry->d_name, 0) == 0;
}

static bool is_in_ring(const struct incident_ring *ring, const char *name)
{
    for (size_t i = 0; i < INCIDENT_LINE_COUNT_MAX; i++)
        if (strcmp(ring->lines[i].file, name) == 0)
            return true;
    return false;
}

/* Names begin with the time, so their order is the order of the deaths, where nobody has set the clock. */
static void remove_oldest(const char *dir, const struct incident_ring *ring)
{
    struct dirent **names;
    int count = scandir(dir, &names, is_incident, alphasort);
    if (count < 0)
        return;
    int dir_fd = open(dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    int surplus = dir_fd >= 0 ? count - INCIDENT_FILE_COUNT_MAX : 0;
    for (int i = 0; i < count; i++) {
        if (surplus > 0 && !is_in_ring(ring, names[i]->d_name)) {
            unlinkat(dir_fd, names[i]->d_name, 0);
            surplus--;
        }
        free(names[i]);
    }
    free(names);
    if (dir_fd >= 0)
        close(dir_fd);
}

/* ---- the text ---- */

static const char *next_text(const struct incident *incident)
{
    if (incident->next_phase == SLOT_RESTING)
        return "rest: too many deaths without an answer";
    if (incident->next_phase != SLOT_STARTING)
        return "none";
    switch ((enum recover_how)incident->recover_how) {
    case RECOVER_RESET_SUSPECT:
        return "respawn, suspect reset";
    case RECOVER_RESET_ALL:
        return "respawn, all connections of the slot reset";
    case RECOVER_ALL:
        break;
    }
    return "respawn";
}

static void write_death(FILE *file, const struct incident *incident)
{
    const struct death_report *report = &incident->report;
    fprintf(file, "worker:       %u\ngeneration:   %u\npid:          %d\ncause:        %s%s\n",
            incident->slot, incident->generation, report->pid, report->cause,
            report->facts.kind == DEATH_OOM ? ", the kernel, for want of memory" : "");
    if (report->fault_signal && report->fault_sender)
        fprintf(file, "fault:        none, process %d sent the signal\n", report->fault_sender);
    else if (report->fault_signal)
        fprintf(file, "fault:        at address 0x%llx\n", (unsigned long long)report->fault_address);
    if (report->call[0])
        fprintf(file, "call:         %s, which the sandbox forbids\n", report->call);
    if (report->killed_for != KILL_NONE)
        fprintf(file, "killed for:   %s\n", kill_reason_name(report->killed_for));
    fprintf(file, "uptime:       %lld ms\nphase:        %s%s\n", (long long)report->uptime_ms,
            report_phase_name(report->phase), report->facts.in_service ? ", inside the service" : "");
    fprintf(file, "processor:    %lld ms\nmemory:       %lld KiB at most\n",
            (long long)(report->cpu_us / 1000), (long long)report->rss_kib);
    if (report->check_note[0])
        fprintf(file, "check:        %s\n", report->check_note);
}

static void write_next(FILE *file, const struct incident *incident)
{
    fprintf(file, "next:         %s\nheld:         %u\n", next_text(incident),
            incident->report.connection_count);
}

static void write_recovered(FILE *file, const struct incident *incident)
{
    const struct incident_outcome *outcome = &incident->outcome;
    if (!incident->replaced)
        return;
    fprintf(file, "gap:          %lld.%03lld ms\ncontinued:    %u\nbytes owed:   %u connections\n",
            (long long)(incident->gap_us / 1000), (long long)(incident->gap_us % 1000), outcome->continued,
            outcome->owed);
    fprintf(file, "redone:       %u\nadopted:      %u\nreset:        %u\nclosed:       %u\n", outcome->redone,
            outcome->adopted, outcome->reset, outcome->closed);
}

/* Rows of 16 bytes: offset, hex, text. */
static void write_hex(FILE *file, const unsigned char *bytes, uint32_t count)
{
    for (uint32_t row = 0; row < count; row += 16) {
        fprintf(file, "  %04x ", row);
        for (uint32_t i = row; i < row + 16; i++)
            i < count ? fprintf(file, " %02x", bytes[i]) : fprintf(file, "   ");
        fprintf(file, "  ");
        for (uint32_t i = row; i < row + 16 && i < count; i++)
            fputc(bytes[i] >= 32 && bytes[i] < 127 ? bytes[i] : '.', file);
        fputc('\n', file);
    }
}

static void write_note(FILE *file, const struct incident *incident)
{
    const struct suspect_note *note = &incident->note;
    if (note->generation == 0)
        return;
    uint32_t count = note->queue_bytes < sizeof note->queue ? note->queue_bytes : sizeof note->queue;
    fprintf(file, "  peer:       %.*s\n  received:   %llu bytes\n  acked:      %llu bytes\n", PEER_TEXT_SIZE,
            note->peer, (unsigned long long)note->bytes_received, (unsigned long long)note->bytes_acked);
    fprintf(file, "  unread:     %u bytes\n  unsent:     %u bytes\n  queue:      first %u bytes\n",
            note->unread, note->unsent, count);
    write_hex(file, note->queue, count);
}

static void write_suspect(FILE *file, const struct incident *incident)
{
    if (incident->suspect == 0) {
        fprintf(file, "suspect:      none\n");
        return;
    }
    fprintf(file, "suspect:      descriptor %d\n", incident->suspect);
    write_note(file, incident);
}

static void write_whole(FILE *file, const struct incident *incident)
{
    write_death(file, incident);
    write_next(file, incident);
    write_recovered(file, incident);
    write_suspect(file, incident);
}

/* What the supervisor that saw the death could not know; the rest is in the file, and nowhere else by now. */
static void write_second_part(FILE *file, const struct incident *incident)
{
    write_recovered(file, incident);
    if (incident->note.generation != 0)
        fprintf(file, "suspect:      as above\n");
    write_note(file, incident);
}

/* ---- the file ---- */

static void make_name(struct incident *incident)
{
    struct timespec now;
    struct tm utc;
    char stamp[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%S", &utc);
    snprintf(incident->name, sizeof incident->name, NAME_PREFIX "%s.%06ld-worker%u-generation%u.txt", stamp,
             now.tv_nsec / 1000, incident->slot, incident->generation);
}

/* Opened relative to the directory and never through a link: others may be able to write there. */
static FILE *open_report(const char *dir, const char *name, bool is_begun)
{
    int how = is_begun ? O_APPEND : O_CREAT | O_TRUNC;
    int dir_fd = open(dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    if (dir_fd < 0)
        return NULL;
    int fd = openat(dir_fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | how, 0600);
    int error = errno;
    close(dir_fd);
    errno = error;
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file && fd >= 0) {
        error = errno;
        close(fd);
        errno = error;
    }
    return file;
}

static void write_report(struct incident *incident)
{
    FILE *file = open_report(incident->dir, incident->name, incident->is_resumed);
    bool written = file != NULL;
    if (file) {
        incident->is_resumed ? write_second_part(file, incident) : write_whole(file, incident);
        written = !ferror(file);
        written &= fclose(file) == 0;
    }
    if (written)
        return;
    log_event(LOG_LEVEL_WARN, "event=failed what=incident_file slot=%u why=%s", incident->slot,
              strerrorname_np(errno));
    incident->name[0] = '\0';
}

static void log_incident(const struct incident *incident)
{
    const struct incident_outcome *outcome = &incident->outcome;
    char gap[32] = "none";
    if (incident->replaced)
        snprintf(gap, sizeof gap, "%lld.%03lld", (long long)(incident->gap_us / 1000),
                 (long long)(incident->gap_us % 1000));
    log_event(
        LOG_LEVEL_INFO,
        "event=incident slot=%u generation=%u cause=%s held=%u continued=%u owed=%u redone=%u adopted=%u "
        "reset=%u closed=%u gap_ms=%s file=%s",
        incident->slot, incident->generation, incident->report.cause, incident->report.connection_count,
        outcome->continued, outcome->owed, outcome->redone, outcome->adopted, outcome->reset, outcome->closed,
        gap, incident->name[0] ? incident->name : "none");
}

static void settle_outcome(struct incident *incident, struct recovered *recovered)
{
    incident->outcome = (struct incident_outcome){
        .continued = atomic_load(&recovered->continued),
        .owed = atomic_load(&recovered->owed),
        .redone = atomic_load(&recovered->redone),
        .adopted = atomic_load(&recovered->adopted),
        .reset = atomic_load(&recovered->reset),
        .closed = atomic_load(&recovered->closed),
    };
}

void incident_settle(struct incident *incident, struct board *board)
{
    if (!incident->pending)
        return;
    if (incident->replaced)
        settle_outcome(incident, &board->recovered);
    /* It was described before anything else was done, so also by one that died before it served. */
    uint32_t described_by = atomic_load_explicit(&board->suspect_note.generation, memory_order_acquire);
    if (described_by == incident->generation + 1)
        incident->note = board->suspect_note;
}

void incident_flush(struct incident *incident)
{
    if (!incident->pending)
        return;
    incident->pending = false;
    if (incident->dir[0] && incident->name[0])
        write_report(incident);
    incident_ring_settle(incident->ring, incident->line, incident);
    log_incident(incident);
}

void incident_flush_all(struct incident incidents[SLOT_COUNT_MAX], struct shared_pages *pages)
{
    for (uint32_t slot = 0; slot < SLOT_COUNT_MAX; slot++) {
        incident_settle(&incidents[slot], shared_board(pages, slot));
        incident_flush(&incidents[slot]);
    }
}

/* ---- life ---- */

void incident_begin(struct incident *incident, const char *dir, struct incident_ring *ring,
                    const struct death_report *report, uint32_t slot, uint32_t generation,
                    const struct slot_memory *after)
{
    *incident = (struct incident){0};
    if (report->facts.kind == DEATH_LEFT || report->killed_for == KILL_STOP)
        return; /* as ordered */
    *incident = (struct incident){
        .pending = true,
        .slot = slot,
        .generation = generation,
        .report = *report,
        .next_phase = after->phase,
        .recover_how = after->recover_how,
        .suspect = after->phase == SLOT_STARTING ? after->suspect : report->facts.suspect,
        .due_ms = after->phase == SLOT_STARTING ? INT64_MAX : clock_now_ms(),
        .ring = ring,
    };
    if (dir) {
        snprintf(incident->dir, sizeof incident->dir, "%s", dir);
        make_name(incident);
        write_report(incident);
    }
    incident->line = incident_ring_add(ring, incident);
    if (dir)
        remove_oldest(dir, ring);
}

int64_t incident_ready(struct incident *incident, struct board *board, uint32_t generation)
{
    if (!incident->pending || generation != incident->generation + 1)
        return 0;
    incident->replaced = true;
    incident->gap_us = clock_between_ns(incident->report.time_ns, atomic_load(&board->ready_ns)) / 1000;
    incident->due_ms = clock_now_ms() + INCIDENT_SETTLE_MS;
    return incident->report.time_ns;
}

void incident_tick(struct incident *incident, struct board *board, int64_t now_ms)
{
    if (!incident->pending || now_ms < incident->due_ms)
        return;
    incident_settle(incident, board);
    incident_flush(incident);
}
