#include "loadtool/verdict.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "loadtool/limits.h"
#include "loadtool/units.h"

/* A finding: the first one decides the code. Code 0 is a remark that decides nothing. */
__attribute__((format(printf, 3, 4))) static void find(struct verdict *verdict, int code, const char *format,
                                                       ...)
{
    va_list arguments;

    if (verdict->exit_code == EXIT_PASS)
        verdict->exit_code = code;
    if (verdict->reason_count == VERDICT_REASONS_MAX)
        return;
    verdict->codes[verdict->reason_count] = code;
    va_start(arguments, format);
    vsnprintf(verdict->reasons[verdict->reason_count++], VERDICT_REASON_BYTES, format, arguments);
    va_end(arguments);
}

static void find_count(struct verdict *verdict, int code, uint64_t count, const char *one, const char *many)
{
    struct text number;

    if (count > 0)
        find(verdict, code, "%s %s", units_format_count(&number, count), count == 1 ? one : many);
}

static void judge_bytes(const struct settings *settings, const struct outcome *outcome,
                        struct verdict *verdict)
{
    const struct tally *tally = &outcome->tally;

    const uint64_t *found = tally->found_bytes;

    find_count(verdict, EXIT_BYTES, found[FINDING_WRONG], "reply byte was wrong", "reply bytes were wrong");
    find_count(verdict, EXIT_BYTES, found[FINDING_MISSING], "reply byte was missing",
               "reply bytes were missing");
    find_count(verdict, EXIT_BYTES, found[FINDING_EXTRA], "byte came that nobody asked for",
               "bytes came that nobody asked for");
    find_count(verdict, EXIT_BYTES, found[FINDING_DUPLICATED], "reply byte came twice (duplicated)",
               "reply bytes came twice (duplicated)");
    find_count(verdict, EXIT_BYTES, found[FINDING_CROSSTALK],
               "byte came that belongs to another connection (cross-talk)",
               "bytes came that belong to another connection (cross-talk)");
    if (settings->check == ORACLE_UPPER && found[FINDING_WRONG] > 0 && !tally->differs_from_request)
        find(verdict, EXIT_BYTES, "this looks like an echo server: try --check echo");
    else if (settings->check == ORACLE_UPPER && tally->messages_right == 0 && tally_found_bytes(tally) > 0)
        find(verdict, EXIT_BYTES,
             "nothing was right: a server that does not answer in capitals needs --send and --expect, or "
             "--check echo or none");
}

/* Where to, and what most of those met who could not connect: " to :80: connection refused". Nothing if nobody met
 * anything. */
static void explain_refused(char *out, size_t size, const struct settings *settings,
                            const struct tally *tally)
{
    const struct tally_fault *most = NULL;

    for (int fault = 0; fault < FAULT_COUNT; fault++) {
        const struct tally_fault *at = &tally->faults[fault][WHERE_CONNECT];
        if (at->count > 0 && (most == NULL || at->count > most->count))
            most = at;
    }
    const char *why = most == NULL ? NULL : strrchr(most->first, ':');
    if (why != NULL)
        snprintf(out, size, " to %s%s", settings->target_word, why);
}

static void judge_clients(const struct settings *settings, const struct outcome *outcome,
                          struct verdict *verdict)
{
    const struct outcome_control *control = &outcome->control;
    char refused[VERDICT_REASON_BYTES] = "";
    struct text of;

    explain_refused(refused, sizeof(refused), settings, &outcome->tally);
    units_format_count(&of, control->clients);
    const struct {
        uint64_t count;
        const char *what;
    } rows[] = {
        {control->refused, "could not connect"},
        {control->reset, "lost the connection by a reset"},
        {control->closed, "lost the connection: the server closed it"},
        {control->unanswered, "waited longer than the time-out for a reply"},
        {control->silent_before, "had no right reply before any disturbance"},
        {control->silent_between, "had no right reply between the disturbances"},
        {control->silent_after, "had no right reply after the disturbances"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct text number;
        if (rows[i].count > 0)
            find(verdict, EXIT_CLIENTS, "%s of %s control clients %s%s",
                 units_format_count(&number, rows[i].count), of.s, rows[i].what, i == 0 ? refused : "");
    }
    find_count(verdict, EXIT_CLIENTS, control->untried, "control client was not tried any more",
               "control clients were not tried any more");
}

/* A server that waits for the end of a line waits for ever. */
static void remark_unended(const struct settings *settings, const struct outcome *outcome,
                           struct verdict *verdict)
{
    const struct script *script = &settings->dialogue.script;
    const struct tally *tally = &outcome->tally;

