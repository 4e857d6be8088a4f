/* subcommand_doctor: what the machine is set to, judged for a server with these options. Changes nothing. */
#include "master/descriptors.h"
#include "master/doctor.h"
#include "master/options.h"
#include "master/subcommand.h"
#include "worker/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORD_COUNT_MAX = 256 }; /* of the command line */

static const char help[] =
    "\nIt changes nothing, and judges for a server with these options, which are those that\n"
    "prefork-upper --help lists; a configuration file is read too.\n"
    "\nExit codes: 0 nothing is advised, 1 the file or the output could not be written, 2 something is\n"
    "advised, 3 something is needed, 64 wrong usage, or no such process.\n";

static const struct subcommand_option table[] = {
    {.name = "fix-file", .argument = "PATH", .sentence = "Write what is advised to PATH, for /etc/sysctl.d."},
    {.name = "json", .sentence = "Print JSON."},
    {.name = "process", .argument = "PID", .sentence = "Look at limits and control group of that process."},
    {.name = "help", .sentence = "Print this help and exit."},
};

struct doctor_options {
    const char *fix_file; /* NULL: none */
    int pid;              /* 0: this process */
    bool json, help;
};

const struct subcommand_option *subcommand_doctor_option_at(size_t index)
{
    return index < sizeof table / sizeof table[0] ? &table[index] : NULL;
}

static int complain(const char *word, const char *what)
{
    fprintf(stderr, "prefork-upper doctor: %s: %s\n", word, what);
    return EXIT_USAGE;
}

static int print_help(void)
{
    fputs(
        "Usage: prefork-upper doctor [OPTION]...\n"
        "Say what the machine is set to, what that means for the server, and what had better be changed.\n\n",
        stdout);
    for (size_t i = 0; subcommand_doctor_option_at(i); i++)
        printf("  --%s%s%-*s%s\n", table[i].name, table[i].argument ? " " : "",
               (int)(17 - strlen(table[i].name) - (table[i].argument != NULL)),
               table[i].argument ? table[i].argument : "", table[i].sentence);
    fputs(help, stdout);
    return fflush(stdout) != 0 ? EXIT_FAILED : 0;
}

/* ---- the command line ---- */

static int take_value(struct doctor_options *own, const char *name, const char *value)
{
    char *end = NULL;

    if (strcmp(name, "fix-file") == 0) {
        own->fix_file = value;
        return value[0] ? 0 : complain("--fix-file", "a path is accepted");
    }
    errno = 0;
    long pid = strtol(value, &end, 10);

    if (value[0] < '1' || value[0] > '9' || *end || errno || pid > INT_MAX)
        return complain("--process", "the number of a process is accepted");
    own->pid = (int)pid;
    return kill(own->pid, 0) == 0 || errno == EPERM ? 0 : complain(value, "there is no such process");
}

/* The option of the table that the word is, as --NAME or --NAME=VALUE; NULL: it is the server's. */
static const struct subcommand_option *find_own(const char *word)
{
    if (strcmp(word, "-h") == 0)
        word = "--help";
    for (size_t i = 0; strncmp(word, "--", 2) == 0 && subcommand_doctor_option_at(i); i++) {
        size_t length = strlen(table[i].name);

        if (strncmp(word + 2, table[i].name, length) == 0 &&
            (word[2 + length] == '\0' || (table[i].argument && word[2 + length] == '=')))
            return &table[i];
    }
    return NULL;
}

/* Takes the doctor's own options; the others stay in `rest`, of which [0] is the name. 0 or an exit code. */
static int take_own(struct doctor_options *own, int argc, char **argv, int *rest_count, char **rest)
{
    rest[0] = argv[0];
    *rest_count = 1;
    for (int i = 1; i < argc; i++) {
        const struct subcommand_option *option = find_own(argv[i]);
        const char *value = option ? strchr(argv[i], '=') : NULL;

        if (!option)
            rest[(*rest_count)++] = argv[i];
        else if (!option->argument)
            *(strcmp(option->name, "json") == 0 ? &own->json : &own->help) = true;
        else if (!value && i + 1 == argc)
            return complain(argv[i], "a value is missing");
        else if (take_value(own, option->name, value ? value + 1 : argv[++i]) != 0)
            return EXIT_USAGE;
    }
    rest[*rest_count] = NULL;
    return 0;
}

