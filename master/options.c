#include "master/options.h"

#include "master/options_table.h"
#include "master/spelling.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM_NAME      "prefork-upper"
#define OPTION_COUNT_MAX  32
#define KEY_WITHOUT_SHORT 256 /* keys of options without a letter start above all characters */

struct parse {
    struct options *options;
    bool is_told; /* a line about the failure is printed already */
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

static void reject_value(const struct option_spec *spec, const char *value)
{
    char accepted[OPTION_ACCEPTED_SIZE];

    option_describe(spec, accepted);
    fprintf(stderr, PROGRAM_NAME ": --%s \"%s\": %s is accepted\n", spec->name, value, accepted);
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
        puts(PROGRAM_NAME " " PREFORK_UPPER_VERSION);
        finish_printing();
    }
    if (option_store(spec, value, parse->options) < 0) {
        reject_value(spec, value);
        parse->is_told = true;
        return EINVAL;
    }
    if (spec->offset == offsetof(struct options, max_connections))
        parse->options->max_connections_asked = true;
    return 0;
}

static const struct option_spec *find_similar(const char *name, size_t length)
{
    const struct option_spec *best = NULL;
    unsigned best_distance = SPELLING_DISTANCE_MAX + 1;

    for (size_t i = 0; option_at(i); i++) {
        unsigned distance = spelling_distance(name, length, option_at(i)->name);

        if (distance < best_distance) {
            best_distance = distance;
            best = option_at(i);
        }
    }
    return best;
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

static void tell_unknown(const char *word, const char *name, size_t length)
{
    const struct option_spec *similar = find_similar(name, length);

    fprintf(stderr, PROGRAM_NAME ": %s: no such option", word);
    if (similar)
        fprintf(stderr, "; did you mean --%s?\n", similar->name);
    else
        fputs("; --help lists them\n", stderr);
}

/* Says what is wrong with one long option, if anything is. */
static bool diagnose_long(const char *word)
{
    const char *name = word + 2;
    size_t length = strcspn(name, "=");
    unsigned match_count;
    const struct option_spec *spec = find_by_name(name, length, &match_count);

    if (match_count == 0)
        tell_unknown(word, name, length);
    else if (match_count > 1)
        fprintf(stderr, PROGRAM_NAME ": %s: several options begin so; --help lists them\n", word);
    else if (!spec->argument && name[length] == '=')
        fprintf(stderr, PROGRAM_NAME ": %s: --%s takes no value\n", word, spec->name);
    else if (spec->argument && name[length] == '\0')
        reject_value(spec, "");
    else
        return false;
    return true;
}

/* The same for a word of one-letter options, "-Vw4". */
static bool diagnose_short(const char *word)
{
    for (const char *letter = word + 1; *letter; letter++) {
        const struct option_spec *spec = find_by_key((unsigned char)*letter);

        if (!spec) {
            fprintf(stderr, PROGRAM_NAME ": -%c: no such option; --help lists them\n", *letter);
            return true;
        }
        if (spec->argument && letter[1] != '\0')
            return false; /* the rest is its value */
        if (spec->argument) {
            reject_value(spec, "");
            return true;
        }
    }
    return false;
}

static bool diagnose(const char *word)
{
    if (!word || word[0] != '-' || word[1] == '\0')
        return false;
    return word[1] == '-' ? diagnose_long(word) : diagnose_short(word);
}

/* argp says that an option is wrong, but not which. It stopped behind the word, or, when an unknown letter
 * has others behind it, still at the word. */
static void tell_bad_option(const struct argp_state *state)
{
    if (!diagnose(state->argv[state->next - 1]) && !diagnose(state->argv[state->next]))
        fputs(PROGRAM_NAME ": the options are not understood; --help lists them\n", stderr);
}

static error_t handle_key(int key, char *value, struct argp_state *state)
{
    struct parse *parse = state->input;
    const struct option_spec *spec = find_by_key(key);

    if (spec)
        return apply_option(parse, spec, value);
    if (key == ARGP_KEY_ARG) {
        fprintf(stderr, PROGRAM_NAME ": \"%s\": only options are accepted; --help lists them\n", value);
        parse->is_told = true;
        return EINVAL;
    }
    if (key == ARGP_KEY_ERROR && !parse->is_told)
        tell_bad_option(state);
    return key == ARGP_KEY_ERROR ? 0 : ARGP_ERR_UNKNOWN;
}

int options_parse(struct options *options, int argc, char **argv)
{
    struct argp_option list[OPTION_COUNT_MAX + 1] = {{0}};
    struct argp argp = {.options = list, .parser = handle_key};
    struct parse parse = {.options = options};

    for (size_t i = 0; option_at(i) && i < OPTION_COUNT_MAX; i++)
        list[i] = (struct argp_option){
            .name = option_at(i)->name,
            .key = key_of(i),
            .arg = option_at(i)->argument,
        };
    options_set_defaults(options);
    /* Silent: argp's own two-line messages, its exit code and its --help are replaced by ours. */
    return argp_parse(&argp, argc, argv, ARGP_SILENT, NULL, &parse) == 0 ? 0 : OPTIONS_USAGE;
}
