/* The one table of options, and how each word is read. */
#include <errno.h>
#include <string.h>

#include "loadtool/limits.h"
#include "loadtool/options_parts.h"
#include "loadtool/team.h"
#include "loadtool/units.h"

static const uint64_t hour_ms = 3600 * 1000;

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
    parsed->settings->size_word = word;
    return sizes_parse(word, &parsed->settings->dialogue.sizes);
}

static int parse_rate(struct parsed *parsed, const char *word)
{
    return units_parse_count(word, 1, LIMIT_RATE, &parsed->settings->rate_per_s);
}

static int parse_depth(struct parsed *parsed, const char *word)
{
    uint64_t depth = 0;

    int rc = units_parse_count(word, 1, LIMIT_DEPTH, &depth);
    parsed->settings->depth = (uint32_t)depth;
    return rc;
}

static int parse_threads(struct parsed *parsed, const char *word)
{
    uint64_t threads = 0;

    int rc = units_parse_count(word, 1, TEAM_LOOPS_MAX, &threads);
    parsed->settings->threads = (uint32_t)threads;
    return rc;
}

static int parse_arrivals(struct parsed *parsed, const char *word)
{
    parsed->arrivals = word;
    parsed->settings->is_poisson = strcmp(word, "poisson") == 0;
    return parsed->settings->is_poisson || strcmp(word, "constant") == 0 ? 0 : -EINVAL;
}

static int parse_ramp_up(struct parsed *parsed, const char *word)
{
    return parse_some_ms(word, hour_ms, &parsed->settings->ramp_up_ms);
}

static int parse_warm_up(struct parsed *parsed, const char *word)
{
    return parse_some_ms(word, hour_ms, &parsed->settings->warm_up_ms);
}

/* TIME or MIN-MAX. */
static int parse_think(struct parsed *parsed, const char *word)
{
    struct settings *settings = parsed->settings;
    char least[32];
    const char *dash = strchr(word, '-');
    size_t length = dash == NULL ? strlen(word) : (size_t)(dash - word);

    if (length >= sizeof(least))
        return -EINVAL;
    memcpy(least, word, length);
    least[length] = '\0';
    int rc = parse_some_ms(least, hour_ms, &settings->think_ms_min);
    settings->think_ms_max = settings->think_ms_min;
    if (rc == 0 && dash != NULL)
        rc = parse_some_ms(dash + 1, hour_ms, &settings->think_ms_max);
    return rc < 0 ? rc : settings->think_ms_max < settings->think_ms_min ? -ERANGE : 0;
}

static int parse_churn(struct parsed *parsed, const char *word)
{
    return units_parse_count(word, 1, LIMIT_CHURN_RATE, &parsed->settings->churn_per_s);
}

static int parse_source(struct parsed *parsed, const char *word)
{
    parsed->source = word;
    return source_parse(word, &parsed->settings->source);
}

static int parse_kill(struct parsed *parsed, const char *word)
{
    return plan_parse(word, &parsed->settings->plan);
}

static int parse_check(struct parsed *parsed, const char *word)
{
    parsed->has_check = true;
    return oracle_find_check(word, &parsed->settings->check);
}

static int parse_send(struct parsed *parsed, const char *word)
{
    parsed->send = word;
    return 0;
}

static int parse_expect(struct parsed *parsed, const char *word)
{
    parsed->expect = word;
    return 0;
}

