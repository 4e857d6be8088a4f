/*
 * The subcommands that change something: each asks for one operation, shows the log of the attempt on stderr
 * and says the outcome. (Those that show something: ctl_status.c, ctl_top.c.)
 */
#include "master/ctl.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REQUEST_SIZE = PATH_MAX + 64 };

/* A slot's counters at the end are long and for the log. */
static void show_log(const char *level, size_t level_length, const char *text)
{
    if (strncmp(text, "event=slot_summary ", 19) != 0)
        fprintf(stderr, "%-5.*s %s\n", (int)level_length, level, text);
}

static int say_outcome(const char *request, const struct ctl_answer *answer)
{
    const char *between = answer->text[0] ? ": " : "";
    if (answer->code == EXIT_DONE)
        printf("%s: done%s%s\n", request, between, answer->text);
    else
        fprintf(stderr, "prefork-upper: %s: %s\n", request, answer->text[0] ? answer->text : "failed");
    return answer->code;
}

int ctl_ask(const struct ctl_options *options, const char *request)
{
    struct ctl_session session;
    struct ctl_answer answer;
    int code = ctl_find(&session, options);
    if (code != EXIT_DONE)
        return code;
    session.on_log = show_log;
    int error = ctl_session_ask(&session, request, &answer);
    code = error ? ctl_session_fail(&session, error, answer.attempt) : say_outcome(request, &answer);
    json_decref(answer.json);
    ctl_session_close(&session);
    return code;
}

/* Parses, asks "NAME" or "NAME OPERAND". */
static int simple(int argc, char **argv, enum ctl_operand operand)
{
    struct ctl_options options;
    char request[REQUEST_SIZE];
    int code = ctl_options_parse(&options, argc, argv, 0, operand);
    if (code >= 0)
        return code;
    snprintf(request, sizeof request, "%s%s%s", argv[0], options.operand ? " " : "",
             options.operand ? options.operand : "");
    return ctl_ask(&options, request);
}

int subcommand_scale(int argc, char **argv)
{
    return simple(argc, argv, CTL_NUMBER);
}

int subcommand_reload(int argc, char **argv)
{
    return simple(argc, argv, CTL_NO_OPERAND);
}

int subcommand_restart(int argc, char **argv)
{
    return simple(argc, argv, CTL_NUMBER);
}

int subcommand_log(int argc, char **argv)
{
    return simple(argc, argv, CTL_LEVEL);
}

int subcommand_drain(int argc, char **argv)
{
    struct ctl_options options;
    int code = ctl_options_parse(&options, argc, argv, CTL_OFF, CTL_NO_OPERAND);
    return code >= 0 ? code : ctl_ask(&options, options.flags & CTL_OFF ? "drain off" : "drain");
}

/* The server's working directory is another one. */
int subcommand_upgrade(int argc, char **argv)
{
    struct ctl_options options;
    char request[REQUEST_SIZE], folder[PATH_MAX] = "";
    int code = ctl_options_parse(&options, argc, argv, 0, CTL_MAYBE_PATH);
    if (code >= 0)
        return code;
    if (!options.operand)
        return ctl_ask(&options, "upgrade");
    if (strchr(options.operand, '\n')) {
        fputs("prefork-upper upgrade: a path with a line break is not accepted\n", stderr);
        return EXIT_USAGE;
    }
    bool is_absolute = options.operand[0] == '/';
    if (!is_absolute && !getcwd(folder, sizeof folder)) {
        fputs("prefork-upper upgrade: the working directory is gone; give an absolute path\n", stderr);
        return EXIT_USAGE;
    }
    snprintf(request, sizeof request, "upgrade %s%s%s", folder, is_absolute ? "" : "/", options.operand);
    return ctl_ask(&options, request);
}

int subcommand_stop(int argc, char **argv)
{
    struct ctl_options options;
    struct ctl_session session;
    struct ctl_answer answer;
    int code = ctl_options_parse(&options, argc, argv, CTL_NOW, CTL_NO_OPERAND);
    if (code < 0)
        code = ctl_find(&session, &options);
    else
        return code;
    if (code != EXIT_DONE)
        return code;
    session.on_log = show_log;
    int error = ctl_session_ask_end(&session, options.flags & CTL_NOW ? "stop now" : "stop", &answer);
    if (error)
        code = ctl_session_fail(&session, error, 0);
    else if (answer.code != EXIT_DONE)
        code = say_outcome("stop", &answer);
    else
        printf("stop: done, process %d has ended\n", (int)session.pid);
    ctl_session_close(&session);
    return code;
}
