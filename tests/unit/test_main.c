/*
 * The server's main(), included here under another name: who is played, what a start does in which order, how
 * it fails and what it leaves. Everything that it calls is stood in for.
 */
/* wrap: title_init title_drop_argument title_arguments title_set roles_is_one roles_play subcommand_run */
/* wrap: options_parse descriptors_fit settings_from_options inherit_tidy inherit_make listener_open */
/* wrap: listener_remove_path incident_prepare logoutput_open logoutput_close pidfile_write pidfile_remove */
/* wrap: control_socket_open control_socket_remove shared_pages_create facts_write imagepost_keep_own */
/* wrap: master_block_signals master_run program_path passed_count passed_listener metrics_socket_open */

/* Before cmocka, which has a fail() of its own. */
#define main server_main
int server_main(int argc, char **argv);
#include "master/faults.h"
#include "master/main.c"
#undef main

#include "tests/support/cmocka_all.h"
#include "tests/support/worker_fixture.h"

#include <stdarg.h>
#include <stdlib.h>

enum {
    GRANTED = 500,
    READY_FD = 5,
    TIDY_READY_FD = 200,
    LISTENER_FD = 300,
    CONTROL_FD = 301,
    BACKLOG = 64,
    SERVICE_CODE = 42,
    ROLE_CODE = 43,
    SUBCOMMAND_CODE = 44,
};

static struct worker_fixture fixture;
static char calls[1024]; /* in their order, a word each */
static char said[4096];  /* on stderr */
static char word_server[] = "prefork-upper", word_option[] = "--workers=2", word_role[] = "--as-a-role",
            word_check[] = "check", word_more[] = "more";
static char *title_words[] = {word_server, word_more, NULL};

/* What the start is given, and what fails of it. */
static struct options given;
static int parse_code;
static const char *failing; /* the call that fails with `error` */
static int error_number;
static struct listener bound;
static int opened_control_fd;
static const char *control_missing;

/* What was seen at the calls. */
static struct service_setup run_setup;
static struct service_facts written;
static struct listener_settings opened;
static struct listener removed;
static int played_argc, subcommand_argc, made_with[2];
static char **played_argv;
static uint32_t asked_connections, reserved, settings_connections;
static bool asked_for;

static int passed; /* descriptors by socket activation */
static const char *asked_bind;

static int call(const char *word)
{
    size_t used = strlen(calls);

    snprintf(calls + used, sizeof calls - used, "%s%s", used ? " " : "", word);
    return failing && strcmp(failing, word) == 0 ? error_number : 0;
}

/* ---- in place of other modules ---- */

void __wrap_title_init(int argc, char **argv);
void __wrap_title_init(int argc, char **argv)
{
    assert_true(argc >= 1 && argv[0] == word_server);
    call("title");
}

void __wrap_title_drop_argument(void);
void __wrap_title_drop_argument(void)
{
    call("drop");
}

char **__wrap_title_arguments(void);
char **__wrap_title_arguments(void)
{
    return title_words;
}

void __wrap_title_set(const char *format, ...);
void __wrap_title_set(const char *format, ...)
{
    assert_string_equal(format, "prefork-upper: master");
    call("title_set");
}

int __wrap_roles_is_one(const char *argument);
int __wrap_roles_is_one(const char *argument)
{
    return argument == word_role;
}

int __wrap_roles_play(const char *argument, int argc, char **argv);
int __wrap_roles_play(const char *argument, int argc, char **argv)
{
    assert_ptr_equal(argument, word_role);
    played_argc = argc;
    played_argv = argv;
    call("play");
    return ROLE_CODE;
}

int __wrap_subcommand_run(int argc, char **argv);
int __wrap_subcommand_run(int argc, char **argv)
{
    assert_ptr_equal(argv[0], word_check);
    assert_ptr_equal(argv[1], word_more);
    subcommand_argc = argc;
    call("subcommand");
    return SUBCOMMAND_CODE;
}

