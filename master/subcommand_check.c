/* subcommand_check: everything that a start would find wrong, said without starting. */
#include "master/address.h"
#include "master/descriptors.h"
#include "master/listener.h"
#include "master/options.h"
#include "master/settings.h"
#include "master/subcommand.h"

#include "worker/heritage.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ERROR_SIZE 512

static const char help[] =
    "Usage: prefork-upper check [OPTION]...\n"
    "Says whether options and configuration are good and whether the address could be\n"
    "served, and starts nothing. The options are those of the server: prefork-upper --help.\n"
    "\nExit codes: 0 all is good, 1 the server could not start, 64 wrong usage,\n"
    "configuration or limits, 69 the address is in use.\n";

static int fail(int exit_code, const char *option, const char *why)
{
    fprintf(stderr, "prefork-upper: %s%s%s\n", option, option[0] ? ": " : "", why);
    return exit_code;
}

static int check_limits(const struct options *options)
{
    char why[ERROR_SIZE];
    struct service_settings settings;
    uint32_t granted = 0;

    if (descriptors_fit(options->max_connections, options->max_connections_asked,
                        FIRST_CONNECTION + DESCRIPTOR_RESERVE, &granted, why, sizeof why) < 0)
        return fail(EXIT_USAGE, "--max-connections", why);
    if (settings_from_options(&settings, options, granted, why, sizeof why) < 0)
        return fail(EXIT_USAGE, "", why);
    return 0;
}

static int check_address(const struct options *options)
{
    const struct listener_settings settings = {
        .backlog = options->backlog,
        .unix_mode = options->unix_mode,
        .write_timeout_ms = options->write_timeout_ms,
    };
    struct address address;
    char why[ERROR_SIZE];

    if (address_parse(&address, options->bind, why, sizeof why) < 0)
        return fail(EXIT_USAGE, "--bind", why);

    int result = listener_probe(&address, &settings, why, sizeof why);

    if (result < 0)
        return fail(result == -EADDRINUSE ? EXIT_UNAVAILABLE : EXIT_FAILED, "", why);
    return 0;
}

/* One that is missing is made by a start; here it is not. */
static int check_incident_dir(const char *dir)
{
    struct stat status;
    int code = 0;

    if (!dir || (stat(dir, &status) < 0 && errno == ENOENT))
        return 0;
    if (access(dir, W_OK | X_OK) < 0)
        code = errno;
    else if (stat(dir, &status) == 0 && !S_ISDIR(status.st_mode))
        code = ENOTDIR;
    return code ? fail(EXIT_FAILED, "--incident-dir", strerror(code)) : 0;
}

int subcommand_check(int argc, char **argv)
{
    struct options options;

    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return fputs(help, stdout) < 0 || fflush(stdout) != 0 ? EXIT_FAILED : 0;

    int code = options_parse(&options, argc, argv);

    if (code == 0)
        code = check_limits(&options);
    if (code == 0)
        code = check_address(&options);
    if (code == 0)
        code = check_incident_dir(options.incident_dir);
    if (code == 0)
        printf("ok: %s can be served by %u worker%s\n", options.bind, options.worker_count,
               options.worker_count == 1 ? "" : "s");
    return code;
}
