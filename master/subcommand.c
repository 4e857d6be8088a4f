#include "master/subcommand.h"

#include "master/spelling.h"

#include <stdio.h>
#include <string.h>

static const struct subcommand table[] = {
    {.name = "status",
     .arguments = "[--json] [--connections]",
     .sentence = "Show how the running server is: workers, connections, deaths.",
     .run = subcommand_status},
    {.name = "top",
     .arguments = "[--once]",
     .sentence = "Show that once a second, with rates.",
     .run = subcommand_top},
    {.name = "incidents",
     .arguments = "[--json]",
     .sentence = "List the last deaths of workers and what they cost.",
     .run = subcommand_incidents},
    {.name = "scale", .arguments = "N", .sentence = "Serve with N workers.", .run = subcommand_scale},
    {.name = "reload",
     .arguments = "",
     .sentence = "Read command line and configuration file anew.",
     .run = subcommand_reload},
    {.name = "restart",
     .arguments = "SLOT",
     .sentence = "Replace the worker of a slot; its connections stay.",
     .run = subcommand_restart},
    {.name = "upgrade",
     .arguments = "[BINARY]",
     .sentence = "Go over to another program, or to a new one at the old path.",
     .run = subcommand_upgrade},
    {.name = "drain",
     .arguments = "[--off]",
     .sentence = "Take no new connections until --off; done when none is left.",
     .run = subcommand_drain},
    {.name = "log",
     .arguments = "LEVEL",
     .sentence = "Log what is at least so important: error, warn, info or debug.",
     .run = subcommand_log},
    {.name = "stop",
     .arguments = "[--now]",
     .sentence = "Stop in order, and wait for the end; --now: at once.",
     .run = subcommand_stop},
    {.name = "fault",
     .arguments = "SPEC|off|list",
     .sentence = "For trials: make calls of the server fail at random, as --fault does.",
     .run = subcommand_fault},
    {.name = "check",
     .arguments = "[OPTION]...",
     .sentence = "Say whether options, configuration and address are good, and start nothing.",
     .is_alone = true,
     .run = subcommand_check},
    {.name = "doctor",
     .arguments = "[--fix-file PATH] [--json] [--process PID] [OPTION]...",
     .sentence = "Say what the machine is set to, what that means here, and what had better be changed.",
     .is_alone = true,
     .run = subcommand_doctor},
};

const struct subcommand *subcommand_at(size_t index)
{
    return index < sizeof table / sizeof table[0] ? &table[index] : NULL;
}

static const struct subcommand *find_similar(const char *word)
{
    const struct subcommand *best = NULL;
    unsigned best_distance = SPELLING_DISTANCE_MAX + 1;

    for (size_t i = 0; subcommand_at(i); i++) {
        unsigned distance = spelling_slip(word, strlen(word), subcommand_at(i)->name);

        if (distance < best_distance) {
            best_distance = distance;
            best = subcommand_at(i);
        }
    }
    return best;
}

static int tell_unknown(const char *word)
{
    const struct subcommand *similar = find_similar(word);

    fprintf(stderr, "prefork-upper: \"%s\": no such subcommand", word);
    if (similar)
        fprintf(stderr, "; did you mean %s?\n", similar->name);
    else
        fputs("; --help lists them\n", stderr);
    return EXIT_USAGE;
}

int subcommand_run(int argc, char **argv)
{
    for (size_t i = 0; subcommand_at(i); i++)
        if (strcmp(subcommand_at(i)->name, argv[0]) == 0)
            return subcommand_at(i)->run(argc, argv);
    return tell_unknown(argv[0]);
}