int __wrap_options_parse(struct options *options, int argc, char **argv);
int __wrap_options_parse(struct options *options, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    call("options");
    *options = given;
    return parse_code;
}

int __wrap_descriptors_fit(uint32_t wanted, bool was_asked_for, uint32_t given_reserved, uint32_t *granted,
                           char error[], size_t error_size);
int __wrap_descriptors_fit(uint32_t wanted, bool was_asked_for, uint32_t given_reserved, uint32_t *granted,
                           char error[], size_t error_size)
{
    asked_connections = wanted;
    asked_for = was_asked_for;
    reserved = given_reserved;
    *granted = GRANTED;
    snprintf(error, error_size, "too many");
    return call("descriptors");
}

int __wrap_settings_from_options(struct service_settings *settings, const struct options *options,
                                 uint32_t connection_count_max, char error[], size_t error_size);
int __wrap_settings_from_options(struct service_settings *settings, const struct options *options,
                                 uint32_t connection_count_max, char error[], size_t error_size)
{
    (void)options;
    settings_connections = connection_count_max;
    *settings = (struct service_settings){.number = 1, .worker_count = 2};
    snprintf(error, error_size, "no such settings");
    return call("settings");
}

int __wrap_inherit_tidy(int *ready_fd, int passed_count);
int __wrap_inherit_tidy(int *ready_fd, int passed_count)
{
    assert_int_equal(passed_count, passed > 0 ? passed : 0);
    assert_int_equal(*ready_fd, READY_FD);
    *ready_fd = TIDY_READY_FD;
    return call("tidy");
}

int __wrap_listener_open(struct listener *listener, const struct address *address,
                         const struct listener_settings *settings, char error[], size_t error_size);
int __wrap_listener_open(struct listener *listener, const struct address *address,
                         const struct listener_settings *settings, char error[], size_t error_size)
{
    assert_string_equal(address->text, given.bind);
    opened = *settings;
    *listener = bound;
    snprintf(error, error_size, "cannot bind");
    return call("listener");
}

int __wrap_passed_count(void);
int __wrap_passed_count(void)
{
    return passed;
}

int __wrap_passed_listener(struct listener *listener, const char *bind,
                           const struct listener_settings *settings, char error[], size_t error_size);
int __wrap_passed_listener(struct listener *listener, const char *bind,
                           const struct listener_settings *settings, char error[], size_t error_size)
{
    asked_bind = bind;
    opened = *settings;
    *listener = bound;
    listener->is_passed = true;
    snprintf(error, error_size, "not that one");
    return call("passed");
}

int __wrap_metrics_socket_open(const char *text, char where[PEER_TEXT_SIZE], char error[], size_t error_size);
int __wrap_metrics_socket_open(const char *text, char where[PEER_TEXT_SIZE], char error[], size_t error_size)
{
    assert_ptr_equal(text, given.metrics);
    snprintf(where, PEER_TEXT_SIZE, "127.0.0.1:9100");
    snprintf(error, error_size, "not there");
    return call("metrics");
}

void __wrap_listener_remove_path(const struct listener *listener);
void __wrap_listener_remove_path(const struct listener *listener)
{
    removed = *listener;
    call("remove_path");
}

int __wrap_incident_prepare(const char *dir);
int __wrap_incident_prepare(const char *dir)
{
    assert_string_equal(dir, given.incident_dir);
    return call("incident");
}

int __wrap_logoutput_open(struct logoutput *output, const char *path);
int __wrap_logoutput_open(struct logoutput *output, const char *path)
{
    (void)output;
    assert_ptr_equal(path, given.log_file);
    return call("log_open");
}

void __wrap_logoutput_close(struct logoutput *output);
void __wrap_logoutput_close(struct logoutput *output)
{
    (void)output;
    call("log_close");
}

int __wrap_pidfile_write(const char *path, char error[], size_t error_size);
int __wrap_pidfile_write(const char *path, char error[], size_t error_size)
{
    assert_string_equal(path, given.pid_file);
    snprintf(error, error_size, "no pid file");
    return call("pidfile");
}