    if (script->count > 0 && outcome->control.unanswered > 0 && tally->bytes_right == 0 &&
        tally_found_bytes(tally) == 0 && script->requests.text[script->requests.end_of[0] - 1] != '\n')
        find(verdict, EXIT_CLIENTS,
             "nothing came back: many protocols want an end of line, as in --send 'PING\\r\\n'");
}

/* Told last: victims that nobody answers are what a server looks like that takes no new clients, and that has
 * a code of its own. */
static void judge_victims(const struct outcome *outcome, struct verdict *verdict)
{
    find_count(verdict, EXIT_CLIENTS, outcome->unexpected_ends,
               "victim was refused, ended or left unanswered",
               "victims were refused, ended or left unanswered");
}

static void judge_churn(const struct outcome *outcome, struct verdict *verdict)
{
    find_count(verdict, EXIT_CLIENTS, outcome->churn.failed,
               "short connection was refused, ended or left unanswered",
               "short connections were refused, ended or left unanswered");
}

static void judge_recovery(const struct outcome *outcome, struct verdict *verdict)
{
    if (outcome->recovery.is_checked && !outcome->recovery.is_ok)
        find(verdict, EXIT_RECOVERY, "no new client had a right reply within %d s of the last disturbance",
             LIMIT_RECOVERY_MS / 1000);
}

static void judge_residues(const struct outcome *outcome, struct verdict *verdict)
{
    char residues[HEALTH_RESIDUES_MAX][HEALTH_RESIDUE_BYTES];
    size_t count = health_find_residues(&outcome->health, residues);

    for (size_t i = 0; i < count; i++)
        find(verdict, EXIT_RESIDUE, "%s", residues[i]);
}

static void judge_thresholds(const struct settings *settings, const struct outcome *outcome,
                             struct verdict *verdict)
{
    char sentence[THRESHOLDS_SENTENCE_BYTES];

    for (size_t i = 0; i < settings->thresholds.count; i++)
        if (!thresholds_keeps(&settings->thresholds.list[i], outcome, sentence))
            find(verdict, EXIT_THRESHOLD, "%s", sentence);
}

/* In an open loop the load tool's own trouble is in every figure; in a closed loop it is a note of the
 * report. */
static void judge_self(const struct outcome *outcome, struct verdict *verdict)
{
    char findings[SELFCHECK_FINDINGS_MAX][SELFCHECK_FINDING_BYTES];
    size_t count = outcome->self.is_open_loop ? selfcheck_find(&outcome->self, findings) : 0;

    for (size_t i = 0; i < count; i++)
        find(verdict, EXIT_UNRELIABLE, "%s", findings[i]);
}

static void remark_never_done(const struct settings *settings, const struct outcome *outcome,
                              struct verdict *verdict)
{
    char names[VERDICT_REASON_BYTES] = "";
    size_t used = 0;

    for (size_t i = 0; i < PLAN_MODE_COUNT; i++) {
        bool is_due = plan_has(&settings->plan, (enum plan_mode)i) &&
                      (settings->plan.is_chosen || outcome->victims > 0);
        if (!is_due || outcome->done[i] > 0)
            continue;
        used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", used > 0 ? ", " : "",
                                 plan_mode_name((enum plan_mode)i));
    }
    if (used > 0)
        find(verdict, EXIT_PASS, "never done: %s", names);
}

void verdict_judge(const struct settings *settings, const struct outcome *outcome, struct verdict *verdict)
{
    struct text time;

    memset(verdict, 0, sizeof(*verdict));
    if (outcome->was_interrupted)
        find(verdict, EXIT_INTERRUPTED, "interrupted after %s", units_format_ns(&time, outcome->elapsed_ns));
    judge_bytes(settings, outcome, verdict);
    judge_clients(settings, outcome, verdict);
    remark_unended(settings, outcome, verdict);
    judge_churn(outcome, verdict);
    judge_recovery(outcome, verdict);
    judge_victims(outcome, verdict);
    if (verdict->reason_count == 0 && outcome->tally.messages_right == 0)
        find(verdict, EXIT_CLIENTS, "nobody had a right reply");
    judge_residues(outcome, verdict);
    judge_thresholds(settings, outcome, verdict);
    judge_self(outcome, verdict);
    remark_never_done(settings, outcome, verdict);
    verdict->kind = verdict->exit_code == EXIT_PASS          ? VERDICT_PASS
                    : verdict->exit_code == EXIT_INTERRUPTED ? VERDICT_INTERRUPTED
                    : verdict->exit_code == EXIT_UNRELIABLE  ? VERDICT_UNRELIABLE
                                                             : VERDICT_FAIL;
}

const char *verdict_name(enum verdict_kind kind)
{
    static const char *const names[] = {[VERDICT_PASS] = "PASS",
                                        [VERDICT_FAIL] = "FAIL",
                                        [VERDICT_INTERRUPTED] = "INTERRUPTED",
                                        [VERDICT_UNRELIABLE] = "UNRELIABLE"};

    return names[kind];
}

bool verdict_is_client_bound(const struct outcome *outcome)
{
    return outcome->self.busy_share * 100 > LIMIT_BUSY_PERCENT;
}
