#include "loadtool/options_parts.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadtool/kills.h"
#include "loadtool/prng.h"
#include "loadtool/units.h"
#include "loadtool/verdict.h"

const char *argp_program_version = "loadtool " PREFORK_UPPER_VERSION;

enum { DEFAULT_CLIENTS = 100, DEFAULT_DURATION_MS = 10000 };
/* -- parsing -- */

int options_complain(const char *option, const char *value, const char *accepted)
{
    fprintf(stderr, "loadtool: %s %s: accepted is %s\n", option, value, accepted);
    return EINVAL;
}

int options_refuse(const char *option, const char *value, const char *why)
{
    fprintf(stderr, "loadtool: %s %s: %s\n", option, value, why);
    return EINVAL;
}

/* The same of a word that could not be read, with what may be meant by it. */
static int complain_of_word(const char *option, const char *word, const char *accepted)
{
    fprintf(stderr, "loadtool: %s %s: accepted is %s", option, word, accepted);
    options_write_hint(stderr, option, word);
    fputc('\n', stderr);
    return EINVAL;
}

static int take_target(struct parsed *parsed, const char *word)
{
    if (parsed->has_target)
        return options_complain("second target", word, "one target, HOST:PORT in one word");
    parsed->has_target = true;
    parsed->settings->target_word = word;
    if (target_parse(word, &parsed->settings->target_name) < 0)
        return complain_of_word("target", word, "HOST:PORT, [V6]:PORT, :PORT, unix:/path or unix:@abstract");
    return 0;
}

