#include "master/reactor_state.h"
#include "worker/clock.h"
#include "worker/heritage.h"
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define LISTENER_DRAIN_MS 200 /* by then every worker has taken what was queued */

/* ---- the listener that is held ---- */

static bool listens(void)
{
    int listens = 0;
    socklen_t length = sizeof listens;
    return getsockopt(FD_LISTENER, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0 && listens;
}

static bool queue_is_empty(void)
{
    struct pollfd listener = {.fd = FD_LISTENER, .events = POLLIN};
    return poll(&listener, 1, 0) == 0;
}

/* While a slot is between two workers nobody knows how many clients it holds. */
static bool nobody_is_left(const struct reactor *r)
{
    for (uint32_t slot = 0; slot < r->state.slot_limit; slot++) {
        uint32_t phase = r->state.slots[slot].phase;
        if (phase != SLOT_SERVING && phase != SLOT_LEAVING && phase != SLOT_RESTING && phase != SLOT_UNUSED &&
            phase != SLOT_ENDED)
            return false;
        if (slot_lives(&r->state.slots[slot]) && board_worker_pid(shared_board(r->pages, slot)) == 0)
            return false; /* it has died, and its death is not dealt with yet */
    }
    return announce_connections(r) == 0;
}

/* Shut down once nobody waits in it any more (a client that does would be reset), in any case after a while.
 */
static void look_after_held(struct reactor *r, int64_t now_ms)
{
    if (!r->state.held || r->state.stage != STAGE_RUNNING || r->listen_untold)
        return;
    if (listens() && (queue_is_empty() || now_ms - r->hold_ms >= LISTENER_DRAIN_MS))
        shutdown(FD_LISTENER, SHUT_RDWR);
    else if (!listens() && nobody_is_left(r))
        feed(r, &(struct supervisor_event){.kind = SUPERVISOR_EMPTY});
}

void look_for_listening(struct reactor *r)
{
    if (!r->listen_untold)
        return;
    r->listen_untold = false;
    feed(r, &(struct supervisor_event){
                .kind = SUPERVISOR_LISTENING,
                .why = r->listen_result < 0 ? strerrordesc_np(-r->listen_result) : NULL,
            });
}

/* ---- connections that nobody takes ---- */

/* A worker that stopped between its wake-up and its accept leaves a connection that nobody will be woken for.
 */
static void rescue_stray(struct reactor *r)
{
    uint32_t accepts = 0;
    for (uint32_t slot = 0; slot < r->state.slot_limit; slot++)
        accepts += atomic_load(&r->pages->loads.cells[slot].accept_count);
    struct pollfd listener = {.fd = FD_LISTENER, .events = POLLIN};
    bool stray = r->state.slot_limit > 0 && accepts == r->accepts_seen && poll(&listener, 1, 0) == 1 &&
                 listener.revents == POLLIN;
    r->accepts_seen = accepts;
    if (!stray || r->state.stage != STAGE_RUNNING)
        return;
    r->stray_slot = (r->stray_slot + 1) % r->state.slot_limit;
    heritage_poke(r->stray_slot, POKE_ACCEPT);
}

void look_after_listener(struct reactor *r, int64_t now_ms)
{
    rescue_stray(r);
    look_after_held(r, now_ms);
    if (r->state.stage == STAGE_DRAINING && !r->setup->listener_is_passed &&
        now_ms - r->drain_ms >= LISTENER_DRAIN_MS)
        shutdown(FD_LISTENER, SHUT_RDWR); /* all may have been full */
}
