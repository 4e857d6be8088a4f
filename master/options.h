/*
 * options: the command line, parsed and checked, before anything is started.
 *
 * Everything about an option (name, value, range, default, sentence) stands once, in the table of
 * options_table.c; parsing, --help and the errors follow from it. Strings point into argv or to constants and
 * live as long as those; so title_init() comes first.
 */
#ifndef MASTER_OPTIONS_H
#define MASTER_OPTIONS_H

#include "master/logformat.h"
#include "worker/log.h"
#include "worker/service.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct options {
    unsigned worker_count;
    const char *bind; /* not parsed yet: address_parse() */
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
    mode_t unix_mode;
    bool core;                /* let a dying worker write a core dump */
    bool protect;             /* keep a worker's connections beyond its death */
    int64_t hang_timeout_ms;  /* 0: off */
    const char *incident_dir; /* NULL: none */
    uint32_t incident_bytes;  /* of a suspect's queue, in a report */
};

/* Parses the command line. 0, or OPTIONS_USAGE after one line to stderr that names the option, the value and
 * what is accepted; *options is undefined then. --help and --version print and end the process with 0. */
int options_parse(struct options *options, int argc, char **argv);

#define OPTIONS_USAGE 64 /* EX_USAGE of sysexits.h */

#endif
