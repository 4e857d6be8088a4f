/* All that there is: processes, the board, what the supervisor remembers. */

/* ---- what is: processes and what they hold ---- */

#define BORN 0
#define SAY_READY 1 /* keepers: a new one, or one that has become another image */
#define LOOK 2
#define NOTE_TWIN 3
#define CLONE_TWIN 4
#define LOOK_ON 5
#define NOTE_SPAWN 6
#define CLONE_SPAWN 7
#define WAIT 8
#define GATE 9 /* workers */
#define SERVE 10

bool alive[3];
byte gen[3], table[3], image[3], step[3]; /* of the process that lives, or died last */
byte asked[2];                            /* what a keeper is making */
bool woken[2];                            /* a signal is pending */
bool gated;                               /* the worker waits at the gate */
bool died_young;                          /* a keeper, of its new image */
bool crashed;                       /* the worker ended by itself, for its image is no good */
byte tables;                              /* the last number of a table */
bool held;                                /* clients hold connections of the slot */
byte felled;  /* processes of the slot that were killed since all was whole */
bool between; /* a worker has left for the next image's, or the slot is new; and all is not whole yet */

/* ---- the board (worker/board.h) ---- */

byte birth_gen[3], told[3]; /* birth cells, death cells */
bool birth_pid[3];          /* not 0 */
byte ready[3], k_image_said[2], exec_failed[2];
byte spawn_to, spawn_to_gen, spawn_make; /* order_spawn, order_twin, order_exec */
byte twin_to, twin_to_gen, twin_make;
byte exec_to, exec_to_gen, exec_make;
byte leave_gen[2], go_gen, handover_gen, death_taken;
bool order_leave, settings_gated;
byte master_image = 1, exec_image, exec_failed_image;

/* ---- what the supervisor remembers (struct slot_memory, struct upgrade_memory) ---- */

#define UNUSED 0
#define KEEPING 1
#define STARTING 2
#define SERVING 3
#define SWAPPING 4
#define LEAVING 5
#define RETRYING 6

#define NONE 0
#define K_STARTING 1
#define READY 2
#define K_LEAVING 3
#define EXECING 4

#define U_NONE 0
#define U_SLOTS 1
#define U_MASTER 2
#define U_BACK 3

byte m_phase, m_gen, m_spawner, m_image, m_tries;
bool m_made, m_kill, m_handing, m_proven, m_gated, m_swap;
byte k_phase[2], k_gen[2], k_image[2], k_asked[2];
bool k_killed[2];
byte u_stage, u_image = 1, u_target = 1;

/* ---- the supervisor as a process: what it has decided and not yet done ---- */

#define TODO_KEEPER 1
#define TODO_TWIN 2
#define TODO_EXEC_A 4
#define TODO_EXEC_B 8
#define TODO_LEAVE_A 16
#define TODO_LEAVE_B 32
#define TODO_KILL_A 64
#define TODO_KILL_B 128
#define TODO_SPAWN 256
#define TODO_GO 512
#define TODO_KILL 1024
#define TODO_HANDOVER 2048
#define TODO_ORDER_LEAVE 4096
#define TODO_MASTER 8192

#define DOES(what) (todo & (what))

bool s_alive = true, s_resumes;
short todo;

/* ---- chance ---- */

byte deaths = DEATHS, doubts = DOUBTS;
bool asked_for; /* the upgrade */
byte worth = IMAGE;
