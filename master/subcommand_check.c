/* subcommand_check: everything that a start would find wrong, said without starting. */
#include "master/address.h"
#include "master/conflicts.h"
#include "master/descriptors.h"
#include "master/faults.h"
#include "master/identity.h"
#include "master/incident.h"
#include "master/listener.h"
#include "master/metrics_socket.h"
#include "master/options.h"
#include "master/pidfile.h"
#include "master/settings.h"
#include "master/subcommand.h"

#include "worker/heritage.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ERROR_SIZE 512

static const char help[] =
    "Usage: prefork-upper check [OPTION]...\n"
    "Says whether options and configuration are good and whether the address could be\n"
    "served, and starts nothing. The options are those of the server: prefork-upper --help.\n"
    "\nExit codes: 0 all is good, 1 the server could not start, 64 wrong usage,\n"
    "configuration or limits, 69 the address is in use.\n";

static int fail(int exit_code, const char *why)
{
    fprintf(stderr, "prefork-upper: %s\n", why);
    return exit_code;
}

static int fail_option(int exit_code, const struct options *options, const char *name, const char *why)
{
    char origin[OPTION_ORIGIN_SIZE];

    options_origin(options, name, origin);
    fprintf(stderr, "prefork-upper: %s: %s\n", origin, why);
    return exit_code;
}

static int check_conflicts(const struct options *options)
{
    char why[ERROR_SIZE];

    return conflicts_find(options, why, sizeof why) < 0 ? fail(EXIT_USAGE, why) : 0;
}

static int check_limits(const struct options *options)
{
    char why[ERROR_SIZE];
    struct service_settings settings;
    uint32_t granted = 0;

    if (descriptors_fit(options->max_connections, options->max_connections_asked,
                        FIRST_CONNECTION + DESCRIPTOR_RESERVE, &granted, why, sizeof why) < 0)
        return fail_option(EXIT_USAGE, options, "max-connections", why);
    if (settings_from_options(&settings, options, granted, why, sizeof why) < 0)
        return fail(EXIT_USAGE, why);
    return 0;
}

static int check_faults(const struct options *options)
{
    char why[FAULT_WHY_SIZE];

    if (options->fault && faults_check(options->fault, why) < 0)
        return fail_option(EXIT_USAGE, options, "fault", why);
    return 0;
}

static int probe(const struct options *options, const char *name, const char *text)
{
    const struct listener_settings settings = {
        .backlog = options->backlog,
        .unix_mode = options->unix_mode,
        .write_timeout_ms = options->write_timeout_ms,
    };
    struct address address;
    char why[ERROR_SIZE];

    if (address_parse(&address, text, why, sizeof why) < 0)
        return fail_option(EXIT_USAGE, options, name, why);

    int result = listener_probe(&address, &settings, why, sizeof why);

    int code = result == -EADDRINUSE ? EXIT_UNAVAILABLE : EXIT_FAILED;

    if (result < 0)
        return strcmp(name, "bind") == 0 ? fail(code, why) : fail_option(code, options, name, why);
    return 0;
}

static int check_identity(const struct options *options)
{
    struct sandbox_plan plan = {0};
    const char *option;
    char why[ERROR_SIZE];

    if (identity_find(options->user, options->group, &plan, &option, why, sizeof why) < 0)
        return fail_option(EXIT_USAGE, options, option, why);
    return 0;
}

static int check_metrics(const struct options *options)
{
    struct address address;
    char why[ERROR_SIZE];

    if (metrics_socket_parse(&address, options->metrics, why, sizeof why) < 0)
        return fail_option(EXIT_USAGE, options, "metrics", why);
    return probe(options, "metrics", options->metrics);
}

/* The address, that of metrics, and the socket for commands where its place was said; else the server does without it
 * at need.
 */
static int check_sockets(const struct options *options)
{
    char text[ADDRESS_TEXT_SIZE];
    int code = probe(options, "bind", options->bind);

    if (code == 0 && options->metrics)
        code = check_metrics(options);
    if (code != 0 || !options->control || strcmp(options->control, "off") == 0)
        return code;
    snprintf(text, sizeof text, "unix:%s", options->control);
    return probe(options, "control", text);
}

/* Could a file be made there? */
static int look_at_folder_of(const char *path)
{
    char folder[PATH_MAX]; /* dirname() writes there */

    snprintf(folder, sizeof folder, "%s", path);
    return access(dirname(folder), W_OK | X_OK) < 0 ? -errno : 0;
}

static int look_at_log_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd >= 0)
        return close(fd);
    return errno == ENOENT ? look_at_folder_of(path) : -errno;
}

static int fail_path(const struct options *options, const char *name, const char *path, int error)
{
    char why[ERROR_SIZE];

    snprintf(why, sizeof why, "cannot write to %s: %s", path, strerror(-error));
    return fail_option(EXIT_FAILED, options, name, why);
}

static int check_files(const struct options *options)
{
    char why[ERROR_SIZE];
    const char *path = options->log_file;
    int result = path ? look_at_log_file(path) : 0;

    if (result < 0)
        return fail_path(options, "log-file", path, result);
    path = options->pid_file;
    if (path && pidfile_inspect(path, why, sizeof why) < 0)
        return fail(EXIT_FAILED, why);
    result = path ? look_at_folder_of(path) : 0;
    if (result == 0)
        return 0;
    snprintf(why, sizeof why, "the pid file %s cannot be written: %s", path, strerror(-result));
    return fail(EXIT_FAILED, why);
}

/* One that is missing is made by a start; here it is not, so where it would be made is looked at. */
static int check_incident_dir(const struct options *options)
{
    const char *dir = options->incident_dir;
    int result = dir ? incident_check_dir(dir) : 0;

    if (result == -ENOENT)
        result = look_at_folder_of(dir);
    return result < 0 ? fail_path(options, "incident-dir", dir, result) : 0;
}

int subcommand_check(int argc, char **argv)
{
    struct options options;

    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return fputs(help, stdout) < 0 || fflush(stdout) != 0 ? EXIT_FAILED : 0;

    int code = options_parse(&options, argc, argv);

    if (code != 0)
        return code;
    code = check_limits(&options);
    if (code == 0)
        code = check_faults(&options);
    if (code == 0)
        code = check_conflicts(&options);
    if (code == 0)
        code = check_identity(&options);
    if (code == 0)
        code = check_sockets(&options);
    if (code == 0)
        code = check_incident_dir(&options);
    if (code == 0)
        code = check_files(&options);
    if (code == 0)
        printf("ok: %s can be served by %u worker%s\n", options.bind, options.worker_count,
               options.worker_count == 1 ? "" : "s");
    options_free(&options);
    return code;
}
