#include "master/options.h"

#include "master/config.h"
#include "master/faults.h"
#include "master/options_table.h"

#include <argp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM_NAME      "prefork-upper"
#define KEY_WITHOUT_SHORT 256 /* keys of options without a letter start above all characters */

struct parse {
    struct options *options;
    bool again;   /* the server runs: what belongs to its start alone is past */
    bool is_told; /* `error` says already what is wrong */
    char error[OPTIONS_ERROR_SIZE];
};

static int key_of(size_t index)
{
    return option_at(index)->letter ? option_at(index)->letter : KEY_WITHOUT_SHORT + (int)index;
}

static const struct option_spec *find_by_key(int key)
{
    for (size_t i = 0; option_at(i); i++)
        if (key_of(i) == key)
            return option_at(i);
    return NULL;
}

/* Only the first failure counts. */
__attribute__((format(printf, 2, 3))) static void tell(struct parse *parse, const char *format, ...)
{
    va_list values;

    if (parse->is_told)
        return;
    parse->is_told = true;
    va_start(values, format);
    vsnprintf(parse->error, sizeof parse->error, format, values);
    va_end(values);
}

static void reject_value(struct parse *parse, const struct option_spec *spec, const char *value)
{
    char accepted[OPTION_ACCEPTED_SIZE];

    option_describe(spec, accepted);
    tell(parse, "--%s \"%s\": %s is accepted", spec->name, value, accepted);
}

static void tell_missing_value(struct parse *parse, const char *word, const struct option_spec *spec)
{
    char accepted[OPTION_ACCEPTED_SIZE];

    option_describe(spec, accepted);
    tell(parse, "%s: its value is missing; %s is accepted", word, accepted);
}

/* Ends the process after --help or --version; what nobody could read is a failure. */
__attribute__((noreturn)) static void finish_printing(void)
{
    bool failed = fflush(stdout) != 0 || ferror(stdout);

    exit(failed ? EXIT_FAILURE : EXIT_SUCCESS);
}

static error_t apply_option(struct parse *parse, const struct option_spec *spec, const char *value)
{
    if (spec->kind == OPTION_HELP) {
        options_print_help();
        finish_printing();
    }
    if (spec->kind == OPTION_VERSION) {
        printf(PROGRAM_NAME " " PREFORK_UPPER_VERSION ", %s\n", faults_build());
        finish_printing();
    }
    if (spec->kind == OPTION_DESCRIPTOR && parse->again)
        return 0;
    if (option_store(spec, value, parse->options) < 0) {
        reject_value(parse, spec, value);
        return EINVAL;
    }
    parse->options->file_lines[option_index(spec)] = 0;
    if (spec->offset == offsetof(struct options, max_connections))
        parse->options->max_connections_asked = true;
    if (spec->offset == offsetof(struct options, bind))
        parse->options->bind_asked = true;
    return 0;
}

/* The option with that name, or the only one that begins so; *match_count tells none from several. */
static const struct option_spec *find_by_name(const char *name, size_t length, unsigned *match_count)
{
    const struct option_spec *match = NULL;

    *match_count = 0;
    for (size_t i = 0; option_at(i); i++) {
        if (strncmp(option_at(i)->name, name, length) != 0)
            continue;
        match = option_at(i);
        ++*match_count;
        if (match->name[length] == '\0') {
            *match_count = 1;
            break;
        }
    }
    return match;
}

static void tell_unknown(struct parse *parse, const char *word, const char *name, size_t length)
{
    const struct option_spec *similar = option_similar(name, length);

    if (similar)
        tell(parse, "%s: no such option; did you mean --%s?", word, similar->name);
    else
        tell(parse, "%s: no such option; --help lists them", word);
}

/* Says what is wrong with one long option, if anything is. */
static void diagnose_long(struct parse *parse, const char *word)
{
    const char *name = word + 2;
    size_t length = strcspn(name, "=");
    unsigned match_count;
    const struct option_spec *spec = find_by_name(name, length, &match_count);

    if (match_count == 0)
        tell_unknown(parse, word, name, length);
    else if (match_count > 1)
        tell(parse, "%s: several options begin so; --help lists them", word);
    else if (!spec->argument && name[length] == '=')
        tell(parse, "%s: --%s takes no value", word, spec->name);
    else if (spec->argument && name[length] == '\0')
        tell_missing_value(parse, word, spec);
}