void __wrap_pidfile_remove(const char *path);
void __wrap_pidfile_remove(const char *path)
{
    assert_ptr_equal(path, given.pid_file);
    call("remove_pidfile");
}

int __wrap_control_socket_open(struct control_socket *control, const char *wanted, const char *address,
                               char why[CONTROL_WHY_SIZE]);
int __wrap_control_socket_open(struct control_socket *control, const char *wanted, const char *address,
                               char why[CONTROL_WHY_SIZE])
{
    int result = call("control");

    assert_ptr_equal(wanted, given.control);
    assert_string_equal(address, bound.bound);
    *control = (struct control_socket){.fd = opened_control_fd, .path = "/run/c.sock"};
    snprintf(why, CONTROL_WHY_SIZE, "%s", result ? "somebody is there" : control_missing);
    return result;
}

void __wrap_control_socket_remove(const struct control_socket *control);
void __wrap_control_socket_remove(const struct control_socket *control)
{
    (void)control;
    call("remove_control");
}

int __wrap_inherit_make(int listener_fd, int control_fd);
int __wrap_inherit_make(int listener_fd, int control_fd)
{
    made_with[0] = listener_fd;
    made_with[1] = control_fd;
    return call("inherit");
}

int __wrap_shared_pages_create(struct shared_pages **pages);
int __wrap_shared_pages_create(struct shared_pages **pages)
{
    *pages = fixture.pages;
    return call("pages");
}

void __wrap_facts_write(struct shared_pages *pages, const struct service_facts *facts);
void __wrap_facts_write(struct shared_pages *pages, const struct service_facts *facts)
{
    assert_ptr_equal(pages, fixture.pages);
    written = *facts;
    call("facts");
}

int __wrap_imagepost_keep_own(struct shared_pages *pages, char why[], size_t why_size);
int __wrap_imagepost_keep_own(struct shared_pages *pages, char why[], size_t why_size)
{
    assert_ptr_equal(pages, fixture.pages);
    snprintf(why, why_size, "no room");
    return call("own_image");
}

void __wrap_master_block_signals(void);
void __wrap_master_block_signals(void)
{
    call("block");
}

int __wrap_master_run(struct service_setup *setup);
int __wrap_master_run(struct service_setup *setup)
{
    run_setup = *setup;
    assert_ptr_equal(setup->argv[0], word_server);
    assert_ptr_equal(setup->options->bind, given.bind);
    call("run");
    return SERVICE_CODE;
}

void __wrap_program_path(const char *name, char out[], size_t size);
void __wrap_program_path(const char *name, char out[], size_t size)
{
    assert_ptr_equal(name, word_server);
    assert_int_equal(size, SETTINGS_PATH_SIZE);
    snprintf(out, size, "/opt/prefork-upper");
}

/* ---- setup ---- */

static int begin(void **state)
{
    (void)state;
    calls[0] = '\0';
    worker_fixture_open(&fixture, (struct fixture_options){0});
    log_init(-1, LOG_LEVEL_ERROR); /* that there is a log is the start's work */
    given = (struct options){.bind = "127.0.0.1:4242",
                             .backlog = BACKLOG,
                             .unix_mode = 0611,
                             .write_timeout_ms = 7000,
                             .max_connections = GRANTED,
                             .ready_fd = READY_FD,
                             .log_level = LOG_LEVEL_INFO};
    bound =
        (struct listener){.fd = LISTENER_FD, .bound = "127.0.0.1:4242", .ino = 8, .backlog_granted = BACKLOG};
    parse_code = error_number = passed = 0;
    asked_bind = "nobody has looked";
    failing = NULL;
    opened_control_fd = CONTROL_FD;
    control_missing = "";
    return 0;
}

static int end(void **state)
{
    (void)state;
    worker_fixture_close(&fixture);
    return 0;
}

/* Runs main() with that first argument, NULL: none; and another one behind it. */
static int run(char *first)
{
    char *argv[] = {word_server, first, first ? word_more : NULL, NULL};
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);

    assert_non_null(file);
    assert_true(saved >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
    int code = server_main(first ? 3 : 1, argv);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(file);
    said[fread(said, 1, sizeof said - 1, file)] = '\0';
    fclose(file);
    return code;
}

