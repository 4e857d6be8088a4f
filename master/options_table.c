#include "master/options_table.h"

#include "worker/limits.h"

#include <assert.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#define FIELD(name)   offsetof(struct options, name)
#define BACKLOG_MAX   65535
#define FILE_MODE_MAX 0777

_Static_assert(sizeof(unsigned) == 4 && sizeof(int) == 4 && sizeof(mode_t) == 4,
               "numbers are stored as 32 bits");

static const struct option_spec table[] = {
    {.group = "Listening",
     .name = "bind",
     .letter = 'b',
     .argument = "ADDR",
     .kind = OPTION_TEXT,
     .offset = FIELD(bind),
     .accepted = "HOST:PORT, :PORT, [V6]:PORT, unix:/path or unix:@name",
     .default_text = "127.0.0.1:9999",
     .sentence = "Listen on HOST:PORT (the first address that binds), :PORT (all IPv4 and IPv6), [V6]:PORT, "
                 "unix:/path "
                 "or unix:@name; with port 0 the kernel chooses one."},
    {.name = "backlog",
     .argument = "N",
     .kind = OPTION_NUMBER,
     .offset = FIELD(backlog),
     .min = 1,
     .max = BACKLOG_MAX,
     .default_text = "4096",
     .sentence = "Let N connections wait to be accepted."},
    {.name = "unix-mode",
     .argument = "MODE",
     .kind = OPTION_OCTAL,
     .offset = FIELD(unix_mode),
     .max = FILE_MODE_MAX,
     .default_text = "0660",
     .sentence = "Permissions of a unix:/path, in octal."},

    {.group = "Serving",
     .name = "workers",
     .letter = 'w',
     .argument = "N",
     .kind = OPTION_NUMBER,
     .scope = SCOPE_LIVE,
     .offset = FIELD(worker_count),
     .min = 1,
     .max = SLOT_COUNT_MAX,
     .default_shown = "one for each processor",
     .sentence = "Serve with N worker processes."},
    {.name = "service",
     .argument = "NAME",
     .kind = OPTION_SERVICE,
     .scope = SCOPE_LIVE,
     .offset = FIELD(service),
     .default_text = "upper",
     .sentence = "What is done to the bytes:"},
    {.name = "max-connections",
     .argument = "N",
     .kind = OPTION_NUMBER,
     .scope = SCOPE_LIVE,
     .offset = FIELD(max_connections),
     .min = 1,
     .max = CONNECTION_COUNT_MAX,
     .default_text = "10000",
     .default_shown = "10000, or fewer to fit the limit of open descriptors",
     .sentence = "Hold at most N connections in each worker."},
    {.name = "batch",
     .argument = "on|off",
     .kind = OPTION_SWITCH,
     .scope = SCOPE_LIVE,
     .offset = FIELD(batch),
     .default_text = "on",
     .sentence =
         "Schedule workers as SCHED_BATCH: a busy machine answers more for less; with off a single answer "
         "may come sooner where other programs compete for the processors."},
    {.name = "idle-timeout",
     .argument = "TIME",
     .kind = OPTION_DURATION,
     .scope = SCOPE_LIVE,
     .offset = FIELD(idle_timeout_ms),
     .default_text = "0",
     .default_shown = "0, off",
     .sentence = "Close a connection on which nothing moves for TIME."},
    {.name = "write-timeout",
     .argument = "TIME",
     .kind = OPTION_DURATION,
     .scope = SCOPE_LIVE,
     .offset = FIELD(write_timeout_ms),
     .default_text = "30s",
     .sentence = "Reset a client that reads nothing of its answer for TIME."},
    {.name = "drain-timeout",
     .argument = "TIME",
     .kind = OPTION_DURATION,
     .scope = SCOPE_LIVE,
     .offset = FIELD(drain_timeout_ms),
     .default_text = "8s",
     .sentence = "When stopping, let clients go on for TIME at most."},

    {.group = "Supervising",
     .name = "protect",
     .argument = "on|off",
     .kind = OPTION_SWITCH,
     .offset = FIELD(protect),
     .default_text = "on",
     .sentence =
         "Keep every connection of a worker that dies; with off they die with it, for comparison and for "
         "kernels that forbid what it takes."},
    {.name = "sandbox",
     .argument = "off|log|on",
     .kind = OPTION_SANDBOX,
     .offset = FIELD(sandbox),
     .default_text = "on",
     .sentence = "Take from workers all system calls that they do not need, all files, and the pages that "
                 "are not theirs; log: "
                 "forbid nothing, the kernel's audit log tells of the calls."},
    {.name = "user",
     .argument = "NAME",
     .kind = OPTION_TEXT,
     .offset = FIELD(user),
     .accepted = "the name or number of a user",
     .default_shown = "who starts the server",
     .sentence = "Run workers as user NAME and its group; only root can."},
    {.name = "group",
     .argument = "NAME",
     .kind = OPTION_TEXT,
     .offset = FIELD(group),
     .accepted = "the name or number of a group",
     .default_shown = "that of --user",
     .sentence = "Run workers as group NAME, and in no other one; only root can."},
    {.name = "hang-timeout",
     .argument = "TIME",
     .kind = OPTION_DURATION,
     .scope = SCOPE_LIVE,
     .offset = FIELD(hang_timeout_ms),
     .default_text = "2s",
     .sentence =
         "Replace a worker that is busy with one piece of input for TIME, or stopped for three times that; "
         "0 is for debuggers."},
    {.name = "incident-dir",
     .argument = "DIR",
     .kind = OPTION_TEXT,
     .scope = SCOPE_LIVE,
     .offset = FIELD(incident_dir),
     .accepted = "a directory",
     .default_shown = "",
     .sentence = "Write a report of every death to a file in DIR, which is made if need be; the last 64 are "
                 "kept."},
    {.name = "incident-bytes",
     .argument = "N",
     .kind = OPTION_NUMBER,
     .scope = SCOPE_LIVE,
     .offset = FIELD(incident_bytes),
     .max = INCIDENT_BYTES_MAX,
     .default_text = "256",
     .sentence = "Show so many bytes of what a suspect client sent in a report; 0 keeps client data out."},

    {.group = "Running",
     .name = "config",
     .letter = 'c',
     .argument = "FILE",
     .kind = OPTION_TEXT,
     .scope = SCOPE_COMMAND_LINE,
     .offset = FIELD(config),
     .accepted = "the path of a file",
     .default_shown = "",
     .sentence = "Read options from FILE too, one \"name = value\" a line; those of the command line win."},
    {.name = "log-level",
     .argument = "LEVEL",
     .kind = OPTION_LOG_LEVEL,
     .scope = SCOPE_LIVE,
     .offset = FIELD(log_level),
     .default_text = "info",
     .sentence = "Log what is at least so important: error, warn, info or debug."},
    {.name = "log-format",
     .argument = "FORMAT",
     .kind = OPTION_LOG_FORMAT,
     .offset = FIELD(log_format),
     .default_text = "text",
     .sentence = "Write each event as a line of text, or as an object of JSON: text or json."},
    {.name = "log-file",
     .argument = "PATH",
     .kind = OPTION_TEXT,
     .offset = FIELD(log_file),
     .accepted = "a path",
     .default_shown = "stderr",
     .sentence = "Append the log to the file PATH, which USR1 opens anew after it was moved away."},
    {.name = "ready-fd",
     .argument = "FD",
     .kind = OPTION_DESCRIPTOR,
     .scope = SCOPE_COMMAND_LINE,
     .offset = FIELD(ready_fd),
     .min = STDERR_FILENO + 1, /* it is closed when it was told */
     .max = INT_MAX,
     .default_shown = "",
     .sentence =
         "When serving, write the bound address and a newline to descriptor FD (3 or more), and close it."},
    {.name = "pid-file",
     .argument = "PATH",
     .kind = OPTION_TEXT,
     .offset = FIELD(pid_file),
     .accepted = "a path",
     .default_shown = "",
     .sentence = "Keep the process number to signal in PATH while running."},
    {.name = "control",
     .argument = "PATH|off",
     .kind = OPTION_TEXT,
     .offset = FIELD(control),
     .accepted = "a path or off",
     .default_shown = "PORT.sock in a folder below /run, $XDG_RUNTIME_DIR or the temp directory",
     .sentence = "Take commands (status, stop, ...) at the UNIX socket PATH; off: nowhere."},
    {.name = "metrics",
     .argument = "ADDR",
     .kind = OPTION_TEXT,
     .offset = FIELD(metrics),
     .accepted = "HOST:PORT, :PORT or [V6]:PORT",
     .default_shown = "",
     .sentence = "Answer HTTP at ADDR: /metrics for Prometheus, /healthz and /readyz by their status."},
    {.name = "core",
     .kind = OPTION_FLAG,
     .scope = SCOPE_LIVE,
     .offset = FIELD(core),
     .default_shown = "",
     .sentence =
         "Let a crashed worker leave a core dump; its replacement waits until that is written, which for a "
         "large process takes seconds."},

    {.group = "For trials alone",
     .name = "fault",
     .argument = "SPEC",
     .kind = OPTION_TEXT,
     .scope = SCOPE_COMMAND_LINE,
     .offset = FIELD(fault),
     .accepted = "CALL:WHAT:1/N[,...][@WHO]",
     .default_shown = "",
     .sentence =
         "Make calls of the server's own processes fail at random: CALL:WHAT:1/N[,...][,seed=N][@WHO], where "
         "WHAT is an errno, short, delay=MS or die, and WHO a slot, worker, keeper or supervisor; "
         "\"fault list\" names the calls of a running server."},

    {.group = "Help",
     .name = "help",
     .letter = 'h',
     .kind = OPTION_HELP,
     .scope = SCOPE_COMMAND_LINE,
     .default_shown = "",
     .sentence = "Print this help and exit."},
    {.name = "version",
     .letter = 'V',
     .kind = OPTION_VERSION,
     .scope = SCOPE_COMMAND_LINE,
     .default_shown = "",
     .sentence = "Print the version and exit."},
};

static_assert(sizeof table / sizeof table[0] <= OPTION_COUNT_MAX, "every option has its place in file_lines");

const struct option_spec *option_at(size_t index)
{
    return index < sizeof table / sizeof table[0] ? &table[index] : NULL;
}

size_t option_index(const struct option_spec *spec)
{
    return (size_t)(spec - table);
}

const struct option_spec *option_named(const char *name)
{
    for (size_t i = 0; option_at(i); i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

/* The processors that this process may run on: in a container or under taskset fewer than the machine has. */
static unsigned count_processors(void)
{
    cpu_set_t set;
    long count =
        sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : sysconf(_SC_NPROCESSORS_ONLN);

    if (count < 1)
        return 1;
    return count > SLOT_COUNT_MAX ? SLOT_COUNT_MAX : (unsigned)count;
}

void options_set_defaults(struct options *options)
{
    *options = (struct options){.worker_count = count_processors(), .ready_fd = -1};
    for (size_t i = 0; option_at(i); i++)
        if (table[i].default_text)
            option_store(&table[i], table[i].default_text, options);
}