static int parse_script(struct parsed *parsed, const char *word)
{
    parsed->settings->script_path = word;
    return word[0] == '\0' ? -EINVAL : 0;
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

static int parse_progress(struct parsed *parsed, const char *word)
{
    (void)word;
    parsed->settings->wants_progress = true;
    return 0;
}

/* The files that a run writes: a path each. */
#define OUTPUT(name, id)                                                                                     \
    static int parse_##name(struct parsed *parsed, const char *word)                                         \
    {                                                                                                        \
        parsed->settings->output_paths[OUTPUT_##id] = word;                                                  \
        return word[0] == '\0' ? -EINVAL : 0;                                                                \
    }
OUTPUT(json, JSON)
OUTPUT(csv, CSV)
OUTPUT(hdr, HDR)
OUTPUT(junit, JUNIT)
OUTPUT(md, MD)
OUTPUT(prom, PROM)
OUTPUT(html, HTML)

static int parse_csv_every(struct parsed *parsed, const char *word)
{
    uint64_t *every_ms = &parsed->settings->csv_every_ms;
    int rc = parse_some_ms(word, 1000, every_ms);

    return rc == 0 && *every_ms < LIMIT_STEP_MS_MIN ? -ERANGE : rc;
}

static int parse_fail(struct parsed *parsed, const char *word)
{
    return thresholds_add(&parsed->settings->thresholds, word);
}

static int parse_server_pid(struct parsed *parsed, const char *word)
{
    uint64_t pid = 0;

    int rc = units_parse_count(word, 1, INT32_MAX, &pid);
    parsed->settings->server_pid = (int)pid;
    return rc;
}

/* -- the table -- */

static const char path[] = "a path, or - for standard output, then the text goes to stderr";
static const char durations[] = "1ms to 1h; with ms, s, m or h, bare = seconds";

const struct option_row options_rows[] = {
    {"clients", 'c', "CLIENTS", "1 to 1000000", "100", "Clients that are connected at the same time",
     parse_clients},
    {"duration", 'd', "TIME", "1ms to 1000h; with ms, s, m or h, bare = seconds", "10s, or none with -n",
     "How long the load lasts", parse_duration},
    {"messages", 'n', "MESSAGES", "1 or more", "no limit",
     "End after so many messages of all clients together; what the proofs at the end and the victims' deaths "
     "need comes on top",
     parse_messages},
    {"size", 's', "BYTES|MIN-MAX|SIZE:WEIGHT,...", "1 to 64M; K and M are 1024; at most 16 sizes", "64",
     "Bytes of a message: one size, a range, or a weighted list of both, drawn by the seed", parse_size},
    {"rate", 'r', "RATE", "1 to 10000000 messages/s", "closed loop",
     "Open loop: messages per second in all, whatever the replies do; latency counts from the time when a "
     "message was "
     "due. What a client cannot send in time is sent later, at most what comes due within --timeout (16 to "
     "1024 "
     "messages); more is missed, and counted",
     parse_rate},
    {"arrivals", 266, "HOW", "constant, poisson", "constant",
     "Intervals of -r and --churn: even, or seeded by chance", parse_arrivals},
    {"depth", 267, "MESSAGES", "1 to 256", "1", "Messages that a client has outstanding (pipelining)",
     parse_depth},
    {"threads", 't', "THREADS", "1 to 64", "1",
     "Loops that share the clients, each in a thread; the seed decides the same run whatever their number",
     parse_threads},
    {"think", 268, "TIME|MIN-MAX", durations, "none",
     "Rest of a client between its reply and its next message, seeded", parse_think},
    {"churn", 269, "RATE", "1 to 100000 connections/s", "none",
     "Short connections on top: connect, one message, its reply, close; at most 1024 at a time", parse_churn},
    {"ramp-up", 270, "TIME", durations, "as fast as they come", "Spread the first connections over this time",
     parse_ramp_up},
    {"warm-up", 271, "TIME", durations, "none", "Load for this time first, undisturbed and unmeasured",
     parse_warm_up},
    {"source", 272, "ADDR[/MASK]", "an address of this host, with a net: 127.0.0.1/8", "the kernel's choice",
     "Connect from the addresses of a net in turn: each has some 28,000 ports for a target", parse_source},
    {"kill", 257, "SHARE|MODE:SHARE,MODE:RATE/s,...",
     "none, 0.01% to 100%, or MODE:SHARE,... of at most 100% together, or MODE:1/s to MODE:10000/s", "10%",
     "Share of the clients that are killed and replaced, dealt evenly over the default modes, or modes by "
     "name with a share of the clients or kills per second",
     parse_kill},
    {"check", 258, "WHAT", "upper, echo, none", "upper",
     "What every reply must be: the request in ASCII capitals, itself, or as many bytes of any value",
     parse_check},
    {"send", 263, "TEXT", "text with \\r \\n \\t \\0 \\\\ \\xHH, with --expect", "generated bytes",
     "Every message is this text", parse_send},
    {"expect", 264, "TEXT", "text as for --send", "by --check", "Every reply must be this text",
     parse_expect},
    {"script", 265, "FILE", "lines 'send TEXT' and 'expect TEXT', gone through again and again", "no script",
     "Messages and their replies from a file", parse_script},
    {"seed", 259, "NUMBER", "0 to 2^64-1", "a fresh one",
     "Repeat a run: decides payload, victims, modes and times", parse_seed},
    {"timeout", 260, "TIME", durations, "5s", "A client that waits longer for a reply is unanswered",
     parse_timeout},
    {"connect-timeout", 261, "TIME", durations, "5s", "A client that connects for longer is refused",
     parse_connect_timeout},
    {"json", 262, "FILE", path, "no JSON", "Write the results as JSON too", parse_json},
    {"csv", 273, "FILE", path, "no CSV", "Write what happens second by second", parse_csv},
    {"csv-every", 282, "TIME", "10ms to 1s", "1s", "Cut the load finer: a line of the CSV for every so long",
     parse_csv_every},
    {"hdr", 276, "FILE", path, "no log",
     "Write each second's latencies as a log of HdrHistogram, for its tools", parse_hdr},
    {"junit", 277, "FILE", path, "no JUnit file", "Write the verdict as a test suite, for a CI server",
     parse_junit},
    {"md", 278, "FILE", path, "no Markdown", "Write a summary in Markdown, for the page of a CI job",
     parse_md},
    {"prom", 279, "FILE", path, "no Prometheus file",
     "Write the measures in Prometheus' text format, for node_exporter's textfile collector", parse_prom},
    {"html", 280, "FILE", path, "no page", "Write the run as one page with charts, without script or network",
     parse_html},
    {"progress", 281, NULL, "no value", "a live view on a terminal, nothing elsewhere",
     "Say once a second on stderr what goes on, where that is no terminal", parse_progress},
    {"fail", 274, "MEASURE>VALUE|MEASURE<VALUE",
     "MEASURE>VALUE or MEASURE<VALUE, such as 'p99>5ms', with a measure that --help lists, up to 16 times",
     "none", "Exit 1 if the run exceeds, or falls below, a limit", parse_fail},
    {"server-pid", 275, "PID", "a process of this machine", "not watched",
     "Look at the server and its children before the load and 2 s after it: what is left over is exit 6",
     parse_server_pid},
};

const size_t options_row_count = sizeof(options_rows) / sizeof(options_rows[0]);

_Static_assert(sizeof(options_rows) / sizeof(options_rows[0]) <= OPTIONS_MAX,
               "the table of argp is too small");
