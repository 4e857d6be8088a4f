/*
 * The worker's event loop: epoll tells which descriptor has something, a number says whose it is.
 *
 * One turn: events, then the ready list, then whatever is due. The epoll set holds numbers only, never
 * pointers, so that a successor can read what a dead worker registered.
 */
#ifndef WORKER_LOOP_H
#define WORKER_LOOP_H

struct worker;

/* Registers the server's own descriptors. Returns 0 or a negative errno. */
int loop_init(struct worker *w);

/* One turn for connections alone, without waiting, and an answer to a ping: between two slices of recover.h. Whatever else
 * has happened is reported again. */
void loop_answer(struct worker *w);

/* Serves until the worker is told to leave and its last connection has ended. */
void loop_run(struct worker *w);

#endif
