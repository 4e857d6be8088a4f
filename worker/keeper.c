#include "worker/keeper.h"
#include "worker/fault.h"
#include "worker/image.h"
#include "worker/log.h"
#include "worker/process.h"
#include "worker/title.h"
#include "worker/worker.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

/* Between two tries of a clone that failed. */
#define CLONE_RETRY_MS 100

#define SHARING_CHILD (CLONE_FILES | CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD)

struct keeper {
    struct shared_pages *pages;
    struct board *board;
    unsigned slot;
    enum keeper_letter letter;
    uint32_t generation;
    uint32_t image;
};

_Noreturn static void keeper_main(struct keeper keeper);

static enum keeper_letter other_letter(enum keeper_letter letter)
{
    return letter == KEEPER_A ? KEEPER_B : KEEPER_A;
}

/* ---- orders ---- */

/* The generation that an order asks of this keeper; 0: none, or not of this one. */
static uint32_t asked_of(const struct keeper *k, shared_u64 *order)
{
    uint64_t word = atomic_load_explicit(order, memory_order_acquire);
    uint32_t generation = (uint32_t)word;
    return word == keeper_order(k->letter, k->generation, generation) ? generation : 0;
}

/* True: nothing is left to do about that clone. */
static bool note_clone(struct keeper *k, int result)
{
    if (result < 0)
        atomic_store(&k->board->clone_error, -result);
    return result >= 0;
}

static bool obey_spawn(struct keeper *k)
{
    uint32_t generation = asked_of(k, &k->board->order_spawn);
    if (generation == 0 || board_was_made(&k->board->worker, generation))
        return true;
    int result = process_clone(SHARING_CHILD, &k->board->worker, generation);
    if (result == 0)
        worker_main(k->pages, k->slot, generation);
    return note_clone(k, result);
}

static bool obey_twin(struct keeper *k)
{
    uint32_t generation = asked_of(k, &k->board->order_twin);
    struct keeper twin = *k;
    twin.letter = other_letter(k->letter);
    twin.generation = generation;
    struct birth_cell *cell = &k->board->keepers[twin.letter];
    if (generation == 0 || board_was_made(cell, generation))
        return true;
    int result = process_clone(SHARING_CHILD, cell, generation);
    if (result == 0)
        keeper_main(twin);
    return note_clone(k, result);
}

/* The table becomes a copy of the shared one, which the other keeper still holds. */
static void obey_exec(struct keeper *k)
{
    uint32_t image = asked_of(k, &k->board->order_exec);
    char role[IMAGE_ROLE_SIZE];
    if (image == 0 || image == k->image ||
        atomic_load_explicit(&k->board->exec_failed[k->letter], memory_order_acquire) == image)
        return;
    snprintf(role, sizeof role, "keeper:%u:%d:%u:%u", k->slot, (int)k->letter, k->generation, image);
    atomic_store(&k->board->exec_error[k->letter], -image_exec(k->pages, image, role));
    atomic_store_explicit(&k->board->exec_failed[k->letter], image, memory_order_release);
}

static bool told_to_leave(const struct keeper *k)
{
    return atomic_load_explicit(&k->board->leave_generation[k->letter], memory_order_acquire) >=
           k->generation;
}

/* ---- life ---- */

static void wait_for_orders(bool all_done)
{
    sigset_t all;
    sigfillset(&all);
    const struct timespec retry = {.tv_nsec = CLONE_RETRY_MS * 1000000L};
    if (all_done)
        sigwaitinfo(&all, NULL);
    else
        sigtimedwait(&all, NULL, &retry);
}

static void say_ready(const struct keeper *k)
{
    atomic_store_explicit(&k->board->keeper_build[k->letter], image_build(), memory_order_relaxed);
    atomic_store_explicit(&k->board->keeper_image[k->letter], k->image, memory_order_release);
    atomic_store_explicit(&k->board->keeper_ready[k->letter], k->generation, memory_order_release);
}

_Noreturn static void keeper_main(struct keeper keeper)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    /* Without its master a slot is drained, not kept. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != keeper.pages->orders.master_pid)
        _exit(0);
    /* A letter more in the number, since both count generations of their own. */
    fault_arm(keeper.pages, FAULT_KEEPER, keeper.slot, KEEPER_COUNT * keeper.generation + keeper.letter);
    title_set("prefork-upper: keeper %u %c", keeper.slot, keeper.letter == KEEPER_A ? 'a' : 'b');
    say_ready(&keeper);
    while (!told_to_leave(&keeper)) {
        bool twin_done = obey_twin(&keeper);
        bool spawn_done = obey_spawn(&keeper);
        obey_exec(&keeper);
        wait_for_orders(twin_done && spawn_done);
    }
    _exit(0);
}

/* ---- the first of a slot ---- */

static void grow_table(uint32_t descriptor_count)
{
    int last = dup2(STDIN_FILENO, (int)descriptor_count - 1);
    if (last > STDERR_FILENO)
        close(last);
}

_Noreturn void keeper_first_main(struct shared_pages *pages, unsigned slot, uint32_t generation,
                                 uint32_t descriptor_count)
{
    struct keeper keeper = {
        .pages = pages,
        .board = shared_board(pages, slot),
        .slot = slot,
        .letter = KEEPER_A,
        .generation = generation,
        .image = atomic_load(&pages->orders.master_image),
    };
    setpgid(0, 0); /* the slot's processes are a group of their own, out of the terminal's reach */
    grow_table(descriptor_count);
    int error = worker_prepare_table();
    if (error) { /* nobody shares the table yet, so the log may still be used */
        log_event(LOG_LEVEL_ERROR, "event=failed what=slot_table slot=%u why=%s", slot,
                  strerrorname_np(-error));
        _exit(WORKER_EXIT_SETUP);
    }
    keeper_main(keeper);
}

_Noreturn void keeper_resume_main(struct shared_pages *pages, unsigned slot, enum keeper_letter letter,
                                  uint32_t generation, uint32_t image, uint32_t descriptor_count)
{
    struct keeper keeper = {
        .pages = pages,
        .board = shared_board(pages, slot),
        .slot = slot,
        .letter = letter,
        .generation = generation,
        .image = image,
    };
    grow_table(descriptor_count); /* exec has made a copy that is as small as may be */
    keeper_main(keeper);
}

int keeper_probe(void)
{
    struct birth_cell cell = {0};
    /* CLONE_VFORK: the caller goes on when the child has ended, so that nobody meets it later. */
    int result = process_clone(SHARING_CHILD | CLONE_VFORK, &cell, 1);
    if (result == 0)
        _exit(0);
    return result < 0 ? result : 0;
}
