/* The subcommand `fault`: orders a trial of faults, ends it, or lists what can be struck and what was. */
#include "master/ctl.h"
#include "master/ctl_status.h"
#include "worker/fault_plan.h"
#include <stdio.h>
#include <string.h>

static void print_calls(FILE *out)
{
    fputs("\ncalls that can be struck\n", out);
    for (int i = 0; i < FAULT_CALL_COUNT; i++) {
        const struct fault_description *call = &fault_descriptions[i];
        fprintf(out, "  %-12s%s\n              by", call->name, call->sentence);
        for (int process = 0; process < FAULT_PROCESS_COUNT; process++)
            if (call->makers & 1u << process)
                fprintf(out, " %s", fault_process_names[process]);
        fprintf(out, "%s\n", call->traits & FAULT_SIZED ? "; may be short" : "");
    }
    fputs("  recv        fetch, peek, take and discard\n", out);
}

static int list(const struct ctl_options *options)
{
    struct ctl_session session;
    json_t *status = NULL;
    int code = ctl_find(&session, options);
    if (code != EXIT_DONE)
        return code;
    code = ctl_session_ask_json(&session, "status", &status);
    ctl_session_close(&session);
    if (code != EXIT_DONE)
        return code;
    const json_t *faults = json_object_get(status, "faults");
    if (!json_is_object(faults))
        puts("the server was built without faults (FAULTS=0)");
    else
        ctl_faults_print(stdout, faults);
    print_calls(stdout);
    json_decref(status);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}

int subcommand_fault(int argc, char **argv)
{
    struct ctl_options options;
    char request[FAULT_SPEC_SIZE + 16];
    int code = ctl_options_parse(&options, argc, argv, 0, CTL_SPEC);
    if (code >= 0)
        return code;
    if (strcmp(options.operand, "list") == 0)
        return list(&options);
    snprintf(request, sizeof request, "fault %s", options.operand);
    return ctl_ask(&options, request);
}
