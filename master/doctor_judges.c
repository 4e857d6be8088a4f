#include "master/doctor_judges.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIN_TIMEOUT_S_MAX = 120,       /* twice the default: longer only holds memory for clients that are gone */
    CLIENT_PORT_COUNT_MIN = 10000, /* fewer are soon used up by a proxy or a load tool */
    PORT_MAX = 65535,
};

/* ---- what a judge may say ---- */

void doctor_say(struct doctor_finding *f, enum doctor_verdict verdict, const char *format, ...)
{
    va_list values;

    f->verdict = verdict;
    va_start(values, format);
    vsnprintf(f->advice, sizeof f->advice, format, values);
    va_end(values);
}

__attribute__((format(printf, 2, 3))) static void set_to(struct doctor_finding *f, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    vsnprintf(f->setting, sizeof f->setting, format, values);
    va_end(values);
}

bool doctor_parse_number(const char *text, int64_t *value)
{
    char *end = NULL;

    if (strcmp(text, "unlimited") == 0) {
        *value = INT64_MAX;
        return true;
    }
    errno = 0;
    long long number = strtoll(text, &end, 0);

    if (end == text || *end != '\0' || errno != 0)
        return false;
    *value = number;
    return true;
}

/* Is the reading of another check exactly that number? */
static bool reads(const struct doctor_case *facts, enum doctor_id id, int64_t wanted)
{
    int64_t value = 0;

    return facts->readings[id].error == 0 && doctor_parse_number(facts->readings[id].text, &value) &&
           value == wanted;
}

/* ---- the network ---- */

void doctor_judge_syncookies(const struct doctor_case *facts, int64_t value, struct doctor_finding *f)
{
    (void)facts;
    if (value == 0) {
        set_to(f, "1");
        doctor_say(f, DOCTOR_ADVISED, "Set it to 1: with 0 a flood of requests shuts out everybody else.");
    } else if (value != 1) {
        set_to(f, "1");
        doctor_say(f, DOCTOR_ADVISED,
                   "Set it to 1: with %" PRId64
                   " every connection is made by cookie, which costs window scaling and "
                   "selective acknowledgements where the client sends no timestamps.",
                   value);
    }
}

void doctor_judge_tw_reuse(const struct doctor_case *facts, int64_t value, struct doctor_finding *f)
{
    (void)facts;
    (void)value;
    doctor_say(f, DOCTOR_OK, "Leave it: \"address already in use\" is not cured by it.");
}

void doctor_judge_tw_recycle(const struct doctor_case *facts, int64_t value, struct doctor_finding *f)
{
    (void)facts;
    if (value == 0) {
        doctor_say(f, DOCTOR_OK, "Leave it at 0; it is never the answer.");
        return;
    }
    set_to(f, "0");
    doctor_say(f, DOCTOR_NEEDED, "Set it to 0: clients that share one NAT address are refused at random.");
}

void doctor_judge_fin_timeout(const struct doctor_case *facts, int64_t value, struct doctor_finding *f)
{
    (void)facts;
    if (value <= FIN_TIMEOUT_S_MAX) {
        doctor_say(f, DOCTOR_OK, "Leave it: no TIME_WAIT becomes shorter by it.");
        return;
    }
    set_to(f, "60");
    doctor_say(f, DOCTOR_ADVISED,
               "Set it to 60: each client that never sends its FIN holds memory of the kernel that long.");
}

void doctor_judge_fastopen(const struct doctor_case *facts, int64_t value, struct doctor_finding *f)
{
    (void)facts;
    (void)value;
    doctor_say(f, DOCTOR_OK, "No matter: the server switches it off for its own listener.");
}

void doctor_judge_somaxconn(const struct doctor_case *facts, int64_t value, struct doctor_finding *f)
{
    if (value >= facts->wants.backlog)
        return;
    set_to(f, "%u", facts->wants.backlog);
    doctor_say(
        f, DOCTOR_ADVISED,
        "Set it to %u, or ask for a shorter --backlog: a burst of clients beyond the queue is dropped, and "
        "tries "
        "again a second later.",
        facts->wants.backlog);
}

void doctor_judge_syn_backlog(const struct doctor_case *facts, int64_t value, struct doctor_finding *f)
{
    if (!reads(facts, DOCTOR_SYNCOOKIES, 0)) {
        doctor_say(f, DOCTOR_OK, "No matter: with tcp_syncookies on the backlog of the listener decides.");
        return;
    }
    if (value >= facts->wants.backlog)
        return;
    set_to(f, "%u", facts->wants.backlog);
    doctor_say(f, DOCTOR_ADVISED, "Set it to %u, the backlog, for as long as tcp_syncookies is 0.",
               facts->wants.backlog);
}

static bool parse_range(const char *text, int *low, int *high)
{
    return sscanf(text, "%d %d", low, high) == 2 && *low > 0 && *high >= *low && *high <= PORT_MAX;
}

void doctor_judge_port_range(const struct doctor_case *facts, int64_t value, struct doctor_finding *f)
{
    int low, high;

    (void)value;
    if (!parse_range(facts->readings[DOCTOR_PORT_RANGE].text, &low, &high)) {
        doctor_say(f, DOCTOR_UNKNOWN, "That is not understood.");
    } else if (high - low + 1 < CLIENT_PORT_COUNT_MIN) {
        set_to(f, "32768 60999");
        doctor_say(
            f, DOCTOR_ADVISED,
            "Set it to 32768 60999: one client address can have only %d connections to one server at a time.",
            high - low + 1);
    }
}

