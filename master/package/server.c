/* What is made from the tables of prefork-upper: its man page, and its completion for bash. */
#include "master/ctl.h"
#include "master/options_table.h"
#include "master/package/completion.h"
#include "master/package/roff.h"
#include "master/subcommand.h"
#include "worker/service.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_SIZE = 1024 };

/* ---- the man page ---- */

static void write_option(FILE *out, const struct option_spec *spec)
{
    char word[64], text[TEXT_SIZE], limits[TEXT_SIZE / 2];

    if (spec->letter)
        snprintf(word, sizeof word, "-%c, --%s", spec->letter, spec->name);
    else
        snprintf(word, sizeof word, "--%s", spec->name);
    options_format_limits(spec, limits, sizeof limits);
    roff_item(out, word, spec->argument, spec->sentence);
    for (size_t i = 0; spec->kind == OPTION_SERVICE && service_at(i); i++) {
        snprintf(text, sizeof text, "%s %s%s", service_at(i)->name, service_at(i)->summary,
                 service_at(i + 1) ? ";" : ".");
        roff_text(out, text);
    }
    if (limits[0])
        roff_text(out, limits);
}

static void write_options(FILE *out)
{
    roff_section(out, "OPTIONS");
    roff_text(out, "TIME is a number with ms, s, m or h; without a unit it is seconds; 0 is off.");
    for (size_t i = 0; option_at(i); i++) {
        if (option_at(i)->group)
            roff_subsection(out, option_at(i)->group);
        write_option(out, option_at(i));
    }
}

static void write_subcommand_option(FILE *out, const struct subcommand_option *option)
{
    char word[64];

    snprintf(word, sizeof word, "--%s", option->name);
    roff_item(out, word, option->argument, option->sentence);
}

static void write_subcommands(FILE *out)
{
    roff_section(out, "SUBCOMMANDS");
    roff_text(out,
              "All but check and doctor talk to a running server, which must belong to the same user, or the "
              "user must be root.");
    for (size_t i = 0; subcommand_at(i); i++)
        roff_item(out, subcommand_at(i)->name, subcommand_at(i)->arguments, subcommand_at(i)->sentence);
    roff_subsection(out, "Options of those that talk to a server");
    for (size_t i = 0; ctl_option_at(i); i++)
        write_subcommand_option(out, ctl_option_at(i));
    roff_subsection(out, "Options of doctor, beside those of the server");
    for (size_t i = 0; subcommand_doctor_option_at(i); i++)
        write_subcommand_option(out, subcommand_doctor_option_at(i));
    roff_subsection(out, "Exit codes of subcommands");
    roff_item(out, "0", NULL, "Done.");
    roff_item(out, "1", NULL, "Refused or failed.");
    roff_item(out, "2, 3", NULL, "Of doctor: something is advised, something is needed.");
    roff_item(out, "64", NULL, "Wrong usage, or several servers run and none was named.");
    roff_item(out, "69", NULL, "No server there; of check: somebody has the address.");
    roff_item(out, "75", NULL, "Not done within --timeout; it goes on.");
}

static void write_list(FILE *out, const char *heading, enum help_list list)
{
    roff_section(out, heading);
    for (size_t i = 0; options_help_line(list, i); i++)
        roff_item(out, options_help_line(list, i)->word, NULL, options_help_line(list, i)->sentence);
}

/* What the program asks getenv(3) for. */
static void write_environment(FILE *out)
{
    static const struct help_line lines[] = {
        {"NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID",
         "Where a service manager is told what holds, and how often: sd_notify(3)."},
        {"LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES",
         "A listener that a service manager passes: sd_listen_fds(3)."},
        {"JOURNAL_STREAM",
         "Whether stderr leads to the journal, for which log lines are written in another form."},
        {"XDG_RUNTIME_DIR, TMPDIR", "Where the socket for commands lies of a server that is not root's."},
        {"NO_COLOR, TERM", "What top may do on a terminal."},
    };

    roff_section(out, "ENVIRONMENT");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        roff_item(out, lines[i].word, NULL, lines[i].sentence);
}

static void write_examples(FILE *out)
{
    char line[128];

    roff_section(out, "EXAMPLES");
    roff_begin_example(out);
    for (size_t i = 0; options_help_line(HELP_EXAMPLES, i); i++) {
        const struct help_line *example = options_help_line(HELP_EXAMPLES, i);

        snprintf(line, sizeof line, example->sentence[0] ? "%-34s # %s" : "%s%s", example->word,
                 example->sentence);
        roff_example(out, line);
    }
    roff_end_example(out);
}

