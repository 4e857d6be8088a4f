/*
 * The policy of the server (master/supervisor.h) in a test's hands: one memory, a clock of its own, and words
 * for what happens to a slot, for what an operator asks, and for the way to another image of the program. The
 * shell around it is not there: a test says itself what the boards would say.
 *
 * All events speak of the generations that the policy holds for current. Times in virtual milliseconds.
 */
#ifndef TESTS_SUPPORT_POLICY_FIXTURE_H
#define TESTS_SUPPORT_POLICY_FIXTURE_H

#include "master/supervisor.h"

#include <stdbool.h>
#include <stdint.h>

struct policy_fixture {
    struct supervisor state;
    struct supervisor_actions actions; /* of the last event */
    int64_t now_ms;
    uint32_t seen[ACTION_FINISH + 1]; /* actions since policy_forget(), by kind */
};

/* A fresh service of so many slots, of image 1, its first keepers or workers ordered. */
void policy_start(struct policy_fixture *f, uint32_t wanted_count, bool protect);

/* The same, each slot with its two keepers and serving. */
void policy_start_serving(struct policy_fixture *f, uint32_t wanted_count, bool protect);

void policy_feed(struct policy_fixture *f, const struct supervisor_event *event);
void policy_feed_kind(struct policy_fixture *f, enum supervisor_event_kind kind);

/* Ticks on time until so much has passed. */
void policy_pass(struct policy_fixture *f, int64_t ms);

void policy_forget(struct policy_fixture *f);

/* The action of that kind for that slot in the last event's actions; NULL: there is none. */
const struct supervisor_action *policy_action(const struct policy_fixture *f,
                                              enum supervisor_action_kind kind, uint32_t slot);

/* The worker of the current generation was ordered of that keeper; that keeper was ordered of its twin. */
void policy_expect_spawn_by(const struct policy_fixture *f, uint32_t slot, enum keeper_letter letter);
void policy_expect_twin(const struct policy_fixture *f, uint32_t slot, enum keeper_letter letter);

void policy_keeper_ready(struct policy_fixture *f, uint32_t slot, enum keeper_letter letter);

/* `made`: what the boards say of the worker's and the twin's last ordered generation. */
struct policy_made {
    bool worker, twin;
};
void policy_keeper_died(struct policy_fixture *f, uint32_t slot, enum keeper_letter letter,
                        struct policy_made made);

/* The same, of SIGKILL. */
void policy_keeper_killed(struct policy_fixture *f, uint32_t slot, enum keeper_letter letter,
                          struct policy_made made);

/* Both keepers, of which the first had made worker and twin. */
void policy_keepers_die(struct policy_fixture *f, uint32_t slot);

void policy_worker_made(struct policy_fixture *f, uint32_t slot);
void policy_worker_ready(struct policy_fixture *f, uint32_t slot);

/* Without a suspect; `answered` says whether its generation was of any use. */
void policy_worker_died(struct policy_fixture *f, uint32_t slot, enum death_kind kind, bool answered);

/* By a crash, before its generation has answered anything. */
void policy_crash_unanswered(struct policy_fixture *f, uint32_t slot);

/* The worker leaves in order, then its keepers die. */
void policy_everybody_leaves(struct policy_fixture *f, uint32_t slot);

/* Its worker is said to hang. */
void policy_claim_hang(struct policy_fixture *f, uint32_t slot, enum kill_reason reason);

/* Deaths of successors in a row until the slot rests. */
void policy_crash_until_rest(struct policy_fixture *f, uint32_t slot);

/* It makes room as it was told to, and the next generation of the same image serves. */
void policy_hand_over(struct policy_fixture *f, uint32_t slot);

/* ---- requests ---- */

/* Returns the number of the operation. */
uint32_t policy_request(struct policy_fixture *f, enum operation_kind kind, uint32_t goal);

enum operation_state policy_operation_state(struct policy_fixture *f, uint32_t number);

void policy_expect_running(struct policy_fixture *f, uint32_t number);
void policy_expect_done(struct policy_fixture *f, uint32_t number);

/* It has failed, and for that reason. */
void policy_expect_failed(struct policy_fixture *f, uint32_t number, const char *why);

/* ---- images ---- */

/* What a supervisor says at its start: that image it is; `why` NULL, or why its master is not another one. */
void policy_image(struct policy_fixture *f, uint32_t number, const char *why);

/* A supervisor made anew, on the same memory: resumes, then says that it is that image. */
void policy_resume_as(struct policy_fixture *f, uint32_t image);

/* The outcome of the check that was ordered last; `why` NULL: good. */
void policy_checked(struct policy_fixture *f, const char *why);

/* An upgrade that is asked for and whose image is good. Returns the number of the operation. */
uint32_t policy_upgrade(struct policy_fixture *f);

void policy_exec_failed(struct policy_fixture *f, uint32_t slot, enum keeper_letter letter, const char *why);

void policy_proven(struct policy_fixture *f, uint32_t slot);

/* From the handover that is ordered on to a state of the way to the other image: keeper a told to become it;
 * its worker ordered, and waiting at the gate once it is made; both keepers and the worker are of that image
 * and it serves. Each includes the ones before. */
void policy_swap_to_exec(struct policy_fixture *f, uint32_t slot);
void policy_swap_to_gate(struct policy_fixture *f, uint32_t slot);
void policy_swap(struct policy_fixture *f, uint32_t slot);

/* The last of them, and its worker has answered. */
void policy_swap_and_prove(struct policy_fixture *f, uint32_t slot);

/* An upgrade of a service of two slots, to the moment when the master is told. */
uint32_t policy_upgrade_all_slots(struct policy_fixture *f);

void policy_expect_stage(struct policy_fixture *f, enum upgrade_stage stage);

#endif
