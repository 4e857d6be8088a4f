/*
 * options: defaults, configuration file and command line, each winning over the one before, parsed and
 * checked before anything is started, and again by each reload.
 *
 * Everything about an option (name, value, range, default, sentence) stands once, in the table of
 * options_table.c; parsing, --help and the errors follow from it. Strings point into argv, so title_init()
 * comes first, or to constants, or into memory that options_free() gives back.
 */
#ifndef MASTER_OPTIONS_H
#define MASTER_OPTIONS_H

#include "master/logformat.h"
#include "worker/board.h"
#include "worker/log.h"
#include "worker/service.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define OPTIONS_USAGE      64 /* EX_USAGE of sysexits.h */
#define OPTION_COUNT_MAX   48
#define OPTIONS_ERROR_SIZE 768 /* a file name, a value and what is accepted */
#define OPTION_ORIGIN_SIZE 320

struct options {
    const char *config; /* NULL: no file */
    unsigned worker_count;
    const char *bind; /* not parsed yet: address_parse() */
    bool bind_asked;  /* named by the user, so not to give way to a socket that is passed */
    int backlog;
    uint32_t max_connections;                                    /* a worker */
    bool max_connections_asked;                                  /* named by the user, so not to be lowered */
    int64_t idle_timeout_ms, write_timeout_ms, drain_timeout_ms; /* 0: off */
    const struct service *service;
    enum log_level log_level;
    enum log_format log_format;
    const char *log_file; /* NULL: stderr */
    int ready_fd;         /* open, not owned; -1: none */
    const char *pid_file; /* NULL: none */
    const char *control;  /* path of the socket for commands; NULL: the usual place, "off": none */
    const char *metrics;  /* not parsed yet: metrics_socket_parse(); NULL: none */
    mode_t unix_mode;
    bool batch;                            /* workers are scheduled as SCHED_BATCH */
    bool core;                             /* let a dying worker write a core dump */
    bool protect;                          /* keep a worker's connections beyond its death */
    enum sandbox_mode sandbox;             /* how workers are confined */
    const char *user, *group;              /* whom workers run as; NULL: as who starts the server */
    int64_t hang_timeout_ms;               /* 0: off */
    const char *fault;                     /* not parsed yet: faults_check(); NULL: none */
    const char *incident_dir;              /* NULL: none */
    uint32_t incident_bytes;               /* of a suspect's queue, in a report */
    uint16_t file_lines[OPTION_COUNT_MAX]; /* where the value stands in the file; 0: not from there */
    char *texts;                           /* owned: the texts of the file; NULL: none */
};

/* Parses command line and file. 0, or OPTIONS_USAGE after one line to stderr that names the option, the value
 * and what is accepted; *options is undefined then. --help and --version print and end the process with 0. */
int options_parse(struct options *options, int argc, char **argv);

/* The same for a process that runs already: that line goes to `error`, without name of the program and
 * newline. What belongs to one start alone (--ready-fd) is not looked at again. */
int options_parse_again(struct options *options, int argc, char **argv, char error[OPTIONS_ERROR_SIZE]);

/* Gives back what a parse that went well has allocated; the texts of the file are gone then. */
void options_free(struct options *options);

/* Whom to name when an option's value proves bad only later: "--bind", or "FILE:3: bind". */
void options_origin(const struct options *options, const char *name, char out[OPTION_ORIGIN_SIZE]);

#endif
