/* What the files of kills.h share: kills.c has the table and the modes of a moment, kills_slow.c those that
 * take their time. */
#ifndef LOADTOOL_KILLS_PARTS_H
#define LOADTOOL_KILLS_PARTS_H

#include "loadtool/kills.h"

/* -- how a death ends -- */

/* It was done: the victim closes. */
void kills_done(struct victim *victim, enum plan_took took);
void kills_answered_all(struct victim *victim);

/* The proof could not be had: what was meant did not happen. */
void kills_not_done(struct victim *victim);

/* RST, if there is something to reset; else the server was first. */
void kills_reset(struct victim *victim);

/* Close in order, once nothing is outstanding. */
void kills_close_if_idle(struct victim *victim);

/* -- hooks of the modes in kills_slow.c -- */

void kills_pile_up(struct victim *victim);
void kills_pile_up_or_read(struct victim *victim);
void kills_read_when_piled(struct victim *victim);
void kills_pause_after_reply(struct victim *victim);
void kills_send_much(struct victim *victim);
void kills_reset_when_felt(struct victim *victim);
int kills_shrink_buffer(struct client *client, int fd);
void kills_ask_much_and_shut(struct victim *victim);
void kills_finish_if_tiny(struct victim *victim);
void kills_dribble_if_idle(struct victim *victim);
void kills_dribble_on(struct victim *victim);

#endif
