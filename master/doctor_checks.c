/* doctor_checks: the table of checks, and how a case is judged by it. Pure. */
#include "master/doctor.h"
#include "master/doctor_judges.h"

#include <errno.h>
#include <string.h>

/* ---- the table ---- */

static const struct doctor_check table[] = {
    [DOCTOR_SYNCOOKIES] =
        {.name = "net.ipv4.tcp_syncookies",
         .is_number = true,
         .meaning =
             "Whether requests are answered without being stored when the queue of half-open connections "
             "overflows.",
         .absent = "The kernel was built without; a flood of requests shuts out everybody else.",
         .absent_verdict = DOCTOR_ADVISED,
         .judge = doctor_judge_syncookies},
    [DOCTOR_TW_REUSE] = {.name = "net.ipv4.tcp_tw_reuse",
                         .is_number = true,
                         .meaning = "Whether outgoing connections may take a port that is in TIME_WAIT; no "
                                    "bind of a server asks it.",
                         .absent = "Not to be seen in this name space.",
                         .judge = doctor_judge_tw_reuse},
    [DOCTOR_TW_RECYCLE] = {.name = "net.ipv4.tcp_tw_recycle",
                           .is_number = true,
                           .meaning =
                               "Ended TIME_WAIT early, by refusing clients whose timestamps looked old.",
                           .absent = "Gone since Linux 4.12, and not to be missed.",
                           .judge = doctor_judge_tw_recycle},
    [DOCTOR_FIN_TIMEOUT] =
        {.name = "net.ipv4.tcp_fin_timeout",
         .is_number = true,
         .meaning = "Seconds that a connection closed here waits for the FIN of the other side. The 60 s of "
                    "TIME_WAIT are fixed.",
         .absent = "Not to be seen in this name space.",
         .judge = doctor_judge_fin_timeout},
    [DOCTOR_FASTOPEN] = {.name = "net.ipv4.tcp_fastopen",
                         .is_number = true,
                         .meaning = "Whether data may travel in the first packet.",
                         .absent = "Not to be seen in this name space.",
                         .judge = doctor_judge_fastopen},
    [DOCTOR_SOMAXCONN] =
        {.name = "net.core.somaxconn",
         .is_number = true,
         .meaning = "Connections that may wait to be accepted; a longer backlog is cut to it without a word.",
         .absent = "Not to be seen in this name space.",
         .judge = doctor_judge_somaxconn},
    [DOCTOR_SYN_BACKLOG] = {.name = "net.ipv4.tcp_max_syn_backlog",
                            .is_number = true,
                            .meaning = "Half-open connections of a listener, where tcp_syncookies is 0.",
                            .absent = "Not to be seen in this name space.",
                            .judge = doctor_judge_syn_backlog},
    [DOCTOR_PORT_RANGE] =
        {.name = "net.ipv4.ip_local_port_range",
         .meaning =
             "Ports that outgoing connections get, such as those of a proxy or a load tool on this machine.",
         .absent = "Not to be seen in this name space.",
         .judge = doctor_judge_port_range},
    [DOCTOR_RESERVED_PORTS] =
        {.name = "net.ipv4.ip_local_reserved_ports",
         .meaning = "Ports of that range that nobody gets unasked, so that a server finds its own free.",
         .absent = "Not to be seen in this name space.",
         .judge = doctor_judge_reserved_ports},
    [DOCTOR_SOFT_LIMIT] =
        {.name = "open files, soft",
         .source = DOCTOR_PROCESS_SOFT,
         .is_number = true,
         .meaning =
             "Descriptors that a process may have. The server raises it for itself as far as it needs.",
         .absent = "There is no such process.",
         .absent_verdict = DOCTOR_UNKNOWN,
         .judge = doctor_judge_soft_limit},
    [DOCTOR_HARD_LIMIT] =
        {.name = "open files, hard",
         .source = DOCTOR_PROCESS_HARD,
         .is_number = true,
         .meaning =
             "How far that is. The table of a slot holds its connections and the server's own descriptors.",
         .absent = "There is no such process.",
         .absent_verdict = DOCTOR_UNKNOWN,
         .judge = doctor_judge_hard_limit},
    [DOCTOR_NR_OPEN] = {.name = "fs.nr_open",
                        .is_number = true,
                        .meaning = "The highest that any hard limit can be.",
                        .absent = "Not to be seen here.",
                        .judge = doctor_judge_nr_open},
    [DOCTOR_CORE_PATTERN] =
        {.name = "kernel.core_pattern",
         .meaning =
             "Where core dumps go, a \"|\" meaning into a program. A worker is not dead before its dump is "
             "written.",
         .absent = "The kernel writes none.",
         .judge = doctor_judge_core_pattern},
    [DOCTOR_OOM_GROUP] = {.name = "memory.oom.group",
                          .source = DOCTOR_CGROUP,
                          .meaning =
                              "Whether the OOM killer ends all processes of the control group, or one.",
                          .absent = "One: control groups of version 1 and the root group have no such file.",
                          .judge = doctor_judge_oom_group},
    [DOCTOR_MEMFD] =
        {.name = "vm.memfd_noexec",
         .is_number = true,
         .meaning =
             "Whether files in memory may be executed. An upgrade runs a sealed copy of the new program.",
         .absent = "They may: the kernel is older than 6.3.",
         .judge = doctor_judge_memfd},
    [DOCTOR_SECCOMP] =
        {.name = "kernel.seccomp.actions_avail",
         .meaning = "What filters of system calls can do, by which --sandbox confines a worker to those that "
                    "it needs.",
         .absent =
             "The kernel has no such filters (CONFIG_SECCOMP_FILTER): --sandbox does without, and says so.",
         .absent_verdict = DOCTOR_ADVISED,
         .judge = doctor_judge_seccomp},
    [DOCTOR_LANDLOCK] = {.name = "landlock",
                         .source = DOCTOR_KERNEL,
                         .is_number = true,
                         .meaning =
                             "Version of the kernel's rules by which --sandbox keeps a worker from every "
                             "file; the log names the one that it uses.",
                         .absent = "The kernel has none, or they are not on: they want "
                                   "CONFIG_SECURITY_LANDLOCK, and landlock among "
                                   "the lsm= of its command line. --sandbox does without, and says so.",
                         .absent_verdict = DOCTOR_ADVISED,
                         .judge = doctor_judge_landlock},
};