/* ---- what such a server would want ---- */

/* Of an address as it was written, without asking anybody what a name means. */
static unsigned port_of(const char *bind)
{
    const char *colon = strncmp(bind, "unix:", 5) == 0 ? NULL : strrchr(bind, ':');
    unsigned long port = colon ? strtoul(colon + 1, NULL, 10) : 0;

    return port <= UINT16_MAX ? (unsigned)port : 0;
}

static struct doctor_wants wants_of(const struct options *options)
{
    return (struct doctor_wants){
        .connections = options->max_connections,
        .descriptors = options->max_connections + FIRST_CONNECTION + DESCRIPTOR_RESERVE,
        .connections_asked = options->max_connections_asked,
        .backlog = (unsigned)options->backlog,
        .port = port_of(options->bind),
        .core = options->core,
    };
}

/* ---- the outcome ---- */

/* 0 or an errno. Closes the descriptor. */
static int write_fragment_to(int fd, const char *path, const struct doctor_finding findings[DOCTOR_COUNT])
{
    FILE *file = fdopen(fd, "w");

    if (!file) {
        int error = errno;
        close(fd);
        return error;
    }
    doctor_write_fragment(file, path, findings);
    bool bad = ferror(file);
    return fclose(file) != 0 ? errno : bad ? EIO : 0;
}

/* A file that is there stays as it is: what stands in it may be somebody's own. Half a file would stand in the way of the
 * next try. */
static int write_fix_file(const char *path, const struct doctor_finding findings[DOCTOR_COUNT])
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    int error = fd < 0 ? errno : write_fragment_to(fd, path, findings);

    if (error && fd >= 0)
        unlink(path);
    if (error)
        fprintf(stderr, "prefork-upper doctor: --fix-file %s: %s%s\n", path, strerror(error),
                error == EEXIST ? "; it is left as it is" : "");
    return error ? EXIT_FAILED : 0;
}

static int fix(const char *path, const struct doctor_finding findings[DOCTOR_COUNT])
{
    unsigned count = doctor_setting_count(findings);
    int code = count > 0 ? write_fix_file(path, findings) : 0;

    if (code != 0)
        return code;
    if (count == 0)
        fprintf(stderr, "prefork-upper doctor: no sysctl to set: %s was not written\n", path);
    else
        fprintf(stderr, "prefork-upper doctor: %s has %u setting%s; sysctl -p %s sets them\n", path, count,
                count == 1 ? "" : "s", path);
    return 0;
}

static int show(const struct doctor_options *own, const struct doctor_finding findings[DOCTOR_COUNT])
{
    int error = 0;

    if (own->json)
        error = doctor_write_json(stdout, findings);
    else
        doctor_write_text(stdout, findings);
    if (error == 0 && fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    fputs("prefork-upper doctor: the findings could not be written\n", stderr);
    return EXIT_FAILED;
}

static int examine(const struct doctor_options *own, const struct options *options)
{
    static struct doctor_case facts;
    static struct doctor_finding findings[DOCTOR_COUNT];

    facts.wants = wants_of(options);
    doctor_read("", own->pid, facts.readings);
    enum doctor_verdict gravest = doctor_judge(&facts, findings);

    if (show(own, findings) != 0 || (own->fix_file && fix(own->fix_file, findings) != 0))
        return EXIT_FAILED;
    if (gravest == DOCTOR_NEEDED)
        return EXIT_NEEDED;
    return gravest == DOCTOR_ADVISED ? EXIT_ADVISED : 0;
}

int subcommand_doctor(int argc, char **argv)
{
    struct doctor_options own = {0};
    struct options options;
    char *rest[WORD_COUNT_MAX + 1];
    int rest_count;

    if (argc > WORD_COUNT_MAX)
        return complain("the command line", "that many words are not accepted");
    int code = take_own(&own, argc, argv, &rest_count, rest);

    if (code == 0 && own.help)
        return print_help();
    if (code == 0)
        code = options_parse(&options, rest_count, rest);
    if (code != 0)
        return code;
    code = examine(&own, &options);
    options_free(&options);
    return code;
}
