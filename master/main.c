/*
 * prefork-upper: reads the options, makes what all processes share, becomes the master.
 *
 * Everything that may fail for the user's reasons happens here, before the first fork: one line, an exit
 * code, and nothing was started.
 */
#include "master/address.h"
#include "master/conflicts.h"
#include "master/control_socket.h"
#include "master/descriptors.h"
#include "master/facts.h"
#include "master/faults.h"
#include "master/identity.h"
#include "master/imagepost.h"
#include "master/incident.h"
#include "master/inherit.h"
#include "master/listener.h"
#include "master/logoutput.h"
#include "master/master.h"
#include "master/metrics_socket.h"
#include "master/options.h"
#include "master/passed.h"
#include "master/pidfile.h"
#include "master/program.h"
#include "master/roles.h"
#include "master/subcommand.h"
#include "worker/board.h"
#include "worker/clock.h"
#include "worker/heritage.h"
#include "worker/log.h"
#include "worker/sandbox.h"
#include "worker/title.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define ERROR_SIZE 1024

static int fail(int exit_code, const char *why)
{
    fprintf(stderr, "prefork-upper: %s\n", why);
    return exit_code;
}

/* ---- start ---- */

static void log_adjustments(const struct options *options, const struct service_setup *setup)
{
    if (setup->connection_count_max != options->max_connections)
        log_event(
            LOG_LEVEL_WARN,
            "event=adjusted option=--max-connections asked=%u got=%u why=\"the hard limit of open files\"",
            options->max_connections, setup->connection_count_max);
    if (setup->backlog_granted != options->backlog && !setup->listener_is_passed)
        log_event(LOG_LEVEL_WARN, "event=adjusted option=--backlog asked=%d got=%d why=net.core.somaxconn",
                  options->backlog, setup->backlog_granted);
    if (setup->sandbox.mode != options->sandbox)
        log_event(LOG_LEVEL_WARN, "event=adjusted option=--sandbox asked=%s got=%s why=%s",
                  sandbox_mode_name(options->sandbox),
                  sandbox_mode_name((enum sandbox_mode)setup->sandbox.mode), sandbox_unfit());
    if (setup->control_missing[0]) {
        char why[2 * CONTROL_WHY_SIZE];
        log_quote(why, sizeof why, setup->control_missing);
        log_event(LOG_LEVEL_WARN, "event=adjusted option=--control asked=default got=off why=%s", why);
    }
}

static void log_passed(const struct service_setup *setup)
{
    char address[2 * PEER_TEXT_SIZE], names[PASSED_NAMES_SIZE];
    if (!setup->listener_is_passed)
        return;
    log_quote(address, sizeof address, setup->bound);
    log_quote(names, sizeof names, passed_names());
    log_event(LOG_LEVEL_INFO, "event=listener_passed address=%s name=%s", address, names);
}

static int fail_bind(const struct options *options, const char *why, char error[ERROR_SIZE])
{
    char origin[OPTION_ORIGIN_SIZE];
    options_origin(options, "bind", origin);
    snprintf(error, ERROR_SIZE, "%s: %s", origin, why);
    return EXIT_USAGE;
}

/* What systemd or the like has opened for us, at the address that was asked for if one was. */
static int take_listener(struct listener *listener, const struct options *options,
                         const struct listener_settings *settings, char error[ERROR_SIZE])
{
    char why[ERROR_SIZE - OPTION_ORIGIN_SIZE - 8];
    int result =
        passed_listener(listener, options->bind_asked ? options->bind : NULL, settings, why, sizeof why);
    if (result == 0)
        return 0;
    if (result == -EADDRNOTAVAIL)
        return fail_bind(options, why, error);
    snprintf(error, ERROR_SIZE, "socket activation: %s", why);
    return result == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
}

static int open_listener(struct listener *listener, const struct options *options, char error[ERROR_SIZE])
{
    struct address address;
    char why[ERROR_SIZE - OPTION_ORIGIN_SIZE - 8];
    const struct listener_settings settings = {
        .backlog = options->backlog,
        .unix_mode = options->unix_mode,
        .write_timeout_ms = options->write_timeout_ms,
    };
    if (passed_count() != 0) {
        master_block_signals();
        return take_listener(listener, options, &settings, error);
    }
    if (address_parse(&address, options->bind, why, sizeof why) < 0)
        return fail_bind(options, why, error);
    /* A name may take long to be looked up; from here on there are files to be removed, and a pid file that says whom to
     * signal: what comes waits for the master's loop. */
    master_block_signals();
    int result = listener_open(listener, &address, &settings, error, ERROR_SIZE);
    if (result == -EADDRINUSE)
        return EXIT_UNAVAILABLE;
    return result < 0 ? EXIT_FAILED : 0;
}