_Static_assert(sizeof table / sizeof table[0] == DOCTOR_COUNT, "every check is in the table");

const struct doctor_check *doctor_check(enum doctor_id id)
{
    return &table[id];
}

const char *doctor_verdict_word(enum doctor_verdict verdict)
{
    static const char *const words[] = {[DOCTOR_OK] = "ok",
                                        [DOCTOR_UNKNOWN] = "unknown",
                                        [DOCTOR_ADVISED] = "advise",
                                        [DOCTOR_NEEDED] = "need"};

    return words[verdict];
}

static void judge_one(const struct doctor_case *facts, enum doctor_id id, struct doctor_finding *f)
{
    const struct doctor_check *check = &table[id];
    const struct doctor_reading *reading = &facts->readings[id];
    int64_t value = 0;

    *f = (struct doctor_finding){.verdict = DOCTOR_OK};
    snprintf(f->value, sizeof f->value, "%s", reading->error ? "-" : reading->text);
    if (reading->error == -ENOENT)
        doctor_say(f, check->absent_verdict, "%s", check->absent);
    else if (reading->error)
        doctor_say(f, DOCTOR_UNKNOWN, "It cannot be read: %s.", strerror(-reading->error));
    else if (check->is_number && !doctor_parse_number(reading->text, &value))
        doctor_say(f, DOCTOR_UNKNOWN, "That is not understood.");
    else
        check->judge(facts, value, f);
}

enum doctor_verdict doctor_judge(const struct doctor_case *facts,
                                 struct doctor_finding findings[DOCTOR_COUNT])
{
    enum doctor_verdict gravest = DOCTOR_OK;

    for (size_t i = 0; i < DOCTOR_COUNT; i++) {
        judge_one(facts, (enum doctor_id)i, &findings[i]);
        if (findings[i].verdict > gravest)
            gravest = findings[i].verdict;
    }
    return gravest;
}
