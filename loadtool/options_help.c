/* --help: what stands around the options. */
#include <stdio.h>

#include <argp.h>

#include "loadtool/options_parts.h"
#include "loadtool/subcommand.h"

const char options_doc[] =
    "Loads a TCP or UNIX stream server with many clients, compares every byte of every "
    "reply, kills some of its own "
    "clients abruptly, and says in one line whether the server survived.\v";

const char options_targets[] = "TARGET is HOST:PORT, [V6]:PORT, :PORT (this host), unix:/path or "
                               "unix:@abstract; 127.0.0.1:9999 by default.";

const struct option_exit options_exits[] = {
    {"0", "pass"},
    {"1", "a limit of --fail was not kept"},
    {"2", "usage"},
    {"3", "wrong, missing or extra bytes"},
    {"4", "a client refused, reset, closed or unanswered"},
    {"5", "no new client was answered within 5 s of the last disturbance"},
    {"6", "the load left something behind in the server (--server-pid)"},
    {"7", "the figures of an open loop are not to be relied on"},
    {"130", "interrupted"},
};

const size_t options_exit_count = sizeof(options_exits) / sizeof(options_exits[0]);

const char options_exit_order[] = "With several findings: the first of 130, 3, 4, 5, 6, 1, 7; but a 4 for "
                                  "victims alone yields to 5, which is what "
                                  "they see of a server that takes no new clients.";

static void write_postscript(FILE *out)
{
    fprintf(out,
            "%s\n\n"
            "By what the server answers:\n\n"
            "  capitals   loadtool :9999 -c 500\n"
            "  the same   loadtool :7 --check echo\n"
            "  Redis      loadtool :6379 --send 'PING\\r\\n' --expect '+PONG\\r\\n'\n"
            "\nKill modes (* = in the default mix):\n\n",
            options_targets);
    for (size_t i = 0; i < PLAN_MODE_COUNT; i++)
        fprintf(out, "  %c %-13s %s\n", plan_mode_by_default((enum plan_mode)i) ? '*' : ' ',
                plan_mode_name((enum plan_mode)i), plan_mode_definition((enum plan_mode)i));
    fputs("\nBeside loading (each has a --help of its own):\n\n", out);
    subcommand_write_names(out);
    fputs("\nMeasures of --fail, such as --fail 'p99>5ms' --fail 'rate<10000':\n\n", out);
    thresholds_write_names(out);
    fputs("\nExit codes:", out);
    for (size_t i = 0; i < options_exit_count; i++)
        fprintf(out, "%s %s %s", i > 0 ? "," : "", options_exits[i].code, options_exits[i].sentence);
    fprintf(out, ". %s\n", options_exit_order);
}

/* argp calls this for every part of --help; the part after the options is ours. The result is freed by argp.
 */
char *options_filter_help(int key, const char *text, void *input)
{
    char *made = NULL;
    size_t size = 0;

    (void)input;
    if (key == '?') /* of argp's own --help */
        return strdup("Give this help list; so does -h");
    if (key != ARGP_KEY_HELP_POST_DOC)
        return (char *)(uintptr_t)text;
    FILE *out = open_memstream(&made, &size);
    if (out == NULL)
        return NULL;
    write_postscript(out);
    fclose(out);
    return made;
}