static error_t parse_option(int key, char *word, struct argp_state *state)
{
    struct parsed *parsed = state->input;

    if (key == 'h')
        argp_state_help(state, stdout, ARGP_HELP_STD_HELP); /* leaves */
    if (key == ARGP_KEY_ARG)
        return take_target(parsed, word);
    for (size_t i = 0; i < options_row_count; i++) {
        char option[32];
        if (options_rows[i].key != key)
            continue;
        snprintf(option, sizeof(option), "--%s", options_rows[i].name);
        return options_rows[i].parse(parsed, word) < 0
                   ? complain_of_word(option, word, options_rows[i].accepted)
                   : 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static void set_defaults(struct settings *settings)
{
    *settings = (struct settings){.target_word = "127.0.0.1:9999",
                                  .clients = DEFAULT_CLIENTS,
                                  .size_word = "64",
                                  .dialogue = {.sizes = SIZES_ONE(64)},
                                  .check = ORACLE_UPPER,
                                  .timeout_ms = 5000,
                                  .connect_timeout_ms = 5000};
    (void)target_parse(settings->target_word, &settings->target_name);
    (void)plan_parse("10%", &settings->plan);
}

static int read_script(const char *path, struct script *script)
{
    unsigned line = 0;
    char where[300];

    FILE *in = fopen(path, "re");
    if (in == NULL)
        return options_refuse("--script", path, strerror(errno));
    int rc = script_read(script, in, &line);
    fclose(in);
    if (rc == 0)
        return 0;
    snprintf(where, sizeof(where), "%s, line %u", path, line);
    return options_complain("--script", where,
                            rc == -ERANGE ? "at most 256 exchanges and 32 KiB on either side"
                                          : "'send TEXT' and 'expect TEXT', a send first and an expect last");
}

/* The script, whether from words or from a file. */
static int finish_script(struct parsed *parsed)
{
    struct settings *settings = parsed->settings;
    struct script *script = &settings->dialogue.script;

    if ((parsed->send == NULL) != (parsed->expect == NULL))
        return parsed->send == NULL ? options_refuse("--expect", parsed->expect, "--send is missing")
                                    : options_refuse("--send", parsed->send, "--expect is missing");
    if (settings->script_path != NULL && parsed->send != NULL)
        return options_complain("--script", settings->script_path, "one of --script and --send");
    if (settings->script_path != NULL && read_script(settings->script_path, script) != 0)
        return EINVAL;
    if (parsed->send != NULL && script_make(script, parsed->send, parsed->expect) < 0)
        return options_complain("one of --send and --expect:", parsed->send,
                                "text with \\r \\n \\t \\0 \\\\ \\xHH, not empty, at most 32 KiB");
    /* The texts say what must come: comparing with the request would be something else. */
    if (script->count > 0 && settings->check != ORACLE_NONE) {
        if (parsed->has_check)
            return options_complain("--check", oracle_check_name(settings->check), "none, with a script");
        settings->check = ORACLE_ECHO;
    }
    return 0;
}

static int finish_kills(const struct settings *settings)
{
    uint32_t by_mode[PLAN_MODE_COUNT];
    struct text victims;

    for (size_t i = 0; i < PLAN_MODE_COUNT; i++) {
        enum plan_mode mode = (enum plan_mode)i;
        if (!plan_has(&settings->plan, mode))
            continue;
        if (settings->target_name.family == AF_UNIX && kills_find(mode)->tcp_only)
            return options_complain("--kill", plan_mode_name(mode), "this mode over TCP only");
        int rc = kills_try(mode);
        if (rc < 0)
            return options_complain(
                "--kill", plan_mode_name(mode),
                rc == -EPERM ? "this mode with CAP_NET_ADMIN only, which this process lacks" : strerror(-rc));
    }
    uint32_t count = plan_deal(&settings->plan, settings->clients, by_mode);
    if (count > settings->clients)
        return options_complain("--kill", units_format_count(&victims, count),
                                "no more victims than --clients: a kill a second is a victim");
    return 0;
}

static int finish_load(struct parsed *parsed)
{
    const struct settings *settings = parsed->settings;
    int family = settings->target_name.family;

    if (parsed->arrivals != NULL && settings->rate_per_s == 0 && settings->churn_per_s == 0)
        return options_complain("--arrivals", parsed->arrivals, "with --rate or --churn");
    if (settings->think_ms_max > 0 && settings->rate_per_s > 0)
        return options_complain("--think", "with --rate", "one of them: a rate leaves no say to the client");
    if (parsed->source != NULL && family == AF_UNIX)
        return options_complain("--source", parsed->source, "over TCP only");
    if (parsed->source != NULL && source_check(&settings->source) == -EADDRNOTAVAIL)
        return options_complain("--source", parsed->source, "an address of this host");
    return 0;
}

/* The number of the first output that goes where output i goes; nothing is lost in /dev/null. */
static int first_at_path(const char *const *paths, int i)
{
    int first = 0;

    if (paths[i] == NULL || strcmp(paths[i], "/dev/null") == 0)
        return i;
    while (paths[first] == NULL || strcmp(paths[first], paths[i]) != 0)
        first++;
    return first;
}

/* One would write over another. */
static int finish_outputs(const struct settings *settings)
{
    const char *const *paths = settings->output_paths;
    char option[32], other[64];

    for (int i = 0; i < OUTPUT_COUNT; i++) {
        int first = first_at_path(paths, i);
        if (first == i)
            continue;
        snprintf(option, sizeof(option), "--%s", outputs_option((enum output)i));
        snprintf(other, sizeof(other), "another place than --%s's", outputs_option((enum output)first));
        return options_complain(option, paths[i], other);
    }
    return 0;
}

/* What no option can know alone. */
static int finish(struct parsed *parsed)
{
    struct settings *settings = parsed->settings;

    if (finish_script(parsed) != 0 || finish_load(parsed) != 0 || finish_outputs(settings) != 0)
        return EINVAL;
    if (!parsed->has_seed)
        settings->seed = prng_fresh_seed();
    if (!parsed->has_duration && settings->messages == 0)
        settings->duration_ms = DEFAULT_DURATION_MS;
    if (!parsed->has_clients && settings->messages > 0 && settings->messages < settings->clients)
        settings->clients = (uint32_t)settings->messages;
    if (settings->messages > 0 && settings->messages < settings->clients) {
        struct text messages;
        return options_complain("--messages", units_format_count(&messages, settings->messages),
                                "at least one message a client (--clients)");
    }
    return finish_kills(settings);
}

/* argp's own table and the sentences that it points to; -h is --help, which argp calls -?. */
static void build_table(struct argp_option options[OPTIONS_MAX + 2], char *sentences[OPTIONS_MAX])
{
    memset(options, 0, sizeof(*options) * (OPTIONS_MAX + 2));
    for (size_t i = 0; i < options_row_count; i++) {
        if (asprintf(&sentences[i], "%s (%s; default: %s)", options_rows[i].sentence,
                     options_rows[i].accepted, options_rows[i].by_default) < 0)
            sentences[i] = NULL;
        options[i].name = options_rows[i].name;
        options[i].key = options_rows[i].key;
        options[i].arg = options_rows[i].argument;
        options[i].doc = sentences[i];
    }
    options[options_row_count] = (struct argp_option){.key = 'h', .flags = OPTION_HIDDEN};
}

int options_parse(int argc, char **argv, struct settings *settings)
{
    struct argp_option options[OPTIONS_MAX + 2];
    char *sentences[OPTIONS_MAX];
    struct argp argp = {.options = options,
                        .parser = parse_option,
                        .args_doc = "[TARGET]",
                        .doc = options_doc,
                        .help_filter = options_filter_help};
    struct parsed parsed = {.settings = settings};
    const char *meant = NULL;
    const char *misspelt = options_find_misspelt(argc, argv, &meant);

    if (misspelt != NULL) {
        fprintf(stderr, "loadtool: there is no option %s: did you mean --%s?\n", misspelt, meant);
        return -EINVAL;
    }
    argp_err_exit_status = EXIT_USAGE;
    set_defaults(settings);
    build_table(options, sentences);
    int rc = argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &parsed);
    for (size_t i = 0; i < options_row_count; i++)
        free(sentences[i]);
    if (rc == 0)
        rc = finish(&parsed);
    return rc == 0 ? 0 : -EINVAL;
}

/* -- the command that repeats the run -- */

static void write_quoted(FILE *out, const char *word)
{
    if (word[0] != '\0' && word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                             "%+,-./:=@_")] == '\0') {
        fputs(word, out);
        return;
    }
    fputc('\'', out);
    for (; *word != '\0'; word++) {
        if (*word == '\'')
            fputs("'\\''", out);
        else
            fputc(*word, out);
    }
    fputc('\'', out);
}

void options_write_command(FILE *out, int argc, char **argv, uint64_t seed)
{
    bool has_seed = false;

    for (int i = 0; i < argc; i++) {
        has_seed = has_seed || strncmp(argv[i], "--seed", strlen("--seed")) == 0;
        if (i > 0)
            fputc(' ', out);
        write_quoted(out, argv[i]);
    }
    if (!has_seed)
        fprintf(out, " --seed %" PRIu64, seed);
}
