/*
 * One slot of the server as a model for Spin: master, supervisor, two keepers and the worker, any of whom may
 * be killed between any two steps, with an upgrade of the program under way.
 *
 * README.md says which function each part stands for, and what is left out. Names are those of the code.
 * Parameters (-D): DEATHS, how many kills from elsewhere; DOUBTS, how many times the supervisor loses patience
 * with somebody who is only slow; IMAGE, what the new image is worth (NO_UPGRADE: none is asked for); and
 * MUTANT, a fault of the protocol that must be found.
 */
#define A 0
#define B 1
#define W 2 /* keeper a, keeper b, worker: numbers of processes */
#define OTHER(l) (1 - (l))

#define NO_UPGRADE 0
#define GOOD 1
#define DIES 2     /* the keeper that has become it dies at once */
#define MUTE 3     /* ... never says that it is ready */
#define CRASHES 4  /* its worker dies before it answers */
#define REFUSED 5  /* cannot be executed */
#define UNMASTERLY 6 /* the master cannot become it */
#define ANY 7      /* any of these */

#define NO_GATE 1          /* the new worker does not wait for the old table's end */
#define LEAVES_TOO_SOON 2  /* the old twin leaves before the next worker is made */
#define NO_TWIN 3          /* a keeper that died is not made anew */
#define TWO_ADDRESSES 4    /* an order goes to the other keeper before the first one's death is told */

#ifndef DEATHS
#define DEATHS 0
#endif
#ifndef DOUBTS
#define DOUBTS 0
#endif
#ifndef IMAGE
#define IMAGE NO_UPGRADE
#endif
#ifndef MUTANT
#define MUTANT 0
#endif
#define TRIES_MAX 3 /* SWAP_TRIES_MAX */

#include "state.pml"

/* ---- births and deaths ---- */

#define LIVES(x) (alive[x])
#define ANYBODY (alive[A] || alive[B] || alive[W])
#define WHOLE (alive[A] && alive[B] && alive[W] && step[W] == SERVE && table[A] == table[B] && table[A] == table[W])
#define WAS_MADE(x, g) (birth_gen[x] == (g) && birth_pid[x])
#define LIVING(x, g) (birth_gen[x] == (g) && birth_pid[x] && told[x] != (g))

inline note_whole()
{
    if
    :: WHOLE -> felled = 0; between = false
    :: else
    fi
}

/* What must never be: two of one kind, a birth before the last one's death is told, a generation twice. */
inline be_born(x, g, of_table, of_image, first)
{
    assert(!alive[x]);
    assert(told[x] == gen[x]);
    assert((g) > gen[x]);
    alive[x] = true;
    gen[x] = g;
    table[x] = of_table;
    image[x] = of_image;
    step[x] = first;
    birth_pid[x] = true;
    note_whole()
}

/* A connection is lost with the last process that holds it. That takes three deaths, worker and both keepers;
 * two where there are no more: in a new slot before its second keeper is there, and while a slot goes over to
 * another image, whose worker is not there. The protocol itself never does it. */
inline judge_loss()
{
    if
    :: held && !ANYBODY ->
        assert(felled >= 3 || (between && felled >= 2));
        held = false
    :: else
    fi
}

inline vanish(x)
{
    alive[x] = false;
    step[x] = BORN;
    table[x] = 0;
    judge_loss()
}

inline be_killed(x)
{
    felled++;
    vanish(x)
}

/* As it was told to. */
inline leave(x)
{
    vanish(x)
}

/* ---- a keeper (worker/keeper.c) ---- */

/* asked_of(), and board_was_made() */
#define IS_ASKED(l, to, to_gen, make, x) (to == l && to_gen == gen[l] && make != 0 && !WAS_MADE(x, make))
#define IS_ASKED_TWIN(l) IS_ASKED(l, twin_to, twin_to_gen, twin_make, OTHER(l))
#define IS_ASKED_SPAWN(l) IS_ASKED(l, spawn_to, spawn_to_gen, spawn_make, W)
#define IS_ASKED_EXEC(l)                                                                                     \
    (exec_to == l && exec_to_gen == gen[l] && exec_make != 0 && exec_make != image[l] && exec_failed[l] != exec_make)

/* obey_exec(), image_exec(): execve makes the table a copy, all else is as it was. */
inline obey_exec(l)
{
    if
    :: worth == REFUSED && exec_make == 2 -> exec_failed[l] = exec_make; step[l] = WAIT
    :: else ->
        image[l] = exec_make;
        tables++;
        table[l] = tables;
        step[l] = SAY_READY
    fi
}

inline look_on(l)
{
    if
    :: IS_ASKED_SPAWN(l) -> asked[l] = spawn_make; step[l] = NOTE_SPAWN
    :: else ->
        if
        :: IS_ASKED_EXEC(l) -> obey_exec(l)
        :: else -> step[l] = WAIT
        fi
    fi
}

