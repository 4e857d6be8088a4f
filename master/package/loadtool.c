/* What is made from the tables of loadtool: its man page, and its completion for bash. */
#include "loadtool/options_parts.h"
#include "loadtool/plan.h"
#include "loadtool/subcommand.h"
#include "loadtool/thresholds.h"
#include "master/package/completion.h"
#include "master/package/roff.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_SIZE = 1024, EXIT_USAGE_CODE = 2 };

/* What argp has beside the table. */
static const struct option_row of_argp[] = {
    {.name = "help", .key = 'h', .sentence = "Give the help list"},
    {.name = "usage", .key = 0, .sentence = "Give a short usage message"},
    {.name = "version", .key = 'V', .sentence = "Print the version"},
};

/* ---- the man page ---- */

static bool has_letter(const struct option_row *row)
{
    return row->key > 0 && row->key < 128;
}

static void write_option(FILE *out, const struct option_row *row)
{
    char word[64], text[TEXT_SIZE];

    if (has_letter(row))
        snprintf(word, sizeof word, "-%c, --%s", row->key, row->name);
    else
        snprintf(word, sizeof word, "--%s", row->name);
    if (row->accepted)
        snprintf(text, sizeof text, "%s (%s; default: %s).", row->sentence, row->accepted, row->by_default);
    else
        snprintf(text, sizeof text, "%s.", row->sentence);
    roff_item(out, word, row->argument, text);
}

static void write_options(FILE *out)
{
    roff_section(out, "OPTIONS");
    roff_text(out, options_targets);
    for (size_t i = 0; i < options_row_count; i++)
        write_option(out, &options_rows[i]);
    for (size_t i = 0; i < sizeof of_argp / sizeof of_argp[0]; i++)
        write_option(out, &of_argp[i]);
}

static void write_modes(FILE *out)
{
    char text[TEXT_SIZE];

    roff_section(out, "KILL MODES");
    for (size_t i = 0; i < PLAN_MODE_COUNT; i++) {
        enum plan_mode mode = (enum plan_mode)i;

        snprintf(text, sizeof text, "%s%s.", plan_mode_definition(mode),
                 plan_mode_by_default(mode) ? " (in the default mix)" : "");
        roff_item(out, plan_mode_name(mode), NULL, text);
    }
}

static void write_subcommands(FILE *out)
{
    roff_section(out, "SUBCOMMANDS");
    roff_text(out, "Each has a --help of its own.");
    for (size_t i = 0; subcommand_name(i); i++)
        roff_item(out, subcommand_name(i), NULL, subcommand_sentence(i));
}

/* The table of measures knows how to write itself, a line each. */
static void write_measures(FILE *out)
{
    char *text = NULL, *rest = NULL;
    size_t size = 0;
    FILE *lines = open_memstream(&text, &size);

    if (!lines)
        abort();
    thresholds_write_names(lines);
    fclose(lines);
    roff_section(out, "MEASURES OF --fail");
    roff_begin_example(out);
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        roff_example(out, line);
    roff_end_example(out);
    free(text);
}

static void write_exits(FILE *out)
{
    roff_section(out, "EXIT STATUS");
    for (size_t i = 0; i < options_exit_count; i++)
        roff_item(out, options_exits[i].code, NULL, options_exits[i].sentence);
    roff_paragraph(out, options_exit_order);
}

static void write_examples(FILE *out)
{
    static const char *const lines[] = {
        "loadtool -c 500                            # 500 clients on 127.0.0.1:9999 for 10 s",
        "loadtool -c 500 -r 20000 --fail 'p99>5ms'  # open loop, and a limit",
        "loadtool :6379 --send 'PING\\r\\n' --expect '+PONG\\r\\n' -c 50",
    };

    roff_section(out, "EXAMPLES");
    roff_begin_example(out);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        roff_example(out, lines[i]);
    roff_end_example(out);
}

static void write_manual(FILE *out)
{
    roff_begin(out, "loadtool", 1, "prefork-upper " PREFORK_UPPER_VERSION);
    roff_section(out, "NAME");
    roff_text(
        out, "loadtool - load a stream server, kill some of the clients, and say whether the others noticed");
    roff_section(out, "SYNOPSIS");
    roff_synopsis(out, "loadtool", "[OPTION]... [TARGET]");
    roff_synopsis(out, "loadtool", "SUBCOMMAND [ARGUMENT]...");
    roff_section(out, "DESCRIPTION");
    roff_text(
        out, "Loads a TCP or UNIX stream server with many clients, compares every byte of every reply, kills "
             "some of its own clients abruptly, and says in one line whether the server survived.");
    write_options(out);
    write_modes(out);
    write_measures(out);
    write_subcommands(out);
    write_exits(out);
    write_examples(out);
    roff_section(out, "SEE ALSO");
    roff_text(out, "prefork-upper(8)");
}

/* ---- the completion ---- */

static struct completion completion = {.program = "loadtool"};

static bool is_list_of_words(const char *accepted)
{
    for (; *accepted; accepted++)
        if (!islower((unsigned char)*accepted) && !strchr(", ", *accepted))
            return false;
    return true;
}

static void describe_modes(char out[COMPLETION_WORDS_SIZE])
{
    out[0] = '\0';
    for (size_t i = 0; i < PLAN_MODE_COUNT; i++)
        snprintf(out + strlen(out), COMPLETION_WORDS_SIZE - strlen(out), "%s%s", i ? " " : "",
                 plan_mode_name((enum plan_mode)i));
}

static void add_option(const struct option_row *row)
{
    if (completion.option_count == COMPLETION_OPTION_COUNT_MAX)
        abort();
    struct completion_option *option = &completion.options[completion.option_count++];

    option->letter = has_letter(row) ? row->key : 0;
    snprintf(option->name, sizeof option->name, "%s", row->name);
    snprintf(option->argument, sizeof option->argument, "%s", row->argument ? row->argument : "");
    option->is_list = strcmp(row->name, "kill") == 0;
    if (option->is_list)
        describe_modes(option->words);
    else if (row->argument && is_list_of_words(row->accepted))
        completion_take_words(row->accepted, option->words);
}

static void write_completion(FILE *out)
{
    for (size_t i = 0; i < options_row_count; i++)
        add_option(&options_rows[i]);
    for (size_t i = 0; i < sizeof of_argp / sizeof of_argp[0]; i++)
        add_option(&of_argp[i]);
    for (size_t i = 0; subcommand_name(i); i++) {
        struct completion_subcommand *made = &completion.subcommands[completion.subcommand_count++];

        if (completion.subcommand_count > COMPLETION_SUBCOMMAND_COUNT_MAX - 1)
            abort();
        made->takes_options = true;
        snprintf(made->name, sizeof made->name, "%s", subcommand_name(i));
        snprintf(made->arguments, sizeof made->arguments, "FILE"); /* reports of runs */
    }
    completion_write_bash(out, &completion);
}

int main(int argc, char **argv)
{
    if (argc != 2 || (strcmp(argv[1], "man") != 0 && strcmp(argv[1], "bash") != 0)) {
        fputs("usage: loadtool man|bash\n", stderr);
        return EXIT_USAGE_CODE;
    }
    if (strcmp(argv[1], "man") == 0)
        write_manual(stdout);
    else
        write_completion(stdout);
    return fflush(stdout) != 0 || ferror(stdout) ? 1 : 0;
}
