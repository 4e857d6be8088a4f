#include "loadtool/selfcheck.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>

#include "loadtool/limits.h"
#include "loadtool/units.h"

/* -- judging -- */

__attribute__((format(printf, 3, 4))) static void add(char findings[][SELFCHECK_FINDING_BYTES], size_t *count,
                                                      const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(findings[(*count)++], SELFCHECK_FINDING_BYTES, format, arguments);
    va_end(arguments);
}

static void find_in_open_loop(const struct selfcheck *check, char findings[][SELFCHECK_FINDING_BYTES],
                              size_t *count)
{
    struct text time;

    if (check->lag_p99_ns > LIMIT_LAG_MS * NS_PER_MS)
        add(findings, count, "loadtool was late: arrivals were told up to %s after they were due (p99)",
            units_format_ns(&time, check->lag_p99_ns));
    if (check->asked_per_s > 0 && check->achieved_per_s * 100 < check->asked_per_s * LIMIT_ACHIEVED_PERCENT)
        add(findings, count, "%.0f %% of the asked rate was sent: what was never sent has no latency",
            check->achieved_per_s / check->asked_per_s * 100);
}

size_t selfcheck_find(const struct selfcheck *check,
                      char findings[SELFCHECK_FINDINGS_MAX][SELFCHECK_FINDING_BYTES])
{
    size_t count = 0;

    if (check->busy_share * 100 > LIMIT_BUSY_PERCENT)
        add(findings, &count, "loadtool was the bottleneck (busy %.0f %%): the server can do more",
            check->busy_share * 100);
    if (check->is_open_loop)
        find_in_open_loop(check, findings, &count);
    if (check->little_ratio > 0 && (check->little_ratio > 1 + LIMIT_LITTLE_PERCENT / 100.0 ||
                                    check->little_ratio < 1 - LIMIT_LITTLE_PERCENT / 100.0))
        add(findings, &count,
            "messages outstanding are %.2f times rate x latency: latency and rate do not fit (Little's law)",
            check->little_ratio);
    if (check->ports > 0 && check->connections * 100 > check->ports * LIMIT_PORTS_PERCENT)
        add(findings, &count, "%" PRIu64 " connections of %" PRIu64 " ports: use --source",
            check->connections, check->ports);
    if (check->has_looked && check->descriptors_left < LIMIT_DESCRIPTORS_LEFT)
        add(findings, &count, "%" PRIu64 " descriptor%s left", check->descriptors_left,
            check->descriptors_left == 1 ? " was" : "s were");
    if (check->waited_share * 100 > LIMIT_WAITED_PERCENT)
        add(findings, &count, "loadtool waited for a processor for %.0f %% of the time: others were running",
            check->waited_share * 100);
    if (check->steal_share * 100 > LIMIT_STEAL_PERCENT)
        add(findings, &count, "the hypervisor took %.0f %% of the processors' time (steal)",
            check->steal_share * 100);
    return count;
}

/* -- reading -- */

void selfcheck_read_clock(struct selfcheck_clock *clock)
{
    uint64_t at[8] = {0};

    *clock = (struct selfcheck_clock){.waited_ns = 0};
    FILE *in = fopen("/proc/self/schedstat", "re");
    if (in != NULL) {
        if (fscanf(in, "%*u %" SCNu64, &clock->waited_ns) != 1)
            clock->waited_ns = 0;
        fclose(in);
    }
    in = fopen("/proc/stat", "re");
    if (in == NULL)
        return;
    /* user nice system idle iowait irq softirq steal */
    for (int got = fscanf(in, "cpu"), i = 0; got == 0 && i < 8; i++)
        if (fscanf(in, "%" SCNu64, &at[i]) == 1)
            clock->all_ticks += at[i];
    clock->steal_ticks = at[7];
    fclose(in);
}

void selfcheck_take_clock(struct selfcheck *check, const struct selfcheck_clock *from,
                          const struct selfcheck_clock *to, uint64_t elapsed_ns)
{
    if (elapsed_ns > 0)
        check->waited_share = (double)(to->waited_ns - from->waited_ns) / (double)elapsed_ns;
    if (to->all_ticks > from->all_ticks)
        check->steal_share =
            (double)(to->steal_ticks - from->steal_ticks) / (double)(to->all_ticks - from->all_ticks);
}

uint64_t selfcheck_count_ports(void)
{
    uint64_t first = 0, last = 0;

    FILE *in = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
    if (in == NULL)
        return 0;
    int got = fscanf(in, "%" SCNu64 " %" SCNu64, &first, &last);
    fclose(in);
    return got == 2 && last >= first ? last - first + 1 : 0;
}

uint64_t selfcheck_count_descriptors_left(void)
{
    struct rlimit limit;
    uint64_t used = 0;

    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return 0;
    while (readdir(folder) != NULL)
        used++;
    closedir(folder);
    return getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_max < used ? 0 : limit.rlim_max - used;
}
