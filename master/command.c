#include "master/command.h"
#include "master/faults.h"
#include "master/reactor_state.h"
#include "master/request.h"
#include "master/status.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { COMMAND_DONE = 0, COMMAND_FAILED = 1, COMMAND_USAGE = 64 };

/* Takes the JSON. Memory that is missing fails this answer alone. */
static void answer_json(struct control_client *client, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(json);
    if (text)
        control_say(client, "json %s", text);
    control_end(client, text ? COMMAND_DONE : COMMAND_FAILED,
                text ? "" : "the server has no memory for the answer");
    free(text);
}

/* A stop that was asked for twice is not meant to be rough: that is `stop now`. */
static void stop(struct reactor *r, struct control_client *client, bool now)
{
    control_wait_end(client);
    if (now)
        feed(r, &(struct supervisor_event){.kind = SUPERVISOR_STOP_NOW});
    else if (r->state.stage == STAGE_RUNNING)
        request_stop(r);
}

static void set_level(struct control_client *client, enum log_level level)
{
    char text[64];
    log_set_level(level);
    snprintf(text, sizeof text, "the level is %s until a reload changes it", log_level_name(level));
    control_end(client, COMMAND_DONE, text);
}

static void order_faults(struct reactor *r, struct control_client *client, const char *spec)
{
    char why[FAULT_WHY_SIZE];
    int error = faults_order(r->pages, spec, why);
    if (error)
        control_end(client, error == -EINVAL ? COMMAND_USAGE : COMMAND_FAILED, why);
    else
        control_end(client, COMMAND_DONE, "");
}

static void answer(void *context, struct control_client *client, const struct control_request *request)
{
    struct reactor *r = context;
    switch (request->verb) {
    case CONTROL_STATUS:
        answer_json(client, status_json(r));
        break;
    case CONTROL_INCIDENTS:
        answer_json(client, status_incidents_json(incident_ring_of(r->pages)));
        break;
    case CONTROL_RELOAD:
        control_wait_operation(client, request_reload(r));
        break;
    case CONTROL_SCALE:
        control_wait_operation(client, request_scale(r, request->number));
        break;
    case CONTROL_UPGRADE:
        control_wait_operation(client, request_upgrade(r, request->path));
        break;
    case CONTROL_DRAIN:
        control_wait_operation(client, request_drain(r, !request->has_word));
        break;
    case CONTROL_RESTART:
        control_wait_operation(client, request_restart(r, request->number));
        break;
    case CONTROL_STOP:
        stop(r, client, request->has_word);
        break;
    case CONTROL_LOG:
        set_level(client, (enum log_level)request->number);
        break;
    case CONTROL_FAULT:
        order_faults(r, client, request->text);
        break;
    case CONTROL_WAIT:
        control_wait_operation(client, request->number);
        break;
    }
}

static const struct operation *find(void *context, uint32_t number)
{
    struct reactor *r = context;
    return operation_find(&r->state.operations, number);
}

struct control_calls command_calls(struct reactor *r)
{
    return (struct control_calls){.answer = answer, .find = find, .context = r};
}
