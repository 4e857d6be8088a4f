#include "master/checker.h"
#include "master/reactor_state.h"
#include "worker/clock.h"
#include "worker/image.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define CHECK_MS_MAX (2 * CHECK_RUN_MS_MAX) /* with reading the program, from wherever that is */

/* ---- the check ---- */

static void end_check(struct reactor *r, const char *why)
{
    if (r->checker_pid > 0)
        kill(r->checker_pid, SIGKILL); /* our own child, not reaped yet */
    r->checker_pid = 0;
    feed(r,
         &(struct supervisor_event){.kind = SUPERVISOR_CHECKED, .generation = r->check_number, .why = why});
}

/* True: the checker has said what it found. */
static bool has_found(struct reactor *r, char why[IMAGE_WHY_SIZE], bool *is_good)
{
    struct check_cell *cell = &r->pages->orders.check;
    if (atomic_load_explicit(&cell->number, memory_order_acquire) != r->check_number)
        return false;
    memcpy(why, cell->why, IMAGE_WHY_SIZE);
    why[IMAGE_WHY_SIZE - 1] = '\0';
    *is_good = cell->is_good;
    return true;
}

static bool has_ended(const struct reactor *r)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)r->checker_pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

/* A good one is there when the master has it. */
static void look_for_check(struct reactor *r)
{
    char why[IMAGE_WHY_SIZE];
    bool is_good = false;
    if (r->checker_pid == 0)
        return;
    if (r->checker_pid < 0) {
        int error = (int)-r->checker_pid;
        r->checker_pid = 0;
        end_check(r, strerrordesc_np(error));
    } else if (has_found(r, why, &is_good)) {
        if (!is_good)
            end_check(r, why);
        else if (image_find(r->pages, r->check_number) >= 0)
            end_check(r, NULL);
    } else if (has_ended(r) && !has_found(r, why, &is_good)) {
        end_check(r, "the check itself has died");
    }
    if (r->checker_pid > 0 && clock_now_ms() - r->check_begin_ms > CHECK_MS_MAX)
        end_check(r, "its check took too long");
}

/* ---- slots ---- */

/* Not the generation's time alone counts: an answer is the better proof. */
static void look_for_proof(struct reactor *r, uint32_t slot)
{
    const struct slot_memory *memory = &r->state.slots[slot];
    struct board *board = shared_board(r->pages, slot);
    if (memory->phase != SLOT_SERVING || memory->proven || memory->image == r->state.upgrade.image)
        return;
    if (counter_get(&r->pages->loads.cells[slot], COUNTER_answered) > atomic_load(&board->answered_at_start))
        feed(r, &(struct supervisor_event){
                    .kind = SUPERVISOR_PROVEN, .slot = slot, .generation = memory->generation});
}

static void look_for_failed_exec(struct reactor *r, uint32_t slot, enum keeper_letter letter)
{
    const struct keeper_memory *keeper = &r->state.slots[slot].keepers[letter];
    struct board *board = shared_board(r->pages, slot);
    if (keeper->phase != KEEPER_EXECING ||
        atomic_load_explicit(&board->exec_failed[letter], memory_order_acquire) != keeper->asked)
        return;
    feed(r, &(struct supervisor_event){.kind = SUPERVISOR_EXEC_FAILED,
                                       .slot = slot,
                                       .letter = letter,
                                       .generation = keeper->generation,
                                       .why = strerrordesc_np(atomic_load(&board->exec_error[letter]))});
}

/* What was upgraded to is where the next upgrade comes from, if it does not say otherwise. */
static void note_program(struct reactor *r)
{
    bool is_over = r->state.upgrade.stage == UPGRADE_NONE && r->programs.candidate[0];
    if (!is_over)
        return;
    if (r->state.upgrade.image == r->state.upgrade.last_number)
        memcpy(r->programs.current, r->programs.candidate, sizeof r->programs.current);
    r->programs.candidate[0] = '\0';
}

/* A checker that hangs in a dead disk is reaped whenever it ends. */
static void reap_children(struct reactor *r)
{
    int status = 0;
    if (r->checker_pid > 0)
        return;
    pid_t pid = waitpid(-1, &status, WNOHANG);
    look_note_reaped(r, pid, status);
}

void look_for_upgrade(struct reactor *r)
{
    look_for_check(r);
    reap_children(r);
    for (uint32_t slot = 0; slot < r->state.slot_limit; slot++) {
        look_for_proof(r, slot);
        for (enum keeper_letter letter = KEEPER_A; letter < KEEPER_COUNT; letter++)
            look_for_failed_exec(r, slot, letter);
    }
    note_program(r);
}
