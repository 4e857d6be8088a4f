/* What the user asked for, checked and complete. Made by options.c, read by everybody, changed by nobody. */
#ifndef LOADTOOL_SETTINGS_H
#define LOADTOOL_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "loadtool/dialogue.h"
#include "loadtool/oracle.h"
#include "loadtool/outputs.h"
#include "loadtool/plan.h"
#include "loadtool/source.h"
#include "loadtool/target.h"
#include "loadtool/thresholds.h"

struct settings {
    const char *target_word; /* as typed */
    struct target_name target_name;
    uint32_t clients;
    uint64_t duration_ms;  /* 0 = none: the run ends with the messages */
    uint64_t messages;     /* 0 = no limit */
    const char *size_word; /* as typed, or the default */
    struct dialogue dialogue;
    uint64_t rate_per_s; /* 0 = closed loop */
    bool is_poisson;     /* arrivals */
    uint32_t threads;    /* loops; 0 counts as 1 */
    uint32_t depth;      /* messages that a client may have outstanding; 0 counts as 1 */
    uint64_t ramp_up_ms, warm_up_ms;
    uint64_t think_ms_min, think_ms_max; /* 0 = none */
    uint64_t churn_per_s;                /* 0 = none */
    struct source source;
    struct plan plan;
    enum oracle_check check;
    uint64_t csv_every_ms; /* a line of --csv for every so long; 0 = 1000 */
    uint64_t seed;
    uint64_t timeout_ms;
    uint64_t connect_timeout_ms;
    const char *script_path; /* NULL = none */
    int server_pid;          /* 0 = not watched */
    struct thresholds thresholds;
    bool wants_progress;                    /* a line a second where there is no terminal */
    const char *output_paths[OUTPUT_COUNT]; /* NULL = none, "-" = standard output */
};

#endif
