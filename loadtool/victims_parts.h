/* What the two files of victims.h share, and nobody else. */
#ifndef LOADTOOL_VICTIMS_PARTS_H
#define LOADTOOL_VICTIMS_PARTS_H

#include "loadtool/victims.h"

/* The victim has no connection any more. */
void victims_leave(struct victim *victim);

/* A life in a child process begins. */
void victims_start_child(struct victim *victim);

/* A tick has passed: kill the child, if its time is over and its connections serve, or never will. */
void victims_step_child(struct victim *victim, uint64_t now_ns);

#endif