/* Is the port in a list such as "8080,9000-9100"? */
static bool is_listed(const char *list, unsigned port)
{
    for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',') {
        unsigned low = 0, high = 0;
        int count = sscanf(at, "%u-%u", &low, &high);

        if (port == low || (count == 2 && port > low && port <= high))
            return true;
    }
    return false;
}

void doctor_judge_reserved_ports(const struct doctor_case *facts, int64_t value, struct doctor_finding *f)
{
    const char *list = facts->readings[DOCTOR_RESERVED_PORTS].text;
    unsigned port = facts->wants.port;
    int low, high;

    (void)value;
    if (facts->readings[DOCTOR_PORT_RANGE].error ||
        !parse_range(facts->readings[DOCTOR_PORT_RANGE].text, &low, &high))
        return;
    if (port < (unsigned)low || port > (unsigned)high || is_listed(list, port))
        return;
    set_to(f, "%s%s%u", list, list[0] ? "," : "", port);
    doctor_say(
        f, DOCTOR_ADVISED,
        "Reserve %u, or serve on a port below %d: an outgoing connection may have it when the server starts.",
        port, low);
}

/* ---- descriptors ---- */

void doctor_judge_soft_limit(const struct doctor_case *facts, int64_t value, struct doctor_finding *f)
{
    (void)facts;
    (void)value;
    doctor_say(f, DOCTOR_OK, "Leave it: programs that still use select() break above 1024.");
}

void doctor_judge_hard_limit(const struct doctor_case *facts, int64_t value, struct doctor_finding *f)
{
    const struct doctor_wants *wants = &facts->wants;
    int64_t own = (int64_t)wants->descriptors - wants->connections;

    if (value >= wants->descriptors)
        return;
    if (wants->connections_asked || value <= own)
        doctor_say(f, DOCTOR_NEEDED,
                   "Raise it to %u (LimitNOFILE= of a unit, ulimit -Hn of a shell), or ask for fewer "
                   "--max-connections: "
                   "the server does not start with %u, and %" PRId64 " descriptors of its own.",
                   wants->descriptors, wants->connections, own);
    else
        doctor_say(
            f, DOCTOR_ADVISED,
            "Raise it to %u (LimitNOFILE= of a unit, ulimit -Hn of a shell): each worker holds %" PRId64
            " connections now, not %u.",
            wants->descriptors, value - own, wants->connections);
}

void doctor_judge_nr_open(const struct doctor_case *facts, int64_t value, struct doctor_finding *f)
{
    const struct doctor_wants *wants = &facts->wants;

    if (value >= wants->descriptors)
        return;
    set_to(f, "%u", wants->descriptors);
    doctor_say(f, wants->connections_asked ? DOCTOR_NEEDED : DOCTOR_ADVISED,
               "Set it to %u: no hard limit can be higher, and the table of a slot wants so many.",
               wants->descriptors);
}

/* ---- deaths ---- */

void doctor_judge_core_pattern(const struct doctor_case *facts, int64_t value, struct doctor_finding *f)
{
    (void)value;
    if (!facts->wants.core)
        doctor_say(f, DOCTOR_OK, "No matter: workers dump no core, neither to a file nor to a pipe.");
    else if (facts->readings[DOCTOR_CORE_PATTERN].text[0] == '|')
        doctor_say(f, DOCTOR_OK,
                   "With --core each crash lasts until the program behind the pipe has read the whole dump.");
    else
        doctor_say(f, DOCTOR_OK, "With --core each crash lasts until the dump is written.");
}

void doctor_judge_oom_group(const struct doctor_case *facts, int64_t value, struct doctor_finding *f)
{
    (void)value;
    if (facts->readings[DOCTOR_OOM_GROUP].text[0] != '1')
        return;
    doctor_say(
        f, DOCTOR_NEEDED,
        "Set it to 0: one worker that is ended for want of memory takes the whole service with it. systemd: "
        "OOMPolicy=continue. Kubernetes sets it for every container, unless the kubelet is told "
        "singleProcessOOMKill: true (since 1.32).");
}

void doctor_judge_memfd(const struct doctor_case *facts, int64_t value, struct doctor_finding *f)
{
    (void)facts;
    if (value < 2)
        return;
    set_to(f, "1");
    doctor_say(f, DOCTOR_NEEDED,
               "Set it to 1, which forbids only what was not asked for: with %" PRId64
               " every upgrade is refused.",
               value);
}

/* ---- confinement ---- */

void doctor_judge_seccomp(const struct doctor_case *facts, int64_t value, struct doctor_finding *f)
{
    char words[DOCTOR_VALUE_SIZE + 2];

    (void)value;
    snprintf(words, sizeof words, " %s ", facts->readings[DOCTOR_SECCOMP].text);
    if (!strstr(words, " trap "))
        doctor_say(f, DOCTOR_ADVISED,
                   "A newer kernel knows \"trap\", by which a worker says which call it was denied.");
}

void doctor_judge_landlock(const struct doctor_case *facts, int64_t value, struct doctor_finding *f)
{
    (void)facts;
    (void)value;
    f->verdict = DOCTOR_OK;
}