/* What comes between two of these looks is seen in the next round: a signal is pending then. */
inline look(l)
{
    woken[l] = false;
    if
    :: leave_gen[l] >= gen[l] -> leave(l)
    :: else ->
        if
        :: IS_ASKED_TWIN(l) -> asked[l] = twin_make; step[l] = NOTE_TWIN
        :: else -> step[l] = LOOK_ON
        fi
    fi
}

/* process_clone(): pid 0 first, then the number. */
inline note(l, x, next)
{
    birth_pid[x] = false;
    birth_gen[x] = asked[l];
    step[l] = next
}

#define IS_BAD(kind, l) (worth == kind && image[l] == 2)

proctype Keeper(byte l)
{
    do
    :: atomic { alive[l] && step[l] == SAY_READY && !IS_BAD(MUTE, l) ->
        if
        :: IS_BAD(DIES, l) -> died_young = true; be_killed(l)
        :: else -> k_image_said[l] = image[l]; ready[l] = gen[l]; step[l] = LOOK
        fi }
    :: atomic { alive[l] && (step[l] == LOOK || (step[l] == WAIT && woken[l])) ->
        look(l);
        if
        :: alive[l] && step[l] == LOOK_ON -> look_on(l)
        :: else
        fi }
    :: atomic { alive[l] && step[l] == LOOK_ON -> look_on(l) }
    :: atomic { alive[l] && step[l] == NOTE_TWIN -> note(l, OTHER(l), CLONE_TWIN) }
    :: atomic { alive[l] && step[l] == NOTE_SPAWN -> note(l, W, CLONE_SPAWN) }
    :: atomic { alive[l] && step[l] == CLONE_TWIN ->
        be_born(OTHER(l), asked[l], table[l], image[l], SAY_READY); asked[l] = 0; step[l] = LOOK_ON }
    :: atomic { alive[l] && step[l] == CLONE_SPAWN ->
        be_born(W, asked[l], table[l], image[l], BORN); asked[l] = 0; step[l] = LOOK }
    od
}

/* ---- a worker (worker/worker.c) ---- */

/* While another table holds them, closing a connection here would end nothing. */
inline serve()
{
    assert(!alive[A] || table[A] == table[W]);
    assert(!alive[B] || table[B] == table[W]);
    ready[W] = gen[W];
    held = held || !order_leave;
    gated = false;
    step[W] = SERVE;
    note_whole()
}

inline pass_gate()
{
    if
    :: worth == CRASHES && image[W] == 2 -> crashed = true; be_killed(W)
    :: else -> serve()
    fi
}

proctype Worker()
{
    do
    :: atomic { alive[W] && step[W] == BORN ->
        crashed = false;
        gated = settings_gated && MUTANT != NO_GATE;
        step[W] = GATE }
    :: atomic { alive[W] && step[W] == GATE && (!gated || go_gen >= gen[W]) -> pass_gate() }
    :: atomic { alive[W] && step[W] == SERVE && handover_gen == gen[W] ->
        between = true; leave(W) }
    :: atomic { alive[W] && step[W] == SERVE && order_leave -> held = false; leave(W) }
    od
}

/* ---- the master (master/master.c): tells deaths, makes supervisors, becomes the new image ---- */

#define IS_UNTOLD(x) (!alive[x] && told[x] != gen[x])

inline supervisor_ended()
{
    if
    :: exec_image != 0 && exec_image != master_image && exec_image != exec_failed_image ->
        if
        :: worth == UNMASTERLY && exec_image == 2 -> exec_failed_image = exec_image
        :: else -> master_image = exec_image
        fi
    :: else
    fi;
    s_resumes = true;
    s_alive = true
}

proctype Master()
{
    do
    :: atomic { IS_UNTOLD(A) -> told[A] = gen[A] }
    :: atomic { IS_UNTOLD(B) -> told[B] = gen[B] }
    :: atomic { IS_UNTOLD(W) -> told[W] = gen[W] }
    :: atomic { !s_alive -> supervisor_ended() }
    od
}

#include "parts.pml"
#include "policy.pml"
#include "shell.pml"

/* ---- deaths from elsewhere ---- */

inline kill_supervisor()
{
    s_alive = false;
    todo = 0;
    s_resumes = false
}

proctype Fate()
{
    do
    :: atomic { deaths > 0 && alive[A] -> deaths--; be_killed(A) }
    :: atomic { deaths > 0 && alive[B] -> deaths--; be_killed(B) }
    :: atomic { deaths > 0 && alive[W] -> deaths--; be_killed(W) }
    :: atomic { deaths > 0 && s_alive -> deaths--; kill_supervisor() }
    :: break /* no more of it: then all must be well soon */
    od
}

/* ---- what must come ---- */

#define IS_WELL (WHOLE && m_phase == SERVING && m_gen == gen[W] && k_phase[A] == READY && k_phase[B] == READY && \
                 u_stage == U_NONE && m_image == u_image && image[W] == m_image && image[A] == m_image)

ltl progress { [] <> IS_WELL }

init
{
    atomic {
        run Keeper(A);
        run Keeper(B);
        run Worker();
        run Master();
        run Supervisor();
        run Fate()
    }
}
