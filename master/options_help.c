/* options_help: --help, made from the option table. */
#include "master/options_table.h"
#include "master/subcommand.h"
#include "master/wrap.h"

#include <stdio.h>
#include <string.h>

#define HELP_COLUMN    28 /* where the sentences begin */
#define HELP_TEXT_SIZE 512

static const char intro[] =
    "Usage: prefork-upper [OPTION]...\n"
    "       prefork-upper SUBCOMMAND [ARGUMENT]...\n"
    "A prefork TCP server: answers every stream of bytes with its upper-case form,\n"
    "from several worker processes on one listener, and replaces a worker that dies.\n";

static const char units[] = "TIME is a number with ms, s, m or h; without a unit it is seconds; 0 is off.";

static const struct help_line signals[] = {
    {"TERM, INT", "Stop in order: clients may finish, for at most --drain-timeout. A second one: at once."},
    {"QUIT", "Stop at once."},
    {"TTIN, TTOU", "One worker more, one fewer."},
    {"HUP", "Read options and --config file anew."},
    {"USR1", "Open the log file anew."},
    {"USR2", "Upgrade to the program at the same path."},
};

static const struct help_line exit_codes[] = {
    {"0", "stopped in order"},
    {"1", "start failed"},
    {"64", "wrong usage or limits"},
    {"69", "address in use"},
    {"70", "no worker lives for long enough to serve"},
};

static const struct help_line examples[] = {
    {"prefork-upper -w 4", "four workers on 127.0.0.1:9999"},
    {"nc 127.0.0.1 9999", "talk to it, in another terminal"},
    {"prefork-upper -b :9999", "on every IPv4 and IPv6 address"},
    {"prefork-upper -b unix:/tmp/upper.sock --unix-mode 0600", ""},
    {"prefork-upper -b 127.0.0.1:0 --ready-fd 3 3>address", ""},
    {"prefork-upper --service faulty", "see what a crash does: send !SEGV!!!"},
};

#define LINE_AT(list, index) ((index) < sizeof(list) / sizeof((list)[0]) ? &(list)[index] : NULL)

const struct help_line *options_help_line(enum help_list list, size_t index)
{
    switch (list) {
    case HELP_SIGNALS:
        return LINE_AT(signals, index);
    case HELP_EXIT_CODES:
        return LINE_AT(exit_codes, index);
    case HELP_EXAMPLES:
        return LINE_AT(examples, index);
    }
    return NULL;
}

static void print_services(void)
{
    for (size_t i = 0; service_at(i); i++) {
        size_t column = 0;

        wrap_pad(stdout, &column, HELP_COLUMN);
        wrap_words(stdout, service_at(i)->name, &column, HELP_COLUMN);
        wrap_pad(stdout, &column, HELP_COLUMN + 7);
        wrap_words(stdout, service_at(i)->summary, &column, HELP_COLUMN + 7);
        putchar('\n');
    }
}

void options_format_limits(const struct option_spec *spec, char *out, size_t size)
{
    const char *shown = spec->default_shown ? spec->default_shown : spec->default_text;
    bool has_default = shown && shown[0];
    char range[64] = "";

    if (spec->kind == OPTION_NUMBER)
        snprintf(range, sizeof range, "%lld to %lld", (long long)spec->min, (long long)spec->max);
    if (!has_default && !range[0])
        out[0] = '\0';
    else
        snprintf(out, size, "(%s%s%s%s)", range, range[0] && has_default ? "; " : "",
                 has_default ? "default: " : "", has_default ? shown : "");
}

static void print_option(const struct option_spec *spec)
{
    char text[HELP_TEXT_SIZE];
    char limits[HELP_TEXT_SIZE / 2];
    char letter[] = "    ";

    if (spec->letter)
        snprintf(letter, sizeof letter, "-%c, ", spec->letter);
    size_t column = (size_t)printf("  %s--%s%s%s", letter, spec->name, spec->argument ? " " : "",
                                   spec->argument ? spec->argument : "");
    if (column >= HELP_COLUMN - 1) {
        putchar('\n');
        column = 0;
    }
    wrap_pad(stdout, &column, HELP_COLUMN);
    options_format_limits(spec, limits, sizeof limits);
    snprintf(text, sizeof text, "%s %s", spec->sentence, limits);
    wrap_words(stdout, text, &column, HELP_COLUMN);
    putchar('\n');
    if (spec->kind == OPTION_SERVICE)
        print_services();
}

static void print_subcommands(void)
{
    fputs("\nSubcommands (each has --help):\n", stdout);
    for (size_t i = 0; subcommand_at(i); i++) {
        const struct subcommand *subcommand = subcommand_at(i);
        size_t column = (size_t)printf("  %s %s", subcommand->name, subcommand->arguments);

        if (column >= HELP_COLUMN - 1) {
            putchar('\n');
            column = 0;
        }
        wrap_pad(stdout, &column, HELP_COLUMN);
        wrap_words(stdout, subcommand->sentence, &column, HELP_COLUMN);
        putchar('\n');
    }
}

static void print_signals(void)
{
    fputs("\nSignals to the process:\n", stdout);
    for (size_t i = 0; LINE_AT(signals, i); i++) {
        size_t column = (size_t)printf("  %s", signals[i].word);

        wrap_pad(stdout, &column, HELP_COLUMN);
        wrap_words(stdout, signals[i].sentence, &column, HELP_COLUMN);
        putchar('\n');
    }
}

/* A code and what it says stay in one line. */
static void print_exit_codes(void)
{
    size_t column = (size_t)printf("\nExit codes:") - 1;

    for (size_t i = 0; LINE_AT(exit_codes, i); i++) {
        size_t length = strlen(exit_codes[i].word) + 1 + strlen(exit_codes[i].sentence) + 1;
        bool fits = column + 1 + length <= WRAP_LINE_WIDTH;

        printf("%s%s %s%s", fits ? " " : "\n", exit_codes[i].word, exit_codes[i].sentence,
               i + 1 < sizeof exit_codes / sizeof exit_codes[0] ? "," : ".\n");
        column = fits ? column + 1 + length : length;
    }
}

static void print_examples(void)
{
    fputs("\nExamples:\n", stdout);
    for (size_t i = 0; LINE_AT(examples, i); i++)
        printf(examples[i].sentence[0] ? "  %-38s %s\n" : "  %s%s\n", examples[i].word, examples[i].sentence);
}

void options_print_help(void)
{
    fputs(intro, stdout);
    for (size_t i = 0; option_at(i); i++) {
        if (option_at(i)->group)
            printf("\n%s:\n", option_at(i)->group);
        print_option(option_at(i));
    }
    print_subcommands();
    printf("\n%s\n", units);
    print_signals();
    print_exit_codes();
    print_examples();
}
