/* What the policy decides at each event, and with time (master/supervisor.c, slot*.c, upgrade.c, rolling.c). */

/* ---- events ---- */

inline slot_keeper_ready(l)
{
    k_image[l] = k_image_said[l];
    set_keeper(l, READY);
    if
    :: m_phase == KEEPING -> slot_spawn()
    :: m_phase == SWAPPING -> let_old_twin_go(); TO_DO(DO_GO_ON)
    :: m_phase == STARTING && !m_made -> TO_DO(DO_EMIT)
    :: else
    fi;
    TO_DO(DO_TWIN)
}

/* `why`: it was killed for its silence, or died of itself; else somebody killed it. */
inline swap_keeper_died(why)
{
    m_tries++;
    if
    :: (why) || m_tries >= TRIES_MAX -> call_off()
    :: else
    fi
}

inline slot_keeper_died(l)
{
    was_execing = k_phase[l] == EXECING;
    why = k_killed[l] || (was_execing && died_young);
    died_young = false;
    m_made = m_made || WAS_MADE(W, m_gen);
    forget_keeper(l);
    if
    :: !WAS_MADE(OTHER(l), k_gen[OTHER(l)]) -> forget_keeper(OTHER(l))
    :: else
    fi;
    if
    :: m_phase == KEEPING -> m_phase = RETRYING
    :: m_phase == STARTING || m_phase == SERVING || m_phase == SWAPPING ->
        if
        :: was_execing && m_phase == SWAPPING -> swap_keeper_died(why)
        :: else
        fi;
        if
        :: KEEPERS_GONE && m_made && m_phase != SWAPPING -> slot_unprotected()
        :: KEEPERS_GONE && !(m_made && m_phase != SWAPPING) -> TO_DO(DO_BEGIN) /* slot_table_lost() */
        :: !KEEPERS_GONE && m_phase == SWAPPING -> TO_DO(DO_GO_ON)
        :: !KEEPERS_GONE && m_phase == STARTING && !m_made -> TO_DO(DO_EMIT)
        :: else -> TO_DO(DO_GATE)
        fi;
        TO_DO(DO_TWIN)
    :: else
    fi
}

inline slot_exec_failed(l)
{
    k_phase[l] = READY;
    m_tries++;
    call_off();
    if
    :: m_phase == SWAPPING -> TO_DO(DO_GO_ON)
    :: else
    fi
}

/* The first thing that a new image does is to die: it is no good. */
inline judge_image()
{
    if
    :: crashed && !m_proven && m_image != u_image -> call_off(); m_swap = m_image != u_target
    :: else
    fi
}

inline slot_worker_died()
{
    judge_image();
    if
    :: m_phase == LEAVING -> slot_vacate()
    :: m_phase != LEAVING && KEEPERS_GONE -> TO_DO(DO_BEGIN) /* slot_table_lost() */
    :: else -> slot_spawn()
    fi
}

/* ---- after every event (supervisor_step) ---- */

inline renew_next()
{
    if
    :: m_phase == SERVING && !m_handing && IS_OUTDATED && KEEPERS_READY &&
       !(m_image == u_target && u_target != u_image && !m_proven) ->
        m_swap = m_image != u_target;
        m_handing = true;
        todo = todo | TODO_HANDOVER
    :: else
    fi
}

inline upgrade_look()
{
    if
    :: u_stage == U_SLOTS && m_phase == SERVING && m_image == u_target && m_proven ->
        u_stage = U_MASTER;
        todo = todo | TODO_MASTER
    :: u_stage == U_BACK && (m_phase == UNUSED || m_phase == LEAVING ||
                             (m_phase != SWAPPING && m_phase != STARTING && !IS_OUTDATED)) ->
        u_stage = U_NONE
    :: else
    fi
}

#define FOLLOWS(what) (follows & (what))

inline what_follows()
{
    if
    :: FOLLOWS(DO_GO_ON) -> swap_go_on()
    :: else
    fi;
    if
    :: FOLLOWS(DO_SPAWN) -> slot_spawn_now()
    :: else
    fi;
    if
    :: FOLLOWS(DO_EMIT) -> emit_by_keeper()
    :: else
    fi;
    if
    :: FOLLOWS(DO_BEGIN) || (m_phase == UNUSED && KEEPERS_GONE) -> m_proven = false; slot_begin()
    :: !FOLLOWS(DO_BEGIN) && FOLLOWS(DO_GATE) -> gate_go_on()
    :: else
    fi;
    if
    :: FOLLOWS(DO_TWIN) -> keepers_want_twin()
    :: else
    fi
}

/* supervisor_step(): rolling_step() and upgrade_look() come after every event. */
inline after_event()
{
    what_follows();
    renew_next();
    upgrade_look()
}