/* The socket for commands. Without one at the usual place the server serves all the same, and says so. */
static int open_control(struct service_setup *setup, char error[ERROR_SIZE])
{
    char why[CONTROL_WHY_SIZE];
    int result = control_socket_open(&setup->control, setup->options->control, setup->bound, why);
    if (result == 0) {
        memcpy(setup->control_missing, why, sizeof why);
        return 0;
    }
    char origin[OPTION_ORIGIN_SIZE];
    options_origin(setup->options, "control", origin);
    snprintf(error, ERROR_SIZE, "%s: %s", origin, why);
    return result == -EADDRINUSE ? EXIT_UNAVAILABLE : EXIT_FAILED;
}

/* Where metrics are asked for, if anywhere. */
static int open_metrics(struct service_setup *setup, char error[ERROR_SIZE])
{
    char why[ERROR_SIZE - OPTION_ORIGIN_SIZE - 8], origin[OPTION_ORIGIN_SIZE];
    if (!setup->options->metrics)
        return 0;
    int result = metrics_socket_open(setup->options->metrics, setup->metrics_bound, why, sizeof why);
    if (result == 0)
        return 0;
    options_origin(setup->options, "metrics", origin);
    snprintf(error, ERROR_SIZE, "%s: %s", origin, why);
    if (result == -EINVAL)
        return EXIT_USAGE;
    return result == -EADDRINUSE ? EXIT_UNAVAILABLE : EXIT_FAILED;
}

/* For the master of another image, should there be one. */
static int keep_facts(const struct service_setup *setup, const struct listener *listener)
{
    static struct service_facts facts;
    facts = (struct service_facts){.setup = *setup, .listener = *listener};
    int error = options_pack(&facts.options, setup->options);
    if (!error)
        facts_write(setup->pages, &facts);
    return error;
}

static void keep_own_image(struct shared_pages *pages)
{
    char why[IMAGE_WHY_SIZE], quoted[2 * IMAGE_WHY_SIZE];
    if (imagepost_keep_own(pages, why, sizeof why) == 0)
        return;
    log_quote(quoted, sizeof quoted, why);
    log_event(LOG_LEVEL_WARN, "event=failed what=own_image why=%s", quoted);
}

/* From here on the listener exists; what fails now is the machine's fault, not the user's. */
static int serve(struct service_setup *setup, const struct listener *listener)
{
    int error = inherit_make(listener->fd, setup->control.fd);
    if (!error)
        error = shared_pages_create(&setup->pages);
    if (error) {
        char why[ERROR_SIZE];
        snprintf(why, sizeof why, "cannot set up: %s", strerror(-error));
        return fail(EXIT_FAILED, why);
    }
    setup->pages->orders.start_ns = clock_now_ns();
    setup->pages->orders.layout = facts_layout();
    error = keep_facts(setup, listener);
    if (error)
        return fail(EXIT_USAGE, "the paths of the options are too long together");
    log_init(FD_LOG, setup->options->log_level);
    log_share_level(&setup->pages->orders.log_level);
    log_set_level(setup->options->log_level);
    log_passed(setup);
    log_adjustments(setup->options, setup);
    if (setup->options->fault)
        faults_order(setup->pages, setup->options->fault, (char[FAULT_WHY_SIZE]){0}); /* was checked */
    keep_own_image(setup->pages);
    sandbox_prepare((enum sandbox_mode)setup->sandbox.mode);
    title_set("prefork-upper: master");
    return master_run(setup);
}

/* Nothing is written yet: the supervisor opens it again, and each one after it. */
static int prepare_log_file(const char *path)
{
    struct logoutput output;
    int error = logoutput_open(&output, path);
    logoutput_close(&output);
    return error;
}

