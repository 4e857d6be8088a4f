/* The shell around the policy: what was decided is done, and what happened is seen (master/act.c, look.c). */

/* ---- what was decided is done, one thing at a time (act.c) ---- */

inline wake(l, g)
{
    if
    :: LIVING(l, g) -> woken[l] = true
    :: else
    fi
}

inline kill_if_living(x, g)
{
    if
    :: LIVING(x, g) && alive[x] -> be_killed(x)
    :: else
    fi
}

#define NEW_TWIN (k_phase[A] == K_STARTING -> A : B)

/* In two steps, as the supervisor itself clones: noted first. */
inline make_first_keeper()
{
    if
    :: WAS_MADE(A, k_gen[A]) -> todo = todo & ~TODO_KEEPER
    :: !WAS_MADE(A, k_gen[A]) && birth_gen[A] != k_gen[A] -> birth_pid[A] = false; birth_gen[A] = k_gen[A]
    :: else ->
        assert(!ANYBODY); /* a second table beside one that lives */
        tables++;
        between = true;
        be_born(A, k_gen[A], tables, master_image, SAY_READY);
        todo = todo & ~TODO_KEEPER
    fi
}

inline order_spawn()
{
    settings_gated = m_gated;
    order_leave = false;
    spawn_to = m_spawner;
    spawn_to_gen = k_gen[m_spawner];
    spawn_make = m_gen;
    wake(m_spawner, k_gen[m_spawner])
}

inline order_twin()
{
    twin_to = OTHER(NEW_TWIN);
    twin_to_gen = k_gen[OTHER(NEW_TWIN)];
    twin_make = k_gen[NEW_TWIN];
    wake(OTHER(NEW_TWIN), k_gen[OTHER(NEW_TWIN)])
}

inline order_exec(l)
{
    if
    :: !(exec_to == l && exec_to_gen == k_gen[l] && exec_make == k_asked[l]) -> exec_failed[l] = 0
    :: else
    fi;
    exec_to = l;
    exec_to_gen = k_gen[l];
    exec_make = k_asked[l];
    wake(l, k_gen[l])
}

inline order_to_leave(l)
{
    leave_gen[l] = k_gen[l];
    wake(l, k_gen[l])
}

/* The master goes on from where the supervisor has ended. */
inline act_at_last()
{
    if
    :: DOES(TODO_HANDOVER) -> handover_gen = m_gen; todo = todo & ~TODO_HANDOVER
    :: else ->
        if
        :: DOES(TODO_ORDER_LEAVE) -> order_leave = true; todo = todo & ~TODO_ORDER_LEAVE
        :: else -> exec_image = u_target; todo = 0; s_alive = false
        fi
    fi
}

inline act_on_worker()
{
    if
    :: DOES(TODO_SPAWN) -> order_spawn(); todo = todo & ~TODO_SPAWN
    :: else ->
        if
        :: DOES(TODO_GO) -> go_gen = m_gen; todo = todo & ~TODO_GO
        :: else ->
            if
            :: DOES(TODO_KILL) -> kill_if_living(W, m_gen); todo = todo & ~TODO_KILL
            :: else -> act_at_last()
            fi
        fi
    fi
}

inline act_more()
{
    if
    :: DOES(TODO_LEAVE_A) -> order_to_leave(A); todo = todo & ~TODO_LEAVE_A
    :: !DOES(TODO_LEAVE_A) && DOES(TODO_LEAVE_B) -> order_to_leave(B); todo = todo & ~TODO_LEAVE_B
    :: else ->
        if
        :: DOES(TODO_KILL_A) -> kill_if_living(A, k_gen[A]); todo = todo & ~TODO_KILL_A
        :: !DOES(TODO_KILL_A) && DOES(TODO_KILL_B) -> kill_if_living(B, k_gen[B]); todo = todo & ~TODO_KILL_B
        :: else -> act_on_worker()
        fi
    fi
}

inline act()
{
    if
    :: DOES(TODO_KEEPER) -> make_first_keeper()
    :: else ->
        if
        :: DOES(TODO_TWIN) -> order_twin(); todo = todo & ~TODO_TWIN
        :: else ->
            if
            :: DOES(TODO_EXEC_A) -> order_exec(A); todo = todo & ~TODO_EXEC_A
            :: !DOES(TODO_EXEC_A) && DOES(TODO_EXEC_B) -> order_exec(B); todo = todo & ~TODO_EXEC_B
            :: else -> act_more()
            fi
        fi
    fi
}

/* ---- what may have happened (look.c) ---- */

#define IS_READY(l)                                                                                          \
    ((k_phase[l] == K_STARTING && ready[l] == k_gen[l]) ||                                                   \
     (k_phase[l] == EXECING && k_image_said[l] == k_asked[l] && ready[l] == k_gen[l]))