#define SERVED  "inherit pages facts own_image title_set block run remove_control remove_path remove_pidfile"
#define CLEARED "remove_control remove_path remove_pidfile"
#define BEGUN   "title options descriptors settings tidy listener "

static void expect_failure(const char *call_word, int number, int code, const char *words)
{
    failing = call_word;
    error_number = number;
    calls[0] = '\0';
    assert_int_equal(run(NULL), code);
    assert_string_equal(said, words);
}

static void expect_in_log(const char *words)
{
    char text[LOG_TEXT_LENGTH_MAX + 1] = "nothing";

    if (!worker_fixture_read_log(text, sizeof text) || !strstr(text, words))
        fail_msg("%s is not next in the log, but: %s", words, text);
}

static void expect_nothing_in_log(void)
{
    char text[LOG_TEXT_LENGTH_MAX + 1];

    if (worker_fixture_read_log(text, sizeof text))
        fail_msg("logged: %s", text);
}

/* ---- who is played ---- */

static void main__role__played_with_the_services_own_command_line(void **state)
{
    (void)state;
    assert_int_equal(run(word_role), ROLE_CODE);
    assert_string_equal(calls, "title drop play");
    assert_int_equal(played_argc, 2);
    assert_ptr_equal(played_argv, title_words);
}

static void main__word__subcommand(void **state)
{
    (void)state;
    assert_int_equal(run(word_check), SUBCOMMAND_CODE);
    assert_string_equal(calls, "title subcommand");
    assert_int_equal(subcommand_argc, 2);
}

static void main__option_or_nothing__serves(void **state)
{
    (void)state;
    assert_int_equal(run(word_option), SERVICE_CODE);
    assert_int_equal(run_setup.argc, 3);
    calls[0] = '\0';
    assert_int_equal(run(NULL), SERVICE_CODE);
    assert_string_equal(calls, BEGUN "log_open log_close control " SERVED);
    assert_string_equal(said, "");
}

static void main__wrong_usage__its_code_and_nothing_is_started(void **state)
{
    (void)state;
    parse_code = EXIT_USAGE;
    assert_int_equal(run(NULL), EXIT_USAGE);
    assert_string_equal(calls, "title options");
}

/* ---- a start that goes well ---- */

static void start__everything_named__prepared_in_this_order(void **state)
{
    (void)state;
    given.incident_dir = "/i";
    given.log_file = "/l";
    given.pid_file = "/p";
    assert_int_equal(run(NULL), SERVICE_CODE);
    assert_string_equal(calls, BEGUN "incident log_open log_close pidfile control " SERVED);
    expect_nothing_in_log();
}

static void start__listener__with_its_options(void **state)
{
    (void)state;
    run(NULL);
    assert_int_equal(opened.backlog, BACKLOG);
    assert_int_equal(opened.unix_mode, 0611);
    assert_int_equal(opened.write_timeout_ms, 7000);
    assert_int_equal(made_with[0], LISTENER_FD);
    assert_int_equal(made_with[1], CONTROL_FD);
    assert_int_equal(removed.ino, 8);
}

static void start__limits__a_reserve_beside_the_connections(void **state)
{
    (void)state;
    given.max_connections = 1234;
    given.max_connections_asked = true;
    run(NULL);
    assert_int_equal(asked_connections, 1234);
    assert_true(asked_for);
    assert_int_equal(reserved, FIRST_CONNECTION + DESCRIPTOR_RESERVE);
    assert_int_equal(settings_connections, GRANTED);
}