static int fail_path(const struct options *options, const char *option, const char *path, int error)
{
    char why[ERROR_SIZE], origin[OPTION_ORIGIN_SIZE];
    options_origin(options, option, origin);
    snprintf(why, sizeof why, "%s: cannot write to %s: %s", origin, path, strerror(-error));
    return fail(EXIT_FAILED, why);
}

static int check_faults(const struct options *options)
{
    char why[FAULT_WHY_SIZE];
    if (!options->fault || faults_check(options->fault, why) == 0)
        return 0;
    fprintf(stderr, "prefork-upper: --fault: %s\n", why);
    return EXIT_USAGE;
}

/* A program that cannot be confined serves all the same, and says so. */
static int plan_sandbox(struct sandbox_plan *plan, const struct options *options, char why[ERROR_SIZE])
{
    const char *option;
    char reason[ERROR_SIZE - OPTION_ORIGIN_SIZE - 8], origin[OPTION_ORIGIN_SIZE];
    plan->mode = sandbox_unfit() ? SANDBOX_OFF : options->sandbox;
    if (identity_find(options->user, options->group, plan, &option, reason, sizeof reason) == 0)
        return 0;
    options_origin(options, option, origin);
    snprintf(why, ERROR_SIZE, "%s: %s", origin, reason);
    return EXIT_USAGE;
}

static int start(struct options *options, int argc, char **argv)
{
    char why[ERROR_SIZE];
    struct service_setup setup = {
        .options = options, .argc = argc, .argv = argv, .ready_fd = options->ready_fd};
    if (descriptors_fit(options->max_connections, options->max_connections_asked,
                        FIRST_CONNECTION + DESCRIPTOR_RESERVE, &setup.connection_count_max, why,
                        sizeof why) < 0) {
        char origin[OPTION_ORIGIN_SIZE];
        options_origin(options, "max-connections", origin);
        fprintf(stderr, "prefork-upper: %s: %s\n", origin, why);
        return EXIT_USAGE;
    }
    if (settings_from_options(&setup.settings, options, setup.connection_count_max, why, sizeof why) < 0)
        return fail(EXIT_USAGE, why);
    if (check_faults(options) != 0)
        return EXIT_USAGE;
    if (conflicts_find(options, why, sizeof why) < 0)
        return fail(EXIT_USAGE, why);
    if (plan_sandbox(&setup.sandbox, options, why) != 0)
        return fail(EXIT_USAGE, why);
    int error = inherit_tidy(&setup.ready_fd, passed_count() > 0 ? passed_count() : 0);
    if (error) {
        snprintf(why, sizeof why, "cannot arrange descriptors (/dev/null, --ready-fd): %s", strerror(-error));
        return fail(EXIT_FAILED, why);
    }
    struct listener listener;
    program_path(argv[0], setup.program, sizeof setup.program);
    int exit_code = open_listener(&listener, options, why);
    if (exit_code)
        return fail(exit_code, why);
    setup.backlog_granted = listener.backlog_granted;
    setup.listener_is_unix = listener.is_unix;
    setup.listener_is_passed = listener.is_passed;
    memcpy(setup.bound, listener.bound, sizeof setup.bound);
    error = options->incident_dir ? incident_prepare(options->incident_dir) : 0;
    if (error)
        exit_code = fail_path(options, "incident-dir", options->incident_dir, error);
    else if ((error = prepare_log_file(options->log_file)))
        exit_code = fail_path(options, "log-file", options->log_file, error);
    else if (options->pid_file && pidfile_write(options->pid_file, why, sizeof why) < 0)
        exit_code = fail(EXIT_FAILED, why);
    else if ((exit_code = open_control(&setup, why)) != 0 || (exit_code = open_metrics(&setup, why)) != 0)
        fail(exit_code, why);
    else
        exit_code = serve(&setup, &listener);
    control_socket_remove(&setup.control);
    listener_remove_path(&listener);
    pidfile_remove(options->pid_file);
    return exit_code;
}

int main(int argc, char **argv)
{
    struct options options;
    title_init(argc, argv);
    if (argc > 1 && roles_is_one(argv[1])) {
        const char *role = argv[1];
        title_drop_argument();
        return roles_play(role, argc - 1, title_arguments());
    }
    if (argc > 1 && argv[1][0] != '-')
        return subcommand_run(argc - 1, argv + 1);
    int exit_code = options_parse(&options, argc, argv);
    return exit_code ? exit_code : start(&options, argc, argv);
}
