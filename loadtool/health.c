#include "loadtool/health.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "loadtool/health_parts.h"
#include "loadtool/limits.h"
#include "loadtool/units.h"

/* -- processes -- */

int health_parse_stat(const char *line, struct health_process *process)
{
    unsigned long user = 0, system = 0;
    unsigned long long start = 0;
    int pid = 0, parent = 0;
    char state = 0;
    /* The name may hold blanks and brackets: what follows its last bracket is numbers. */
    const char *rest = strrchr(line, ')');

    if (rest == NULL || sscanf(line, "%d", &pid) != 1 ||
        sscanf(rest + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %llu",
               &state, &parent, &user, &system, &start) != 5)
        return -EINVAL;
    *process = (struct health_process){
        .pid = pid, .parent = parent, .state = state, .cpu_ticks = user + system, .start_ticks = start};
    return 0;
}

static int read_process(const char *number, struct health_process *process)
{
    char path[64];
    char line[1024];

    snprintf(path, sizeof(path), "/proc/%s/stat", number);
    FILE *in = fopen(path, "re");
    if (in == NULL)
        return -errno;
    char *got = fgets(line, sizeof(line), in);
    fclose(in);
    return got == NULL ? -ESRCH : health_parse_stat(line, process);
}

static int list_processes(struct health_process **list, size_t *count)
{
    size_t room = 256;

    *count = 0;
    *list = calloc(room, sizeof(**list));
    DIR *proc = *list == NULL ? NULL : opendir("/proc");
    if (proc == NULL)
        return *list == NULL ? -ENOMEM : -errno;
    for (struct dirent *entry; (entry = readdir(proc)) != NULL && *count < LIMIT_PROCESSES;) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        if (*count == room) {
            struct health_process *more = realloc(*list, 2 * room * sizeof(**list));
            if (more == NULL) {
                closedir(proc);
                return -ENOMEM;
            }
            *list = more;
            room *= 2;
        }
        if (read_process(entry->d_name, &(*list)[*count]) == 0)
            ++*count; /* one that ended meanwhile is no process */
    }
    closedir(proc);
    return 0;
}

size_t health_keep_family(struct health_process *list, size_t count, pid_t root)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (list[i].pid != root)
            continue;
        struct health_process moved = list[0];
        list[0] = list[i];
        list[i] = moved;
        kept = 1;
    }
    /* Whoever has a parent among those kept is moved behind them, till a round finds nobody. */
    for (size_t before = 0; before < kept;) {
        size_t upto = kept;
        for (size_t i = kept; i < count; i++) {
            for (size_t k = before; k < upto; k++) {
                if (list[i].parent != list[k].pid)
                    continue;
                struct health_process moved = list[kept];
                list[kept++] = list[i];
                list[i] = moved;
                break;
            }
        }
        before = upto;
    }
    return kept;
}

/* -- descriptors -- */

static int compare_inodes(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

static int add_inode(struct health_inodes *inodes, uint64_t inode)
{
    if (inodes->count == inodes->room) {
        size_t room = inodes->room == 0 ? 1024 : 2 * inodes->room;
        uint64_t *more = realloc(inodes->list, room * sizeof(*more));
        if (more == NULL)
            return -ENOMEM;
        inodes->list = more;
        inodes->room = room;
    }
    inodes->list[inodes->count++] = inode;
    return 0;
}

static int look_at_descriptors(pid_t pid, uint64_t *descriptors, struct health_inodes *sockets)
{
    char path[64], target[64];
    uint64_t inode = 0;
    int rc = 0;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return errno == ENOENT ? 0 : -errno; /* it has just ended */
    for (struct dirent *entry; rc == 0 && (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        ++*descriptors;
        ssize_t length = readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);
        target[length < 0 ? 0 : length] = '\0';
        if (sscanf(target, "socket:[%" SCNu64 "]", &inode) == 1)
            rc = add_inode(sockets, inode);
    }
    closedir(folder);
    return rc;
}

uint64_t health_count_close_wait(FILE *table, const struct health_inodes *sorted)
{
    char line[512];
    unsigned state = 0;
    uint64_t inode = 0;
    uint64_t count = 0;

    while (fgets(line, sizeof(line), table) != NULL)
        if (sscanf(line, " %*d: %*s %*s %x %*s %*s %*s %*u %*u %" SCNu64, &state, &inode) == 2 &&
            state == HEALTH_CLOSE_WAIT &&
            bsearch(&inode, sorted->list, sorted->count, sizeof(inode), compare_inodes) != NULL)
            count++;
    return count;
}

/* The tables are those of the server's network namespace. */
static uint64_t count_close_wait(pid_t pid, struct health_inodes *sockets)
{
    static const char *const names[] = {"tcp", "tcp6"};
    uint64_t count = 0;
    char path[64];

    if (sockets->count == 0)
        return 0;
    qsort(sockets->list, sockets->count, sizeof(*sockets->list), compare_inodes);
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "/proc/%d/net/%s", (int)pid, names[i]);
        FILE *table = fopen(path, "re");
        if (table == NULL)
            continue;
        count += health_count_close_wait(table, sockets);
        fclose(table);
    }
    return count;
}