static void write_manual(FILE *out)
{
    roff_begin(out, "prefork-upper", 8, "prefork-upper " PREFORK_UPPER_VERSION);
    roff_section(out, "NAME");
    roff_text(out, "prefork-upper - prefork TCP server whose clients do not notice the death of its workers");
    roff_section(out, "SYNOPSIS");
    roff_synopsis(out, "prefork-upper", "[OPTION]...");
    roff_synopsis(out, "prefork-upper", "SUBCOMMAND [ARGUMENT]...");
    roff_section(out, "DESCRIPTION");
    roff_text(out,
              "Answers every stream of bytes with its upper-case form, from several worker processes on one "
              "listener, and replaces a worker that dies: its connections stay open, and no byte is lost, "
              "doubled or changed.");
    roff_paragraph(
        out, "Options come from the command line and from the file of --config, which holds them without "
             "their dashes as \"name = value\", one a line; the command line wins.");
    write_options(out);
    write_subcommands(out);
    write_list(out, "SIGNALS", HELP_SIGNALS);
    write_list(out, "EXIT STATUS", HELP_EXIT_CODES);
    write_environment(out);
    write_examples(out);
    roff_section(out, "SEE ALSO");
    roff_text(out, "loadtool(1), nc(1), ss(8), sysctl(8), systemd.service(5)");
}

/* ---- the completion ---- */

static struct completion completion = {.program = "prefork-upper"};

static void add_option(const char *name, int letter, const char *argument, bool of_subcommand)
{
    for (size_t i = 0; i < completion.option_count; i++)
        if (strcmp(completion.options[i].name, name) == 0)
            return;
    if (completion.option_count == COMPLETION_OPTION_COUNT_MAX)
        abort();
    struct completion_option *option = &completion.options[completion.option_count++];

    option->letter = letter;
    option->of_subcommand = of_subcommand;
    snprintf(option->name, sizeof option->name, "%s", name);
    snprintf(option->argument, sizeof option->argument, "%s", argument ? argument : "");
}

/* The values of an option, where they can be listed. */
static void describe_values(const struct option_spec *spec, char out[COMPLETION_WORDS_SIZE])
{
    char accepted[OPTION_ACCEPTED_SIZE];

    out[0] = '\0';
    if (spec->kind != OPTION_SERVICE && spec->kind != OPTION_LOG_LEVEL && spec->kind != OPTION_LOG_FORMAT)
        return;
    option_describe(spec, accepted);
    completion_take_words(accepted, out);
}

static void add_options(void)
{
    for (size_t i = 0; option_at(i); i++) {
        add_option(option_at(i)->name, option_at(i)->letter, option_at(i)->argument, false);
        describe_values(option_at(i), completion.options[completion.option_count - 1].words);
    }
    for (size_t i = 0; ctl_option_at(i); i++)
        add_option(ctl_option_at(i)->name, 0, ctl_option_at(i)->argument, true);
    for (size_t i = 0; subcommand_doctor_option_at(i); i++)
        add_option(subcommand_doctor_option_at(i)->name, 0, subcommand_doctor_option_at(i)->argument, true);
}

/* An argument that is called as that of an option is what that option takes: LEVEL. */
static void describe_arguments(const char *arguments, char out[COMPLETION_WORDS_SIZE])
{
    out[0] = '\0';
    for (size_t i = 0; option_at(i); i++)
        if (option_at(i)->argument && strcmp(option_at(i)->argument, arguments) == 0)
            describe_values(option_at(i), out);
}

static void add_subcommands(void)
{
    for (size_t i = 0; subcommand_at(i); i++) {
        const struct subcommand *subcommand = subcommand_at(i);

        if (completion.subcommand_count == COMPLETION_SUBCOMMAND_COUNT_MAX)
            abort();
        struct completion_subcommand *made = &completion.subcommands[completion.subcommand_count++];

        made->takes_options = subcommand->is_alone;
        made->more = subcommand->is_alone ? NULL : "--control --timeout --help";
        snprintf(made->name, sizeof made->name, "%s", subcommand->name);
        snprintf(made->arguments, sizeof made->arguments, "%s", subcommand->arguments);
        describe_arguments(subcommand->arguments, made->words);
    }
}

static void write_completion(FILE *out)
{
    add_options();
    add_subcommands();
    completion_write_bash(out, &completion);
}

int main(int argc, char **argv)
{
    if (argc != 2 || (strcmp(argv[1], "man") != 0 && strcmp(argv[1], "bash") != 0)) {
        fputs("usage: server man|bash\n", stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "man") == 0)
        write_manual(stdout);
    else
        write_completion(stdout);
    return fflush(stdout) != 0 || ferror(stdout) ? EXIT_FAILED : 0;
}
