/*
 * imagepost: how a checked program comes to the master, which alone lives as long as the service: a socket
 * pair made at the start (FD_IMAGE_OUT, FD_IMAGE_IN), one message a program, its descriptor with it
 * (unix(7), SCM_RIGHTS), and a signal, since the master waits for nothing else.
 */
#ifndef MASTER_IMAGEPOST_H
#define MASTER_IMAGEPOST_H

#include "worker/board.h"

#include <signal.h>

/* By which the master learns that there is something. */
#define IMAGEPOST_SIGNAL (SIGRTMIN + 1)

/* Makes the socket pair. Returns 0 or a negative errno. */
int imagepost_open(void);

/* Checker: sends a program to the master. Returns 0 or a negative errno. */
int imagepost_send(struct shared_pages *pages, int fd, uint32_t number, uint64_t build);

/* Master: keeps what was sent, in the place of an image that nobody runs. Nothing, when nothing was sent. */
void imagepost_receive(struct shared_pages *pages);

/* Master: keeps a copy of the program that runs, as image 1. Returns 0, or a negative errno after a sentence
 * in `why`: an upgrade could not be taken back then, so there will be none. */
int imagepost_keep_own(struct shared_pages *pages, char why[], size_t why_size);

#endif
