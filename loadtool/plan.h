/*
 * Who dies, and how: `--kill` as data.
 *
 * The names and definitions of the kill modes stand here, in one list; what each does stands in kills.c, in a
 * table over the same list. A plan gives every mode a share of all places; dealing turns it into victims.
 */
#ifndef LOADTOOL_PLAN_H
#define LOADTOOL_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the server sees of a death: a FIN after everything that it was owed, or an end amid something. */
enum plan_manner { PLAN_IN_ORDER, PLAN_ABRUPT };

/* How the server took a death, as far as a client can see: it ended the connection itself; it answered
 * everything; it did neither within the time-out; or nothing could come back that would tell, since the
 * client was gone at once. */
enum plan_took { TOOK_UNSEEN, TOOK_NOTICED, TOOK_ANSWERED, TOOK_TIMED_OUT, TOOK_COUNT };

/* id, name, part of the default mix, manner, definition. */
#define PLAN_MODES(X)                                                                                        \
    X(FIN, "fin", true, PLAN_IN_ORDER, "close after the last reply was read")                                \
    X(RST, "rst", true, PLAN_ABRUPT, "RST (SO_LINGER 0), a request outstanding")                             \
    X(UNREAD, "unread", true, PLAN_ABRUPT, "close with reply bytes unread")                                  \
    X(HALFCLOSE, "halfclose", true, PLAN_IN_ORDER, "shut writing, read every reply, expect FIN")             \
    X(KILL9, "kill9", true, PLAN_ABRUPT, "SIGKILL to the process that owns it")                              \
    X(SLOWREAD, "slowread", false, PLAN_IN_ORDER, "let replies pile up, then read them all")                 \
    X(OOB, "oob", false, PLAN_IN_ORDER, "urgent data in the stream, then halfclose")                         \
    X(RST_UNSPEC, "rst-unspec", false, PLAN_ABRUPT, "RST by connect(AF_UNSPEC), a request outstanding")      \
    X(HALFCLOSE_RST, "halfclose-rst", false, PLAN_ABRUPT, "shut writing, then RST before a reply is read")   \
    X(MIDCUT, "midcut", false, PLAN_ABRUPT, "RST when half of a message has been sent")                      \
    X(NOREAD, "noread", false, PLAN_ABRUPT, "send over 5 MB, read nothing, RST at the end")                  \
    X(TINYWIN, "tinywin", false, PLAN_IN_ORDER, "2 KB receive buffer, 64 KB of replies, then halfclose")     \
    X(DRIBBLE, "dribble", false, PLAN_IN_ORDER, "a message at one byte every 5 ms, then fin")                \
    X(MUTE, "mute", false, PLAN_IN_ORDER, "connect, say nothing, close after a life")                        \
    X(STORM, "storm", false, PLAN_ABRUPT, "RST of all at once, every second; all connect again at once")     \
    X(STOP, "stop", false, PLAN_ABRUPT, "stop its process for 500 ms, be answered after, SIGKILL")           \
    X(VANISH, "vanish", false, PLAN_ABRUPT, "gone without a packet (TCP_REPAIR); needs CAP_NET_ADMIN")

#define X(id, name, by_default, manner, definition) PLAN_##id,
enum plan_mode { PLAN_MODES(X) PLAN_MODE_COUNT };
#undef X

/* Shares in parts per 10,000 of all places, or rates. */
struct plan {
    bool is_chosen; /* the user named the modes: the verdict names each that was never done, victims or not */
    uint32_t share_per_10000[PLAN_MODE_COUNT];
    uint32_t rate_per_s[PLAN_MODE_COUNT]; /* kills per second, in place of a share */
};

const char *plan_mode_name(enum plan_mode mode);

/* PLAN_MODE_COUNT: none has that name. */
enum plan_mode plan_find_mode(const char *name, size_t length);

/* Writes the names of a set of modes (a bit each), as in "rst, storm", cut to `size`. Returns `words`. */
const char *plan_format_modes(char *words, size_t size, uint32_t set);
const char *plan_mode_definition(enum plan_mode mode);
bool plan_mode_by_default(enum plan_mode mode);
enum plan_manner plan_mode_manner(enum plan_mode mode);

/*
 * Parse "none", "10%" (dealt evenly over the default modes) or "MODE:SHARE,MODE:RATE/s". -EINVAL for other
 * words, for an unknown mode and for one that is named twice; -ERANGE when the shares exceed 100 %, or one is
 * above 0 and below 0.01 %, or a rate above LIMIT_KILL_RATE.
 */
int plan_parse(const char *word, struct plan *plan);

/* Was this mode asked for? */
bool plan_has(const struct plan *plan, enum plan_mode mode);

/* "unseen", "noticed", "answered", "timed_out". */
const char *plan_took_name(enum plan_took took);

/* The sum of the shares. */
uint32_t plan_share_per_10000(const struct plan *plan);

/*
 * Deal `clients` places: how many are victims, and how many of them belong to each mode (largest remainder).
 * With two clients or more a plan other than none has at least one victim, and at least one place stays in
 * the control group unless the plan takes all. A mode with a rate has as many places as it has kills a
 * second, so that each lives for a second. Returns the number of victims, which may exceed `clients` by rates
 * alone.
 *
 * Where there are fewer victims than modes, by_mode is not meant to be used: let every place go through the
 * modes in turn, see plan_mode_in_turn.
 */
uint32_t plan_deal(const struct plan *plan, uint32_t clients, uint32_t by_mode[PLAN_MODE_COUNT]);

/* The number of modes with a share. */
uint32_t plan_mode_count(const struct plan *plan);

/* The n-th mode, counting round and round over the modes with a share. Only for plans that have one. */
enum plan_mode plan_mode_in_turn(const struct plan *plan, uint64_t n);

#endif