static void start__what_the_service_knows__as_it_was_found(void **state)
{
    (void)state;
    bound.is_unix = true;
    run(NULL);
    assert_ptr_equal(run_setup.pages, fixture.pages);
    assert_int_equal(run_setup.argc, 1);
    assert_int_equal(run_setup.ready_fd, TIDY_READY_FD);
    assert_int_equal(run_setup.connection_count_max, GRANTED);
    assert_int_equal(run_setup.backlog_granted, BACKLOG);
    assert_true(run_setup.listener_is_unix);
    assert_string_equal(run_setup.bound, "127.0.0.1:4242");
    assert_string_equal(run_setup.control.path, "/run/c.sock");
    assert_string_equal(run_setup.program, "/opt/prefork-upper");
    assert_int_equal(run_setup.settings.worker_count, 2);
    assert_true(fixture.pages->orders.start_ns > 0);
    assert_true(fixture.pages->orders.layout == facts_layout());
}

static void start__facts__for_the_master_of_another_image(void **state)
{
    (void)state;
    struct options options;

    given.pid_file = "/some/pid";
    run(NULL);
    options_unpack(&options, &written.options);
    assert_string_equal(options.pid_file, "/some/pid");
    assert_string_equal(options.bind, given.bind);
    assert_int_equal(written.listener.ino, 8);
    assert_string_equal(written.setup.bound, "127.0.0.1:4242");
}

static void start__log_level__that_of_all_processes(void **state)
{
    (void)state;
    given.log_level = LOG_LEVEL_DEBUG;
    run(NULL);
    assert_int_equal(atomic_load(&fixture.pages->orders.log_level), LOG_LEVEL_DEBUG);
}

/* ---- socket activation ---- */

static void passed__no_address_asked_for__taken_and_said(void **state)
{
    (void)state;
    passed = 1;
    given.bind_asked = false;
    bound.backlog_granted = 7; /* is not ours to lower */
    setenv("LISTEN_FDNAMES", "upper", 1);
    assert_int_equal(run(NULL), SERVICE_CODE);
    unsetenv("LISTEN_FDNAMES");
    assert_string_equal(calls,
                        "title options descriptors settings tidy passed log_open log_close control " SERVED);
    assert_null(asked_bind);
    assert_int_equal(opened.write_timeout_ms, 7000);
    assert_true(run_setup.listener_is_passed);
    assert_true(removed.is_passed);
    expect_in_log("event=listener_passed address=127.0.0.1:4242 name=upper");
    expect_nothing_in_log();
}

static void passed__address_asked_for__compared(void **state)
{
    (void)state;
    passed = 1;
    given.bind_asked = true;
    assert_int_equal(run(NULL), SERVICE_CODE);
    assert_string_equal(asked_bind, given.bind);
    expect_failure("passed", -EADDRNOTAVAIL, EXIT_USAGE, "prefork-upper: --bind: not that one\n");
    assert_string_equal(calls, "title options descriptors settings tidy passed");
}

static void passed__no_good__64_or_1(void **state)
{
    (void)state;
    passed = -EINVAL;
    expect_failure("passed", -EINVAL, EXIT_USAGE, "prefork-upper: socket activation: not that one\n");
    expect_failure("passed", -EPERM, EXIT_FAILED, "prefork-upper: socket activation: not that one\n");
}

/* ---- metrics ---- */

static void metrics__asked_for__opened_before_anything_is_shared(void **state)
{
    (void)state;
    given.metrics = ":9100";
    assert_int_equal(run(NULL), SERVICE_CODE);
    assert_string_equal(calls, BEGUN "log_open log_close control metrics " SERVED);
    assert_string_equal(run_setup.metrics_bound, "127.0.0.1:9100");
    assert_string_equal(written.setup.metrics_bound, "127.0.0.1:9100");
}

static void metrics__cannot_be_opened__64_or_69_or_1(void **state)
{
    (void)state;
    given.metrics = ":9100";
    expect_failure("metrics", -EINVAL, EXIT_USAGE, "prefork-upper: --metrics: not there\n");
    assert_string_equal(calls, BEGUN "log_open log_close control metrics " CLEARED);
    expect_failure("metrics", -EADDRINUSE, EXIT_UNAVAILABLE, "prefork-upper: --metrics: not there\n");
    expect_failure("metrics", -EACCES, EXIT_FAILED, "prefork-upper: --metrics: not there\n");
}