/* -- looking -- */

static uint64_t rss_of(pid_t pid)
{
    char path[64];
    uint64_t pages = 0;

    snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    FILE *in = fopen(path, "re");
    if (in == NULL)
        return 0;
    if (fscanf(in, "%*u %" SCNu64, &pages) != 1)
        pages = 0;
    fclose(in);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int count_family(const struct health_process *list, size_t count, struct health_sample *sample,
                        uint64_t *cpu_ticks)
{
    struct health_inodes sockets = {.count = 0};
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count; i++) {
        bool is_dead = list[i].state == 'Z' || list[i].state == 'X';
        sample->processes += !is_dead;
        sample->zombies += is_dead;
        *cpu_ticks += list[i].cpu_ticks;
        if (is_dead)
            continue;
        sample->rss_bytes += rss_of(list[i].pid);
        rc = look_at_descriptors(list[i].pid, &sample->descriptors, &sockets);
    }
    sample->close_wait = rc == 0 ? count_close_wait(list[0].pid, &sockets) : 0;
    free(sockets.list);
    return rc;
}

static int take(pid_t pid, struct health_sample *sample, uint64_t *cpu_ticks)
{
    struct health_process *list = NULL;
    size_t count = 0;

    memset(sample, 0, sizeof(*sample));
    *cpu_ticks = 0;
    int rc = list_processes(&list, &count);
    if (rc == 0) {
        count = health_keep_family(list, count, pid);
        sample->is_there = count > 0 && list[0].state != 'Z';
        rc = sample->is_there ? 0 : -ESRCH;
    }
    if (rc == 0) {
        sample->start_ticks = list[0].start_ticks;
        rc = count_family(list, count, sample, cpu_ticks);
    }
    free(list);
    return rc;
}

int health_wait(uint64_t ms)
{
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    sigset_t ends, before;

    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, &before);
    int number = sigtimedwait(&ends, NULL, &left);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return number > 0 ? -EINTR : 0;
}

int health_look(pid_t pid, uint64_t idle_ms, struct health_sample *sample)
{
    uint64_t first = 0, last = 0;

    int rc = take(pid, sample, &first);
    if (rc == 0)
        rc = health_wait(idle_ms);
    if (rc == 0)
        rc = take(pid, sample, &last);
    double seconds = (double)idle_ms / 1e3;
    if (rc == 0 && last > first) /* a child that ended took its time with it */
        sample->idle_cpu = (double)(last - first) / (double)sysconf(_SC_CLK_TCK) / seconds;
    return rc;
}

/* -- judging -- */

__attribute__((format(printf, 3, 4))) static void add(char residues[][HEALTH_RESIDUE_BYTES], size_t *count,
                                                      const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(residues[(*count)++], HEALTH_RESIDUE_BYTES, format, arguments);
    va_end(arguments);
}

/* Memory may grow by a tenth, or by 8 MiB if that is more. */
static bool has_grown(uint64_t before, uint64_t after)
{
    uint64_t tenth = before / 10;
    uint64_t allowed = tenth > LIMIT_RSS_BYTES ? tenth : LIMIT_RSS_BYTES;

    return after > before + allowed;
}

size_t health_find_residues(const struct health *health,
                            char residues[HEALTH_RESIDUES_MAX][HEALTH_RESIDUE_BYTES])
{
    const struct health_sample *before = &health->before, *after = &health->after;
    const struct {
        const char *what;
        uint64_t before, after;
    } rows[] = {{"descriptors", before->descriptors, after->descriptors},
                {"sockets in CLOSE-WAIT", before->close_wait, after->close_wait},
                {"processes", before->processes, after->processes},
                {"zombies", before->zombies, after->zombies}};
    struct text was, is;
    size_t count = 0;

    if (!health->is_watched)
        return 0;
    if (!after->is_there || after->start_ticks != before->start_ticks) {
        add(residues, &count, "the server, process %d, has ended", (int)health->pid);
        return count;
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].after > rows[i].before)
            add(residues, &count, "the server has %" PRIu64 " %s, %" PRIu64 " before the load", rows[i].after,
                rows[i].what, rows[i].before);
    if (after->processes < before->processes)
        add(residues, &count, "the server has %" PRIu64 " processes, %" PRIu64 " before the load",
            after->processes, before->processes);
    if (has_grown(before->rss_bytes, after->rss_bytes))
        add(residues, &count, "the server has %s of memory, %s before the load",
            units_format_bytes(&is, (double)after->rss_bytes),
            units_format_bytes(&was, (double)before->rss_bytes));
    if (after->idle_cpu > before->idle_cpu + LIMIT_IDLE_CPU_PERCENT / 100.0)
        add(residues, &count, "the idle server takes %.1f %% of a processor, %.1f %% before the load",
            after->idle_cpu * 100, before->idle_cpu * 100);
    return count;
}
