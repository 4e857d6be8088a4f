/*
 * doctor_judges: what a value means for a server with such wants. Pure.
 *
 * Private to the doctor_* files. A judge is called for a value that was read; a finding that it leaves alone is OK and has
 * no advice.
 */
#ifndef MASTER_DOCTOR_JUDGES_H
#define MASTER_DOCTOR_JUDGES_H

#include "master/doctor.h"

/* What a finding says. */
__attribute__((format(printf, 3, 4))) void doctor_say(struct doctor_finding *f, enum doctor_verdict verdict,
                                                      const char *format, ...);

/* "unlimited" is the largest number; false: no number. */
bool doctor_parse_number(const char *text, int64_t *value);

void doctor_judge_syncookies(const struct doctor_case *facts, int64_t value, struct doctor_finding *f);
void doctor_judge_tw_reuse(const struct doctor_case *facts, int64_t value, struct doctor_finding *f);
void doctor_judge_tw_recycle(const struct doctor_case *facts, int64_t value, struct doctor_finding *f);
void doctor_judge_fin_timeout(const struct doctor_case *facts, int64_t value, struct doctor_finding *f);
void doctor_judge_fastopen(const struct doctor_case *facts, int64_t value, struct doctor_finding *f);
void doctor_judge_somaxconn(const struct doctor_case *facts, int64_t value, struct doctor_finding *f);
void doctor_judge_syn_backlog(const struct doctor_case *facts, int64_t value, struct doctor_finding *f);
void doctor_judge_port_range(const struct doctor_case *facts, int64_t value, struct doctor_finding *f);
void doctor_judge_reserved_ports(const struct doctor_case *facts, int64_t value, struct doctor_finding *f);
void doctor_judge_soft_limit(const struct doctor_case *facts, int64_t value, struct doctor_finding *f);
void doctor_judge_hard_limit(const struct doctor_case *facts, int64_t value, struct doctor_finding *f);
void doctor_judge_nr_open(const struct doctor_case *facts, int64_t value, struct doctor_finding *f);
void doctor_judge_core_pattern(const struct doctor_case *facts, int64_t value, struct doctor_finding *f);
void doctor_judge_oom_group(const struct doctor_case *facts, int64_t value, struct doctor_finding *f);
void doctor_judge_memfd(const struct doctor_case *facts, int64_t value, struct doctor_finding *f);
void doctor_judge_seccomp(const struct doctor_case *facts, int64_t value, struct doctor_finding *f);
void doctor_judge_landlock(const struct doctor_case *facts, int64_t value, struct doctor_finding *f);

#endif
