/*
 * subcommand: what the program does instead of serving when its first argument is a word: `prefork-upper
 * check`.
 *
 * One table; main() looks there, and --help prints it.
 */
#ifndef MASTER_SUBCOMMAND_H
#define MASTER_SUBCOMMAND_H

#include <stdbool.h>
#include <stddef.h>

/* Exit codes of the program; those of a service that has run stand in supervisor.h. */
enum {
    EXIT_FAILED = 1,       /* the start failed; what was asked for was refused or failed */
    EXIT_ADVISED = 2,      /* the doctor has advice, */
    EXIT_NEEDED = 3,       /* or something without which a promise cannot be kept */
    EXIT_USAGE = 64,       /* wrong usage, configuration or limits */
    EXIT_UNAVAILABLE = 69, /* the address is in use; there is no server to talk to */
};

struct subcommand {
    const char *name;
    const char *arguments; /* as --help shows them behind the name */
    const char *sentence;
    bool is_alone; /* talks to no server: takes the options of one, not --control and --timeout */
    /* argv[0] is the name. Returns the exit code; has said on stderr what went wrong. */
    int (*run)(int argc, char **argv);
};

/* An option of a subcommand. */
struct subcommand_option {
    const char *name, *argument; /* NULL: takes none */
    unsigned flag;               /* of ctl.h: which subcommands take it; 0: all */
    const char *sentence;
};

/* The subcommand at that place of the table, NULL past the end. */
const struct subcommand *subcommand_at(size_t index);

/* Runs the subcommand argv[0]. An unknown one: a line to stderr, with what was probably meant, and
 * EXIT_USAGE. */
int subcommand_run(int argc, char **argv);

/* The others talk to a running server: ctl.c, ctl_status.c, ctl_top.c, ctl_fault.c. */
int subcommand_status(int argc, char **argv);
int subcommand_top(int argc, char **argv);
int subcommand_incidents(int argc, char **argv);
int subcommand_scale(int argc, char **argv);
int subcommand_reload(int argc, char **argv);
int subcommand_restart(int argc, char **argv);
int subcommand_upgrade(int argc, char **argv);
int subcommand_drain(int argc, char **argv);
int subcommand_log(int argc, char **argv);
int subcommand_stop(int argc, char **argv);
int subcommand_fault(int argc, char **argv);

/* subcommand_check.c: is the configuration good, and could the address be served? */
int subcommand_check(int argc, char **argv);

/* subcommand_doctor.c: how is the machine set, and what should be changed? */
int subcommand_doctor(int argc, char **argv);
const struct subcommand_option *subcommand_doctor_option_at(size_t index);

#endif
