/*
 * doctor: what the machine is set to, what that means for this server, and what had better be changed.
 *
 * One table of checks (doctor_checks.c): a name, where its value is read, its meaning, a judge. Judges are pure:
 * readings and what the server would want go in, findings come out. doctor_read.c reads, below a root that tests
 * choose; doctor_write.c shows. Nothing here changes a setting.
 *
 * Sources: Documentation/networking/ip-sysctl.rst, Documentation/admin-guide/sysctl/ and cgroup-v2.rst of the
 * kernel, and its net/ipv4/tcp_input.c for what the queue of half-open connections asks.
 */
#ifndef MASTER_DOCTOR_H
#define MASTER_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum doctor_id {
    DOCTOR_SYNCOOKIES,
    DOCTOR_TW_REUSE,
    DOCTOR_TW_RECYCLE,
    DOCTOR_FIN_TIMEOUT,
    DOCTOR_FASTOPEN,
    DOCTOR_SOMAXCONN,
    DOCTOR_SYN_BACKLOG,
    DOCTOR_PORT_RANGE,
    DOCTOR_RESERVED_PORTS,
    DOCTOR_SOFT_LIMIT,
    DOCTOR_HARD_LIMIT,
    DOCTOR_NR_OPEN,
    DOCTOR_CORE_PATTERN,
    DOCTOR_OOM_GROUP,
    DOCTOR_MEMFD,
    DOCTOR_SECCOMP,
    DOCTOR_LANDLOCK,
    DOCTOR_COUNT,
};

enum doctor_source {
    DOCTOR_SYSCTL,       /* below /proc/sys, the name's dots being slashes */
    DOCTOR_PROCESS_SOFT, /* the limit of open files of the process that is looked at */
    DOCTOR_PROCESS_HARD,
    DOCTOR_CGROUP, /* memory.oom.group of its control group, or of one above that is set */
    DOCTOR_KERNEL, /* the version of Landlock, which only a system call tells */
};

enum doctor_verdict {
    DOCTOR_OK,
    DOCTOR_UNKNOWN, /* it could not be read */
    DOCTOR_ADVISED, /* the server works, and would work better */
    DOCTOR_NEEDED,  /* it would not start as asked for, or not keep one of its promises */
    DOCTOR_VERDICT_COUNT,
};

enum { DOCTOR_VALUE_SIZE = 256, DOCTOR_ADVICE_SIZE = 512 };

struct doctor_reading {
    int error; /* 0, or a negative errno: no value; -ENOENT: this kernel has no such thing */
    char text[DOCTOR_VALUE_SIZE];
};

/* What a server with such options would want. */
struct doctor_wants {
    uint32_t connections;   /* of a worker */
    uint32_t descriptors;   /* in the table of a slot */
    bool connections_asked; /* so that fewer will not do */
    unsigned backlog;
    unsigned port; /* 0: none, or one that the kernel chooses */
    bool core;     /* dying workers may dump core */
};

struct doctor_finding {
    enum doctor_verdict verdict;
    char value[DOCTOR_VALUE_SIZE];   /* as it is shown */
    char advice[DOCTOR_ADVICE_SIZE]; /* empty: none */
    char setting[DOCTOR_VALUE_SIZE]; /* what the sysctl should be; empty: it may stay, or it is none */
};

/* A case: everything that was read of one machine. */
struct doctor_case {
    struct doctor_wants wants;
    struct doctor_reading readings[DOCTOR_COUNT];
};

struct doctor_check {
    const char *name;
    enum doctor_source source;
    bool is_number; /* then the judge gets the value */
    const char *meaning;
    const char *absent; /* what -ENOENT means */
    enum doctor_verdict absent_verdict;
    void (*judge)(const struct doctor_case *facts, int64_t value, struct doctor_finding *finding);
};

const struct doctor_check *doctor_check(enum doctor_id id);

/* "ok", "unknown", "advise" or "need". */
const char *doctor_verdict_word(enum doctor_verdict verdict);

/* All findings of a case. Returns the gravest verdict. */
enum doctor_verdict doctor_judge(const struct doctor_case *facts,
                                 struct doctor_finding findings[DOCTOR_COUNT]);

/* Reads everything: files below `root` ("" for the machine itself), limits and control group those of the process
 * `pid`, 0 for this one. What cannot be read says so in its reading. */
void doctor_read(const char *root, int pid, struct doctor_reading readings[DOCTOR_COUNT]);

/* ---- showing: doctor_write.c ---- */

/* For people: value, meaning and advice of each, and a line that counts. */
void doctor_write_text(FILE *out, const struct doctor_finding findings[DOCTOR_COUNT]);

/* One object, see master/README.md. 0, or -ENOMEM, or -EIO. */
int doctor_write_json(FILE *out, const struct doctor_finding findings[DOCTOR_COUNT]);

/* How many settings of sysctl(8) should be changed. */
unsigned doctor_setting_count(const struct doctor_finding findings[DOCTOR_COUNT]);

/* Those, as a file for /etc/sysctl.d. `path` is its name, for the comment that says how it is read. */
void doctor_write_fragment(FILE *out, const char *path, const struct doctor_finding findings[DOCTOR_COUNT]);

#endif
