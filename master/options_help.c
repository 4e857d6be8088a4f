/* options_help: --help, made from the option table. */
#include "master/options_table.h"
#include "master/subcommand.h"

#include <stdio.h>
#include <string.h>

#define HELP_COLUMN     28 /* where the sentences begin */
#define HELP_LINE_WIDTH 79
#define HELP_TEXT_SIZE  512

static const char intro[] =
    "Usage: prefork-upper [OPTION]...\n"
    "       prefork-upper SUBCOMMAND [ARGUMENT]...\n"
    "A prefork TCP server: answers every stream of bytes with its upper-case form,\n"
    "from several worker processes on one listener, and replaces a worker that dies.\n";

static const char outro[] = "\nTIME is a number with ms, s, m or h; without a unit it is seconds; 0 is off.\n"
                            "\nSignals to the process:\n"
                            "  TERM, INT                 Stop in order: clients may finish, for at most\n"
                            "                            --drain-timeout. A second one: at once.\n"
                            "  QUIT                      Stop at once.\n"
                            "  TTIN, TTOU                One worker more, one fewer.\n"
                            "  HUP                       Read options and --config file anew.\n"
                            "  USR1                      Open the log file anew.\n"
                            "  USR2                      Upgrade to the program at the same path.\n"
                            "\nExit codes: 0 stopped in order, 1 start failed, 64 wrong usage or limits,\n"
                            "69 address in use, 70 no worker lives for long enough to serve.\n"
                            "\nExamples:\n"
                            "  prefork-upper -w 4                     four workers on 127.0.0.1:9999\n"
                            "  nc 127.0.0.1 9999                      talk to it, in another terminal\n"
                            "  prefork-upper -b :9999                 on every IPv4 and IPv6 address\n"
                            "  prefork-upper -b unix:/tmp/upper.sock --unix-mode 0600\n"
                            "  prefork-upper -b 127.0.0.1:0 --ready-fd 1 --pid-file upper.pid\n"
                            "  prefork-upper --service faulty         see what a crash does: send !SEGV!!!\n";

static void pad_to(size_t *column, size_t target)
{
    for (; *column < target; ++*column)
        putchar(' ');
}

/* Prints words from the current column on, with a hanging indent. */
static void print_wrapped(const char *text, size_t *column, size_t indent)
{
    while (*text) {
        size_t length = strcspn(text, " ");

        if (*column > indent && *column + 1 + length > HELP_LINE_WIDTH) {
            putchar('\n');
            *column = 0;
        }
        if (*column > indent) {
            putchar(' ');
            ++*column;
        }
        pad_to(column, indent);
        fwrite(text, 1, length, stdout);
        *column += length;
        text += length;
        text += strspn(text, " ");
    }
}

static void print_services(void)
{
    for (size_t i = 0; service_at(i); i++) {
        size_t column = 0;

        pad_to(&column, HELP_COLUMN);
        print_wrapped(service_at(i)->name, &column, HELP_COLUMN);
        pad_to(&column, HELP_COLUMN + 7);
        print_wrapped(service_at(i)->summary, &column, HELP_COLUMN + 7);
        putchar('\n');
    }
}

/* "(1 to 128; default: 4)", or nothing. */
static void format_limits(const struct option_spec *spec, char *out, size_t size)
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
    pad_to(&column, HELP_COLUMN);
    format_limits(spec, limits, sizeof limits);
    snprintf(text, sizeof text, "%s %s", spec->sentence, limits);
    print_wrapped(text, &column, HELP_COLUMN);
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
        pad_to(&column, HELP_COLUMN);
        print_wrapped(subcommand->sentence, &column, HELP_COLUMN);
        putchar('\n');
    }
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
    fputs(outro, stdout);
}
