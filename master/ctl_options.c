#include "master/ctl.h"
#include "master/duration.h"
#include "worker/check.h"
#include "worker/fault_plan.h"
#include "worker/log.h"
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* getopt_long() returns KEY_FIRST + the place. */
enum { OPTION_CONTROL, OPTION_TIMEOUT, OPTION_HELP, OPTION_FLAGS };
enum { KEY_OPERAND = 1, KEY_FIRST = 256, OPTION_COUNT_MAX = 16 };

static const struct subcommand_option table[] = {
    {"control", "PATH", 0, "Talk to the server whose command socket is PATH."},
    {"timeout", "TIME", 0, "Wait for TIME at most (30s); 0: as long as it takes."},
    {"help", NULL, 0, "Print this help and exit."},
    {"json", NULL, CTL_JSON, "Print JSON."},
    {"connections", NULL, CTL_CONNECTIONS, "List every connection too."},
    {"once", NULL, CTL_ONCE, "Print one frame, over one second, and exit."},
    {"off", NULL, CTL_OFF, "Take new connections again."},
    {"now", NULL, CTL_NOW, "Stop at once, clients or not."},
};

static const char exit_codes[] =
    "\nExit codes: 0 done, 1 refused or failed, 64 wrong usage or several servers,\n"
    "69 no server, 75 not done within --timeout.\n";

const struct subcommand_option *ctl_option_at(size_t index)
{
    return index < sizeof table / sizeof table[0] ? &table[index] : NULL;
}

/* The one that runs, so it is there. */
static const struct subcommand *find_subcommand(const char *name)
{
    size_t index = 0;
    while (strcmp(subcommand_at(index)->name, name) != 0) {
        index++;
        CHECK(subcommand_at(index));
    }
    return subcommand_at(index);
}

static bool is_taken(const struct subcommand_option *option, unsigned flags_taken)
{
    return option->flag == 0 || (option->flag & flags_taken);
}

static int print_help(const char *command, unsigned flags_taken)
{
    const struct subcommand *subcommand = find_subcommand(command);
    bool has_arguments = subcommand->arguments[0] != '\0';
    printf("Usage: prefork-upper %s%s%s [OPTION]...\n%s\n\n", command, has_arguments ? " " : "",
           has_arguments ? subcommand->arguments : "", subcommand->sentence);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char name[32];
        if (!is_taken(&table[i], flags_taken))
            continue;
        snprintf(name, sizeof name, "--%s%s%s", table[i].name, table[i].argument ? " " : "",
                 table[i].argument ? table[i].argument : "");
        printf("  %-18s%s\n", name, table[i].sentence);
    }
    fputs(exit_codes, stdout);
    return fflush(stdout) != 0 ? EXIT_FAILED : EXIT_DONE;
}

static int complain(const struct ctl_options *options, const char *word, const char *what)
{
    fprintf(stderr, "prefork-upper %s: %s: %s\n", options->command, word, what);
    return EXIT_USAGE;
}

static int complain_of_no_operand(const struct ctl_options *options, const char *accepted)
{
    char word[64];
    snprintf(word, sizeof word, "%s is missing", find_subcommand(options->command)->arguments);
    return complain(options, word, accepted);
}

/* ---- operands ---- */

static bool is_number(const char *text)
{
    char *end = NULL;
    unsigned long value = strtoul(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && value <= UINT_MAX;
}

static int check_operand(const struct ctl_options *options, enum ctl_operand operand)
{
    enum log_level level;
    const char *text = options->operand;
    switch (operand) {
    case CTL_NO_OPERAND:
        return text ? complain(options, text, "takes no operand; --help says more") : -1;
    case CTL_NUMBER:
        if (!text)
            return complain_of_no_operand(options, "a whole number is accepted");
        return is_number(text) ? -1 : complain(options, text, "a whole number is accepted");
    case CTL_LEVEL:
        if (!text)
            return complain_of_no_operand(options, "one of error, warn, info, debug is accepted");
        return log_level_parse(text, &level) == 0
                   ? -1
                   : complain(options, text, "one of error, warn, info, debug is accepted");
    case CTL_SPEC:
        if (!text)
            return complain_of_no_operand(options, "--help says more");
        return strlen(text) < FAULT_SPEC_SIZE && text[0] && !strchr(text, '\n')
                   ? -1
                   : complain(options, text, "one line of at most 255 bytes is accepted");
    case CTL_MAYBE_PATH:
        return text && text[0] == '\0' ? complain(options, "\"\"", "a path is accepted") : -1;
    }
    return -1;
}

/* ---- the command line ---- */

static unsigned make_long_options(struct option long_options[OPTION_COUNT_MAX], unsigned flags_taken)
{
    unsigned count = 0;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (is_taken(&table[i], flags_taken))
            long_options[count++] = (struct option){
                .name = table[i].name, .has_arg = table[i].argument != NULL, .val = KEY_FIRST + (int)i};
    long_options[count] = (struct option){0};
    return count;
}

static int take_option(struct ctl_options *options, int place, const char *value, unsigned flags_taken)
{
    switch (place) {
    case OPTION_CONTROL:
        options->control = value;
        return value[0] ? -1 : complain(options, "--control", "a path is accepted");
    case OPTION_TIMEOUT:
        return duration_parse(value, &options->timeout_ms) == 0
                   ? -1
                   : complain(options, value, "--timeout takes a time such as 250ms, 2s or 1m");
    case OPTION_HELP:
        return print_help(options->command, flags_taken);
    default:
        options->flags |= table[place].flag;
        return -1;
    }
}

/* getopt_long() leaves in optopt the letter of a short option, the place of a long one that takes no value, else 0. */
static int complain_of_option(const struct ctl_options *options, const char *word)
{
    char letter[] = {'-', (char)optopt, '\0'};
    if (optopt >= KEY_FIRST)
        return complain(options, word, "it takes no value");
    if (optopt >= '0' && optopt <= '9')
        return complain(options, word, "a whole number is accepted, without a sign");
    return complain(options, optopt ? letter : word, "no such option here; --help lists them");
}

static int take(struct ctl_options *options, int key, char **argv, unsigned flags_taken)
{
    if (key >= KEY_FIRST)
        return take_option(options, key - KEY_FIRST, optarg, flags_taken);
    if (key == 'h')
        return print_help(options->command, flags_taken);
    if (key == ':')
        return complain(options, argv[optind - 1], "a value is missing");
    if (key != KEY_OPERAND)
        return complain_of_option(options, argv[optind - 1]);
    if (options->operand)
        return complain(options, optarg, "one operand too many");
    options->operand = optarg;
    return -1;
}

int ctl_options_parse(struct ctl_options *options, int argc, char **argv, unsigned flags_taken,
                      enum ctl_operand operand)
{
    struct option long_options[OPTION_COUNT_MAX];
    int key, code;
    make_long_options(long_options, flags_taken);
    *options = (struct ctl_options){.command = argv[0], .timeout_ms = CTL_TIMEOUT_MS};
    optind = 0; /* of glibc: begin anew */
    opterr = 0;
    /* "-": operands are returned where they stand, so that options may follow them whatever the environment
     * says. */
    while ((key = getopt_long(argc, argv, "-:h", long_options, NULL)) != -1)
        if ((code = take(options, key, argv, flags_taken)) >= 0)
            return code;
    if (optind < argc) /* behind "--" */
        for (; optind < argc; optind++) {
            if (options->operand)
                return complain(options, argv[optind], "one operand too many");
            options->operand = argv[optind];
        }
    return check_operand(options, operand);
}
