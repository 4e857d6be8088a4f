/* A slot's keepers, worker, and way to another image (master/slot*.c): what the events of policy.pml are made of. */

#define SLOT_LIVES (m_phase == STARTING || m_phase == SERVING || m_phase == LEAVING)
#define KEEPERS_GONE (k_phase[A] == NONE && k_phase[B] == NONE)
#define KEEPERS_READY (k_phase[A] == READY && k_phase[B] == READY)
#define READY_WITH(l, i) (k_phase[l] == READY && k_image[l] == (i))
#define ANY_READY_WITH(i) (READY_WITH(A, i) || READY_WITH(B, i))
#define IS_STRANGER(l)                                                                                       \
    (k_phase[l] == EXECING || (k_phase[l] != NONE && k_phase[l] != K_STARTING && k_image[l] != m_image))
#define HAS_STRANGER (IS_STRANGER(A) || IS_STRANGER(B))
#define IS_OUTDATED (m_image != u_target && m_tries < TRIES_MAX)

#define EXEC_OF(l) ((l) == A -> TODO_EXEC_A : TODO_EXEC_B)
#define LEAVE_OF(l) ((l) == A -> TODO_LEAVE_A : TODO_LEAVE_B)
#define KILL_OF(l) ((l) == A -> TODO_KILL_A : TODO_KILL_B)

/* What an event leads to is done once, at its end, in this order: Spin writes every inline out in full. */
#define DO_BEGIN 1
#define DO_GO_ON 2
#define DO_SPAWN 4
#define DO_EMIT 8
#define DO_GATE 16
#define DO_TWIN 32
#define TO_DO(what) follows = follows | (what)

/* ---- keepers (slot_keepers.c) ---- */

inline set_keeper(l, phase)
{
    k_phase[l] = phase;
    k_killed[l] = false
}

/* What is forgotten makes fewer states, and nobody looks at it again. */
inline forget_keeper(l)
{
    set_keeper(l, NONE);
    k_image[l] = 0;
    k_asked[l] = 0
}

inline keeper_kill(l)
{
    k_killed[l] = true;
    todo = todo | KILL_OF(l)
}

inline keeper_leave(l)
{
    if
    :: k_phase[l] == EXECING -> k_image[l] = k_asked[l]
    :: else
    fi;
    set_keeper(l, K_LEAVING);
    todo = todo | LEAVE_OF(l)
}

inline keeper_exec(l)
{
    set_keeper(l, EXECING);
    k_asked[l] = u_target;
    todo = todo | EXEC_OF(l)
}

inline keepers_leave()
{
    if
    :: k_phase[A] != NONE -> keeper_leave(A)
    :: else
    fi;
    if
    :: k_phase[B] != NONE -> keeper_leave(B)
    :: else
    fi
}

inline want_twin(l)
{
    if
    :: k_phase[l] == NONE && k_phase[OTHER(l)] == READY && !(MUTANT == NO_TWIN && k_gen[l] > 0) ->
        k_gen[l]++;
        k_image[l] = k_image[OTHER(l)];
        set_keeper(l, K_STARTING);
        todo = todo | TODO_TWIN
    :: else
    fi
}

inline keepers_want_twin()
{
    if
    :: m_phase == STARTING || m_phase == SERVING || m_phase == SWAPPING -> want_twin(A); want_twin(B)
    :: else
    fi
}

/* ---- the worker (slot_worker.c) ---- */

inline emit_by_keeper()
{
    if
    :: k_phase[m_spawner] != READY -> m_spawner = OTHER(m_spawner)
    :: else
    fi;
    if
    :: k_phase[m_spawner] == READY ->
        m_image = k_image[m_spawner];
        m_gated = m_gated || HAS_STRANGER;
        todo = todo | TODO_SPAWN
    :: else
    fi
}

inline slot_spawn_now()
{
    m_phase = STARTING;
    m_gen++;
    m_made = false;
    m_proven = false;
    m_gated = false;
    m_image = u_target;
    if
    :: READY_WITH(A, u_target) -> m_spawner = A
    :: !READY_WITH(A, u_target) && READY_WITH(B, u_target) -> m_spawner = B
    :: else
    fi;
    TO_DO(DO_EMIT)
}

inline gate(l)
{
    if
    :: IS_STRANGER(l) && k_phase[l] == READY -> keeper_leave(l)
    :: k_phase[l] == EXECING -> keeper_kill(l)
    :: else
    fi
}

inline gate_go_on()
{
    if
    :: m_gated && m_made ->
        gate(A);
        gate(B);
        if
        :: !HAS_STRANGER -> todo = todo | TODO_GO
        :: else
        fi
    :: else
    fi
}

/* ---- the swap (slot_swap.c) ---- */

/* `hurries`: the slot has been without a worker for too long. (slot_swap_abort() is DO_SPAWN without m_swap.) */
inline swap_go_on()
{
    if
    :: k_phase[A] == EXECING || k_phase[B] == EXECING
    :: else ->
        if
        :: ANY_READY_WITH(u_target) || hurries || m_tries >= TRIES_MAX -> m_swap = false; TO_DO(DO_SPAWN)
        :: else ->
            if
            :: KEEPERS_READY -> keeper_exec(A)
            :: else -> TO_DO(DO_TWIN)
            fi
        fi
    fi
}

/* LEAVES_TOO_SOON: the gate's business, done before anybody stands there. */
inline let_old_twin_go()
{
    if
    :: MUTANT == LEAVES_TOO_SOON && m_phase == SWAPPING && READY_WITH(A, u_target) && k_phase[B] == READY &&
       k_image[B] != u_target ->
        keeper_leave(B)
    :: else
    fi
}

inline slot_spawn()
{
    m_kill = false;
    m_handing = false;
    if
    :: m_swap && (k_phase[A] == READY || k_phase[B] == READY) && !ANY_READY_WITH(u_target) ->
        m_phase = SWAPPING;
        TO_DO(DO_GO_ON)
    :: else ->
        m_swap = false;
        TO_DO(DO_SPAWN)
    fi
}

inline call_off()
{
    if
    :: u_stage == U_SLOTS -> u_stage = U_BACK; u_target = u_image; m_tries = 0
    :: else
    fi
}

/* ---- begin and end (slot.c) ---- */

inline slot_begin()
{
    m_phase = KEEPING;
    m_spawner = A;
    assert(KEEPERS_GONE);
    k_gen[A]++;
    k_image[A] = u_image;
    set_keeper(A, K_STARTING);
    todo = todo | TODO_KEEPER
}

inline slot_vacate()
{
    m_phase = UNUSED;
    m_handing = false;
    m_swap = false;
    keepers_leave()
}

inline slot_unprotected()
{
    m_phase = LEAVING;
    m_handing = false;
    m_swap = false;
    TO_DO(DO_GATE);
    todo = todo | TODO_ORDER_LEAVE
}