#define IS_DEAD(l) (k_phase[l] != NONE && told[l] == k_gen[l])
#define HAS_FAILED(l) (k_phase[l] == EXECING && exec_failed[l] == k_asked[l])
#define W_IS_MADE (m_phase == STARTING && !m_made && WAS_MADE(W, m_gen))
#define W_IS_READY (m_phase == STARTING && ready[W] == m_gen)
#define W_IS_DEAD (SLOT_LIVES && told[W] == m_gen)
#define NOTHING_NEW                                                                                          \
    (!(IS_READY(A) || IS_READY(B) || IS_DEAD(A) || IS_DEAD(B) || HAS_FAILED(A) || HAS_FAILED(B) ||           \
       W_IS_MADE || W_IS_READY || W_IS_DEAD))

/* All that happened may come to its eyes in any order, and after any tick. Where it matters that it comes at
 * all, a tick comes when all is seen. */
#ifdef ORDERLY
#define MAY_TICK NOTHING_NEW
#else
#define MAY_TICK true
#endif

/* An order that stands, and a kill of nobody: to do these again does nothing here, where no signal is lost. */
#define STANDS_SPAWN                                                                                         \
    (spawn_to == m_spawner && spawn_to_gen == k_gen[m_spawner] && spawn_make == m_gen &&                     \
     settings_gated == m_gated && !order_leave)
#define STANDS_TWIN                                                                                          \
    (twin_to == OTHER(NEW_TWIN) && twin_to_gen == k_gen[OTHER(NEW_TWIN)] && twin_make == k_gen[NEW_TWIN])
#define STANDS_EXEC(l) (exec_to == l && exec_to_gen == k_gen[l] && exec_make == k_asked[l])

inline drop_if(what, is_vain)
{
    if
    :: DOES(what) && (is_vain) -> todo = todo & ~(what)
    :: else
    fi
}

inline drop_vain()
{
    drop_if(TODO_KEEPER, WAS_MADE(A, k_gen[A]));
    drop_if(TODO_TWIN, STANDS_TWIN);
    drop_if(TODO_EXEC_A, STANDS_EXEC(A));
    drop_if(TODO_EXEC_B, STANDS_EXEC(B));
    drop_if(TODO_LEAVE_A, leave_gen[A] == k_gen[A]);
    drop_if(TODO_LEAVE_B, leave_gen[B] == k_gen[B]);
    drop_if(TODO_KILL_A, !LIVING(A, k_gen[A]) || !alive[A]);
    drop_if(TODO_KILL_B, !LIVING(B, k_gen[B]) || !alive[B]);
    drop_if(TODO_SPAWN, STANDS_SPAWN);
    drop_if(TODO_GO, go_gen == m_gen);
    drop_if(TODO_KILL, !LIVING(W, m_gen) || !alive[W]);
    drop_if(TODO_HANDOVER, handover_gen == m_gen);
    drop_if(TODO_ORDER_LEAVE, order_leave)
}

inline choose_image()
{
    if
    :: IMAGE != ANY
    :: IMAGE == ANY -> worth = GOOD
    :: IMAGE == ANY -> worth = DIES
    :: IMAGE == ANY -> worth = MUTE
    :: IMAGE == ANY -> worth = CRASHES
    :: IMAGE == ANY -> worth = REFUSED
    :: IMAGE == ANY -> worth = UNMASTERLY
    fi
}

inline see_something()
{
    if
    :: IS_READY(A) || IS_READY(B) ->
        l = (IS_READY(A) -> A : B);
        slot_keeper_ready(l)
    :: IS_DEAD(A) || IS_DEAD(B) ->
        if
        :: IS_DEAD(A) -> l = A
        :: IS_DEAD(B) -> l = B
        fi;
        slot_keeper_died(l)
    :: HAS_FAILED(A) || HAS_FAILED(B) ->
        l = (HAS_FAILED(A) -> A : B);
        slot_exec_failed(l)
    :: W_IS_MADE -> m_made = true; TO_DO(DO_GATE)
    :: W_IS_READY -> m_phase = SERVING; m_made = true; m_gated = false
    :: W_IS_DEAD -> slot_worker_died()
    :: MAY_TICK -> slot_tick(); upgrade_image()
    :: MAY_TICK && IMAGE != NO_UPGRADE && !asked_for && u_stage == U_NONE ->
        asked_for = true; u_stage = U_SLOTS; u_target = 2; m_tries = 0;
        choose_image()
    fi
}

/* What was decided is stored with the decision (feed.c): a death comes before both or after both. */
proctype Supervisor()
{
    bool was_execing, why, hurries;
    byte l, follows;

    do
    :: atomic { s_alive && todo != 0 -> act() }
    :: atomic { s_alive && todo == 0 ->
        if
        :: s_resumes -> s_resumes = false; slot_resume()
        :: else -> see_something()
        fi;
        after_event();
        drop_vain();
        was_execing = false;
        why = false;
        hurries = false;
        l = 0;
        follows = 0 }
    od
}