/* ---- a trial of faults ---- */

static void fault__good__ordered_before_anybody_is_forked(void **state)
{
    char why[FAULT_WHY_SIZE];

    (void)state;
    given.fault = "accept:EMFILE:1/3";
    if (faults_check(given.fault, why) != 0)
        skip(); /* FAULTS=0 */
    assert_int_equal(run(NULL), SERVICE_CODE);
    assert_int_equal(fixture.pages->orders.faults.armed, 1u << FAULT_accept);
    expect_in_log("event=faults spec=accept:EMFILE:1/3");
}

static void fault__bad__64_and_nothing_is_started(void **state)
{
    (void)state;
    given.fault = "acept:EMFILE:1/3";
    assert_int_equal(run(NULL), EXIT_USAGE);
    assert_int_equal(strncmp(said, "prefork-upper: --fault: ", 24), 0);
    assert_string_equal(calls, "title options descriptors settings");
}

/* ---- not quite as it was asked for ---- */

static void adjusted__connections(void **state)
{
    (void)state;
    given.max_connections = 1000;
    assert_int_equal(run(NULL), SERVICE_CODE);
    expect_in_log("event=adjusted option=--max-connections asked=1000 got=500 why=");
    expect_nothing_in_log();
}

static void adjusted__backlog(void **state)
{
    (void)state;
    bound.backlog_granted = 32;
    assert_int_equal(run(NULL), SERVICE_CODE);
    expect_in_log("event=adjusted option=--backlog asked=64 got=32 why=net.core.somaxconn");
    expect_nothing_in_log();
}

static void adjusted__no_control_socket__serves_all_the_same(void **state)
{
    (void)state;
    opened_control_fd = -1;
    control_missing = "the folder is not ours";
    assert_int_equal(run(NULL), SERVICE_CODE);
    expect_in_log("event=adjusted option=--control asked=default got=off why=\"the folder is not ours\"");
    expect_nothing_in_log();
    assert_int_equal(made_with[1], -1);
}

static void own_image__cannot_be_kept__said_and_served(void **state)
{
    (void)state;
    failing = "own_image";
    error_number = -ENOSPC;
    assert_int_equal(run(NULL), SERVICE_CODE);
    expect_in_log("event=failed what=own_image why=\"no room\"");
}

/* ---- a start that fails ---- */

static void fails__before_there_is_a_listener__nothing_to_remove(void **state)
{
    (void)state;
    expect_failure("descriptors", -EMFILE, EXIT_USAGE, "prefork-upper: --max-connections: too many\n");
    assert_string_equal(calls, "title options descriptors");
    expect_failure("settings", -ENAMETOOLONG, EXIT_USAGE, "prefork-upper: no such settings\n");
    assert_string_equal(calls, "title options descriptors settings");
    expect_failure(
        "tidy", -EMFILE, EXIT_FAILED,
        "prefork-upper: cannot arrange descriptors (/dev/null, --ready-fd): Too many open files\n");
    assert_string_equal(calls, "title options descriptors settings tidy");
}

static void fails__no_address__64_and_the_option(void **state)
{
    (void)state;
    given.bind = "127.0.0.1:99999";
    assert_int_equal(run(NULL), EXIT_USAGE);
    assert_int_equal(strncmp(said, "prefork-upper: --bind: ", 23), 0);
    assert_string_equal(calls, "title options descriptors settings tidy");
}

static void fails__listener__69_in_use_else_1(void **state)
{
    (void)state;
    expect_failure("listener", -EADDRINUSE, EXIT_UNAVAILABLE, "prefork-upper: cannot bind\n");
    expect_failure("listener", -EACCES, EXIT_FAILED, "prefork-upper: cannot bind\n");
    assert_string_equal(calls, "title options descriptors settings tidy listener");
}

