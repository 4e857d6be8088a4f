#include "loadtool/options.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "loadtool/kills.h"
#include "loadtool/limits.h"
#include "loadtool/prng.h"
#include "loadtool/units.h"
#include "loadtool/verdict.h"

const char *argp_program_version = "loadtool " PREFORK_UPPER_VERSION;

enum { DEFAULT_CLIENTS = 100, DEFAULT_DURATION_MS = 10000 };
static const uint64_t hour_ms = 3600 * 1000;

/* What the parser fills: the settings, and what was said explicitly. */
struct parsed {
    struct settings *settings;
    bool has_clients, has_duration, has_seed, has_target;
};

static int parse_clients(struct parsed *parsed, const char *word)
{
    uint64_t clients = 0;

    int rc = units_parse_count(word, 1, LIMIT_CLIENTS, &clients);
    parsed->settings->clients = (uint32_t)clients;
    parsed->has_clients = true;
    return rc;
}

static int parse_some_ms(const char *word, uint64_t max_ms, uint64_t *ms)
{
    int rc = units_parse_duration_ms(word, ms);

    return rc < 0 ? rc : *ms < 1 || *ms > max_ms ? -ERANGE : 0;
}

static int parse_duration(struct parsed *parsed, const char *word)
{
    parsed->has_duration = true;
    return parse_some_ms(word, 1000 * hour_ms, &parsed->settings->duration_ms);
}

static int parse_messages(struct parsed *parsed, const char *word)
{
    return units_parse_count(word, 1, UINT64_MAX, &parsed->settings->messages);
}

static int parse_size(struct parsed *parsed, const char *word)
{
    return units_parse_size_bytes(word, 1, LIMIT_SIZE_BYTES, &parsed->settings->size_bytes);
}

static int parse_rate(struct parsed *parsed, const char *word)
{
    return units_parse_count(word, 1, LIMIT_RATE, &parsed->settings->rate_per_s);
}

static int parse_kill(struct parsed *parsed, const char *word)
{
    return plan_parse(word, &parsed->settings->plan);
}

static int parse_check(struct parsed *parsed, const char *word)
{
    return oracle_find_check(word, &parsed->settings->check);
}

static int parse_seed(struct parsed *parsed, const char *word)
{
    parsed->has_seed = true;
    return units_parse_count(word, 0, UINT64_MAX, &parsed->settings->seed);
}

static int parse_timeout(struct parsed *parsed, const char *word)
{
    return parse_some_ms(word, hour_ms, &parsed->settings->timeout_ms);
}

static int parse_connect_timeout(struct parsed *parsed, const char *word)
{
    return parse_some_ms(word, hour_ms, &parsed->settings->connect_timeout_ms);
}

static int parse_json(struct parsed *parsed, const char *word)
{
    parsed->settings->json_path = word;
    return word[0] == '\0' ? -EINVAL : 0;
}

/* -- the table -- */

struct option_row {
    const char *name;
    int key; /* the short option, or a number above every character */
    const char *argument;
    const char *accepted; /* range and unit */
    const char *by_default;
    const char *sentence;
    int (*parse)(struct parsed *parsed, const char *word); /* 0, -EINVAL, -ERANGE */
};

static const char durations[] = "1ms to 1h; with ms, s, m or h, bare = seconds";

static const struct option_row rows[] = {
    {"clients", 'c', "CLIENTS", "1 to 1000000", "100", "Clients that are connected at the same time",
     parse_clients},
    {"duration", 'd', "TIME", "1ms to 1000h; with ms, s, m or h, bare = seconds", "10s, or none with -n",
     "How long the load lasts", parse_duration},
    {"messages", 'n', "MESSAGES", "1 or more", "no limit",
     "End after so many messages of all clients together; what the proofs at the end and the victims' deaths "
     "need comes on top",
     parse_messages},
    {"size", 's', "BYTES", "1 to 64M; K and M are 1024", "64", "Bytes of a message", parse_size},
    {"rate", 'r', "RATE", "1 to 10000000 messages/s", "closed loop",
     "Messages per second in all, evenly paced; latency counts from the time when a message was due",
     parse_rate},
    {"kill", 257, "SHARE|MODE:SHARE,...", "none, 0.01% to 100%, or MODE:SHARE,... of at most 100% together",
     "10%",
     "Share of the clients that are killed and replaced, dealt evenly over the default modes, or modes by "
     "name",
     parse_kill},
    {"check", 258, "WHAT", "upper, echo", "upper",
     "What every reply must be: the request in ASCII capitals, or itself", parse_check},
    {"seed", 259, "NUMBER", "0 to 2^64-1", "a fresh one",
     "Repeat a run: decides payload, victims, modes and times", parse_seed},
    {"timeout", 260, "TIME", durations, "5s", "A client that waits longer for a reply is unanswered",
     parse_timeout},
    {"connect-timeout", 261, "TIME", durations, "5s", "A client that connects for longer is refused",
     parse_connect_timeout},
    {"json", 262, "FILE", "a path, or - for standard output, then the text goes to stderr", "no JSON",
     "Write the results as JSON too", parse_json},
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

static const char doc[] = "Loads a TCP or UNIX stream server with many clients, compares every byte of every "
                          "reply, kills some of its own "
                          "clients abruptly, and says in one line whether the server survived.\v";

static void write_postscript(FILE *out)
{
    fputs(
        "TARGET is HOST:PORT, [V6]:PORT, :PORT (this host), unix:/path or unix:@abstract; 127.0.0.1:9999 by "
        "default.\n\nKill modes (* = in the default mix):\n\n",
        out);
    for (size_t i = 0; i < PLAN_MODE_COUNT; i++)
        fprintf(out, "  %c %-10s %s\n", plan_mode_by_default((enum plan_mode)i) ? '*' : ' ',
                plan_mode_name((enum plan_mode)i), plan_mode_definition((enum plan_mode)i));
    fputs("\nExit codes: 0 pass, 2 usage, 3 wrong, missing or extra bytes, 4 a client refused, reset, closed "
          "or unanswered, 5 no new client was answered within 5 s of the last disturbance, 130 interrupted. "
          "With several findings: the first of 130, 3, 4, 5; but a 4 for victims alone yields to 5, which is "
          "what they see of a server that takes no new clients.\n",
          out);
}

/* argp calls this for every part of --help; the part after the options is ours. The result is freed by argp.
 */
static char *filter_help(int key, const char *text, void *input)
{
    char *made = NULL;
    size_t size = 0;

    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC)
        return (char *)(uintptr_t)text;
    FILE *out = open_memstream(&made, &size);
    if (out == NULL)
        return NULL;
    write_postscript(out);
    fclose(out);
    return made;
}