/* SUPERVISOR_IMAGE: what master and supervisor are. */
inline upgrade_image()
{
    if
    :: u_stage == U_NONE -> u_image = master_image; u_target = master_image
    :: u_stage == U_MASTER && master_image == u_target -> u_image = u_target; u_stage = U_NONE
    :: u_stage == U_MASTER && master_image != u_target && exec_failed_image == u_target ->
        u_stage = U_BACK; u_target = u_image; m_tries = 0
    :: u_stage == U_MASTER && master_image != u_target && exec_failed_image != u_target ->
        todo = todo | TODO_MASTER
    :: else
    fi
}

/* ---- time (slot_tick), and a new supervisor (slot_resume) ---- */

inline keepers_remind(l)
{
    if
    :: k_phase[l] == K_STARTING && m_phase == KEEPING -> todo = todo | TODO_KEEPER
    :: k_phase[l] == K_STARTING && m_phase != KEEPING && k_phase[OTHER(l)] == READY -> todo = todo | TODO_TWIN
    :: k_phase[l] == EXECING -> todo = todo | EXEC_OF(l)
    :: k_phase[l] == K_LEAVING -> todo = todo | LEAVE_OF(l)
    :: else
    fi
}

/* Only a process that will never obey by itself is waited for in vain; all else is a doubt too many. */
#define MAY_DOUBT (doubts > 0)

inline keepers_lose_patience(l)
{
    if
    :: k_phase[l] != NONE && k_phase[l] != READY && (IS_BAD(MUTE, l) || MAY_DOUBT) &&
       (k_phase[l] != K_STARTING || k_phase[OTHER(l)] == READY || m_phase == KEEPING) ->
        if
        :: IS_BAD(MUTE, l) -> keeper_kill(l)
        :: MAY_DOUBT -> doubts--; keeper_kill(l)
        :: !IS_BAD(MUTE, l)
        fi
    :: else
    fi
}

inline remind_worker()
{
    if
    :: m_made && MAY_DOUBT && !m_kill -> doubts--; m_kill = true /* KILL_STUCK */
    :: !m_made && MAY_DOUBT && k_phase[OTHER(m_spawner)] == READY ->
        doubts--;
        if
        :: MUTANT == TWO_ADDRESSES -> m_spawner = OTHER(m_spawner); TO_DO(DO_EMIT)
        :: else -> keeper_kill(m_spawner)
        fi
    :: !m_made -> TO_DO(DO_EMIT)
    :: m_made
    fi
}

inline remind_of_handover()
{
    if
    :: MAY_DOUBT && !m_kill -> doubts--; m_kill = true /* KILL_RENEW */
    :: todo = todo | TODO_HANDOVER
    fi
}

inline claim_hang()
{
    if
    :: MAY_DOUBT && !m_kill && (m_phase == LEAVING ||
                                (m_phase == SERVING && (k_phase[A] == READY || k_phase[B] == READY))) ->
        doubts--;
        m_kill = true
    :: true
    fi
}

inline slot_tick()
{
    keepers_remind(A);
    keepers_remind(B);
    keepers_lose_patience(A);
    keepers_lose_patience(B);
    if
    :: m_phase == STARTING -> remind_worker()
    :: else
    fi;
    if
    :: SLOT_LIVES -> TO_DO(DO_GATE)
    :: m_phase == SWAPPING && MAY_DOUBT -> doubts--; hurries = true; TO_DO(DO_GO_ON)
    :: m_phase == SWAPPING -> TO_DO(DO_GO_ON)
    :: m_phase == RETRYING && KEEPERS_GONE -> TO_DO(DO_BEGIN)
    :: else
    fi;
    if
    :: m_handing -> remind_of_handover()
    :: else
    fi;
    if
    :: m_phase == SERVING -> m_proven = true
    :: else
    fi;
    TO_DO(DO_TWIN);
    claim_hang();
    if
    :: SLOT_LIVES && m_kill -> todo = todo | TODO_KILL
    :: else
    fi
}

inline slot_resume()
{
    keepers_remind(A);
    keepers_remind(B);
    if
    :: m_phase == STARTING && !m_made -> TO_DO(DO_EMIT)
    :: else
    fi;
    if
    :: SLOT_LIVES -> TO_DO(DO_GATE)
    :: m_phase == SWAPPING -> TO_DO(DO_GO_ON)
    :: else
    fi;
    if
    :: m_handing -> todo = todo | TODO_HANDOVER
    :: else
    fi;
    if
    :: SLOT_LIVES && m_phase == LEAVING -> todo = todo | TODO_ORDER_LEAVE
    :: else
    fi;
    if
    :: SLOT_LIVES && m_kill -> todo = todo | TODO_KILL
    :: else
    fi
}