static void fails__path_that_cannot_be_written__1_and_what_was_made_is_removed(void **state)
{
    (void)state;
    given.incident_dir = "/i";
    given.log_file = "/l";
    given.pid_file = "/p";
    expect_failure("incident", -EACCES, EXIT_FAILED,
                   "prefork-upper: --incident-dir /i: cannot write there: Permission denied\n");
    assert_string_equal(calls, BEGUN "incident " CLEARED);
    expect_failure("log_open", -EISDIR, EXIT_FAILED,
                   "prefork-upper: --log-file /l: cannot write there: Is a directory\n");
    assert_string_equal(calls, BEGUN "incident log_open log_close " CLEARED);
    expect_failure("pidfile", -EEXIST, EXIT_FAILED, "prefork-upper: no pid file\n");
    assert_string_equal(calls, BEGUN "incident log_open log_close pidfile " CLEARED);
}

static void fails__control_socket__69_in_use_else_1(void **state)
{
    (void)state;
    expect_failure("control", -EADDRINUSE, EXIT_UNAVAILABLE, "prefork-upper: --control: somebody is there\n");
    assert_string_equal(calls, BEGUN "log_open log_close control " CLEARED);
    expect_failure("control", -EACCES, EXIT_FAILED, "prefork-upper: --control: somebody is there\n");
}

static void fails__machine_has_no_more__1_and_what_was_made_is_removed(void **state)
{
    (void)state;
    expect_failure("inherit", -EMFILE, EXIT_FAILED, "prefork-upper: cannot set up: Too many open files\n");
    assert_string_equal(calls, BEGUN "log_open log_close control inherit " CLEARED);
    expect_failure("pages", -ENOMEM, EXIT_FAILED, "prefork-upper: cannot set up: Cannot allocate memory\n");
    assert_string_equal(calls, BEGUN "log_open log_close control inherit pages " CLEARED);
}

/* Another image could not be told them. */
static void fails__paths_too_long_together__64_and_what_was_made_is_removed(void **state)
{
    static char path[OPTIONS_TEXT_BYTES + 1];

    (void)state;
    memset(path, 'x', sizeof path - 1);
    given.log_file = path;
    assert_int_equal(run(NULL), EXIT_USAGE);
    assert_string_equal(said, "prefork-upper: the paths of the options are too long together\n");
    assert_string_equal(calls, BEGUN "log_open log_close control inherit pages " CLEARED);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(main__role__played_with_the_services_own_command_line),
        TEST(main__word__subcommand),
        TEST(main__option_or_nothing__serves),
        TEST(main__wrong_usage__its_code_and_nothing_is_started),
        TEST(start__everything_named__prepared_in_this_order),
        TEST(start__listener__with_its_options),
        TEST(start__limits__a_reserve_beside_the_connections),
        TEST(start__what_the_service_knows__as_it_was_found),
        TEST(start__facts__for_the_master_of_another_image),
        TEST(start__log_level__that_of_all_processes),
        TEST(passed__no_address_asked_for__taken_and_said),
        TEST(passed__address_asked_for__compared),
        TEST(passed__no_good__64_or_1),
        TEST(metrics__asked_for__opened_before_anything_is_shared),
        TEST(metrics__cannot_be_opened__64_or_69_or_1),
        TEST(fault__good__ordered_before_anybody_is_forked),
        TEST(fault__bad__64_and_nothing_is_started),
        TEST(adjusted__connections),
        TEST(adjusted__backlog),
        TEST(adjusted__no_control_socket__serves_all_the_same),
        TEST(own_image__cannot_be_kept__said_and_served),
        TEST(fails__before_there_is_a_listener__nothing_to_remove),
        TEST(fails__no_address__64_and_the_option),
        TEST(fails__listener__69_in_use_else_1),
        TEST(fails__path_that_cannot_be_written__1_and_what_was_made_is_removed),
        TEST(fails__control_socket__69_in_use_else_1),
        TEST(fails__paths_too_long_together__64_and_what_was_made_is_removed),
        TEST(fails__machine_has_no_more__1_and_what_was_made_is_removed),
    };

    return cmocka_run_group_tests_name("main", tests, NULL, NULL);
}