/* -- parsing -- */

static int complain(const char *option, const char *value, const char *accepted)
{
    fprintf(stderr, "loadtool: %s %s: accepted is %s\n", option, value, accepted);
    return EINVAL;
}

static int take_target(struct parsed *parsed, const char *word)
{
    if (parsed->has_target)
        return complain("second target", word, "one target");
    parsed->has_target = true;
    parsed->settings->target_word = word;
    if (target_parse(word, &parsed->settings->target_name) < 0)
        return complain("target", word, "HOST:PORT, [V6]:PORT, :PORT, unix:/path or unix:@abstract");
    return 0;
}

static error_t parse_option(int key, char *word, struct argp_state *state)
{
    struct parsed *parsed = state->input;

    if (key == 'h')
        argp_state_help(state, stdout, ARGP_HELP_STD_HELP); /* leaves */
    if (key == ARGP_KEY_ARG)
        return take_target(parsed, word);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        char option[32];
        if (rows[i].key != key)
            continue;
        snprintf(option, sizeof(option), "--%s", rows[i].name);
        return rows[i].parse(parsed, word) < 0 ? complain(option, word, rows[i].accepted) : 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static void set_defaults(struct settings *settings)
{
    *settings = (struct settings){.target_word = "127.0.0.1:9999",
                                  .clients = DEFAULT_CLIENTS,
                                  .size_bytes = 64,
                                  .check = ORACLE_UPPER,
                                  .timeout_ms = 5000,
                                  .connect_timeout_ms = 5000};
    (void)target_parse(settings->target_word, &settings->target_name);
    (void)plan_parse("10%", &settings->plan);
}

/* What no option can know alone. */
static int finish(struct parsed *parsed)
{
    struct settings *settings = parsed->settings;

    if (!parsed->has_seed)
        settings->seed = prng_fresh_seed();
    if (!parsed->has_duration && settings->messages == 0)
        settings->duration_ms = DEFAULT_DURATION_MS;
    if (!parsed->has_clients && settings->messages > 0 && settings->messages < settings->clients)
        settings->clients = (uint32_t)settings->messages;
    if (settings->messages > 0 && settings->messages < settings->clients) {
        struct text messages;
        return complain("--messages", units_format_count(&messages, settings->messages),
                        "at least one message a client (--clients)");
    }
    for (size_t i = 0; i < PLAN_MODE_COUNT; i++)
        if (settings->target_name.family == AF_UNIX && settings->plan.share_per_10000[i] > 0 &&
            kills_find((enum plan_mode)i)->tcp_only)
            return complain("--kill", plan_mode_name((enum plan_mode)i), "this mode over TCP only");
    return 0;
}

/* argp's own table and the sentences that it points to; -h is --help, which argp calls -?. */
static void build_table(struct argp_option options[ROW_COUNT + 2], char *sentences[ROW_COUNT])
{
    memset(options, 0, sizeof(*options) * (ROW_COUNT + 2));
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (asprintf(&sentences[i], "%s (%s; default: %s)", rows[i].sentence, rows[i].accepted,
                     rows[i].by_default) < 0)
            sentences[i] = NULL;
        options[i].name = rows[i].name;
        options[i].key = rows[i].key;
        options[i].arg = rows[i].argument;
        options[i].doc = sentences[i];
    }
    options[ROW_COUNT] = (struct argp_option){.key = 'h', .flags = OPTION_HIDDEN};
}

int options_parse(int argc, char **argv, struct settings *settings)
{
    struct argp_option options[ROW_COUNT + 2];
    char *sentences[ROW_COUNT];
    struct argp argp = {.options = options,
                        .parser = parse_option,
                        .args_doc = "[TARGET]",
                        .doc = doc,
                        .help_filter = filter_help};
    struct parsed parsed = {.settings = settings};

    argp_err_exit_status = EXIT_USAGE;
    set_defaults(settings);
    build_table(options, sentences);
    int rc = argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &parsed);
    for (size_t i = 0; i < ROW_COUNT; i++)
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
