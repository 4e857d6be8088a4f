/*
 * command: what each request at the control socket means to the supervisor: a question about it, or an
 * operation.
 *
 * Nothing here waits; an operation is begun by request.h and its outcome told when it has one. Supervisor
 * only.
 */
#ifndef MASTER_COMMAND_H
#define MASTER_COMMAND_H

#include "master/control.h"

struct reactor;

struct control_calls command_calls(struct reactor *r);

#endif