/* The same for a word that begins with a one-letter option, "-w4". (-h and -V, which take no value, end the process.) */
static void diagnose_short(struct parse *parse, const char *word)
{
    const struct option_spec *spec = find_by_key((unsigned char)word[1]);

    if (!spec)
        tell_unknown(parse, (const char[]){'-', word[1], '\0'}, word + 1, 1);
    else if (word[2] == '\0')
        tell_missing_value(parse, word, spec);
}

static void diagnose(struct parse *parse, const char *word)
{
    if (!word || word[0] != '-' || word[1] == '\0' || parse->is_told)
        return;
    if (word[1] == '-')
        diagnose_long(parse, word);
    else
        diagnose_short(parse, word);
}

/* argp says that an option is wrong, but not which. It stopped behind the word, or, when an unknown letter
 * has others behind it, still at the word. */
static void tell_bad_option(struct parse *parse, const struct argp_state *state)
{
    diagnose(parse, state->argv[state->next - 1]);
    diagnose(parse, state->argv[state->next]);
    tell(parse, "the options are not understood; --help lists them");
}

static error_t handle_key(int key, char *value, struct argp_state *state)
{
    struct parse *parse = state->input;
    const struct option_spec *spec = find_by_key(key);

    if (spec)
        return apply_option(parse, spec, value);
    if (key == ARGP_KEY_ARG) {
        tell(parse, "\"%s\": only options are accepted here; a subcommand comes first; --help lists both",
             value);
        return EINVAL;
    }
    if (key == ARGP_KEY_ERROR)
        tell_bad_option(parse, state);
    return key == ARGP_KEY_ERROR ? 0 : ARGP_ERR_UNKNOWN;
}

/* ---- the three layers ---- */

static int parse_flags(struct parse *parse, int argc, char **argv)
{
    struct argp_option list[OPTION_COUNT_MAX + 1] = {{0}};
    struct argp argp = {.options = list, .parser = handle_key};

    for (size_t i = 0; option_at(i); i++)
        list[i] = (struct argp_option){
            .name = option_at(i)->name,
            .key = key_of(i),
            .arg = option_at(i)->argument,
        };
    /* Silent: argp's own two-line messages, its exit code and its --help are replaced by ours. */
    return argp_parse(&argp, argc, argv, ARGP_SILENT, NULL, parse) == 0 ? 0 : OPTIONS_USAGE;
}

/* The flags say where the file is, and they win: so they are taken twice, before it and after it. */
static int parse_layers(struct parse *parse, int argc, char **argv)
{
    struct options *options = parse->options;

    options_set_defaults(options);

    int result = parse_flags(parse, argc, argv);
    const char *config = options->config;

    if (result != 0 || !config)
        return result;
    options_set_defaults(options);
    if (config_read(options, config, parse->error, sizeof parse->error) < 0)
        return OPTIONS_USAGE;
    result = parse_flags(parse, argc, argv);
    if (result != 0)
        options_free(options);
    return result;
}

int options_parse(struct options *options, int argc, char **argv)
{
    struct parse parse = {.options = options};
    int result = parse_layers(&parse, argc, argv);

    if (result != 0)
        fprintf(stderr, PROGRAM_NAME ": %s\n", parse.error);
    return result;
}

int options_parse_again(struct options *options, int argc, char **argv, char error[OPTIONS_ERROR_SIZE])
{
    struct parse parse = {.options = options, .again = true};
    int result = parse_layers(&parse, argc, argv);

    if (result != 0)
        memcpy(error, parse.error, OPTIONS_ERROR_SIZE);
    return result;
}

void options_free(struct options *options)
{
    free(options->texts);
    options->texts = NULL;
}

void options_origin(const struct options *options, const char *name, char out[OPTION_ORIGIN_SIZE])
{
    const struct option_spec *spec = option_named(name);
    unsigned line = spec ? options->file_lines[option_index(spec)] : 0;

    if (line)
        snprintf(out, OPTION_ORIGIN_SIZE, "%s:%u: %s", options->config, line, name);
    else
        snprintf(out, OPTION_ORIGIN_SIZE, "--%s", name);
}
