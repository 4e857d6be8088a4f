/* Before cmocka, which has a fail() of its own. */
#define main server_main
int server_main(int argc, char **argv);
#include "master/main.c"
#undef main

#include "tests/support/main_fixture.h"

#include "tests/support/cmocka_all.h"

#include <stdarg.h>

enum { READY_FD = 5 };

struct main_fixture startup = {
    .server = "prefork-upper",
    .option = "--workers=2",
    .role = "--as-a-role",
    .check = "check",
    .more = "more",
    .title = {startup.server, startup.more, NULL},
};

static int call(const char *word)
{
    size_t used = strlen(startup.calls);

    snprintf(startup.calls + used, sizeof startup.calls - used, "%s%s", used ? " " : "", word);
    return startup.failing && strcmp(startup.failing, word) == 0 ? startup.error_number : 0;
}

/* ---- who is played ---- */

void __wrap_title_init(int argc, char **argv);
void __wrap_title_init(int argc, char **argv)
{
    assert_true(argc >= 1 && argv[0] == startup.server);
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
    return startup.title;
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
    return argument == startup.role;
}

int __wrap_roles_play(const char *argument, int argc, char **argv);
int __wrap_roles_play(const char *argument, int argc, char **argv)
{
    assert_ptr_equal(argument, startup.role);
    startup.played_argc = argc;
    startup.played_argv = argv;
    call("play");
    return STARTUP_ROLE_CODE;
}

int __wrap_subcommand_run(int argc, char **argv);
int __wrap_subcommand_run(int argc, char **argv)
{
    assert_ptr_equal(argv[0], startup.check);
    assert_ptr_equal(argv[1], startup.more);
    startup.subcommand_argc = argc;
    call("subcommand");
    return STARTUP_SUBCOMMAND_CODE;
}

/* ---- a start ---- */

int __wrap_options_parse(struct options *options, int argc, char **argv);
int __wrap_options_parse(struct options *options, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    call("options");
    *options = startup.given;
    return startup.parse_code;
}

int __wrap_descriptors_fit(uint32_t wanted, bool was_asked_for, uint32_t given_reserved, uint32_t *granted,
                           char error[], size_t error_size);
int __wrap_descriptors_fit(uint32_t wanted, bool was_asked_for, uint32_t given_reserved, uint32_t *granted,
                           char error[], size_t error_size)
{
    startup.asked_connections = wanted;
    startup.asked_for = was_asked_for;
    startup.reserved = given_reserved;
    *granted = STARTUP_GRANTED;
    snprintf(error, error_size, "too many");
    return call("descriptors");
}

int __wrap_settings_from_options(struct service_settings *settings, const struct options *options,
                                 uint32_t connection_count_max, char error[], size_t error_size);
int __wrap_settings_from_options(struct service_settings *settings, const struct options *options,
                                 uint32_t connection_count_max, char error[], size_t error_size)
{
    (void)options;
    startup.settings_connections = connection_count_max;
    *settings = (struct service_settings){.number = 1, .worker_count = 2};
    snprintf(error, error_size, "no such settings");
    return call("settings");
}

int __wrap_inherit_tidy(int *ready_fd, int passed_count);
int __wrap_inherit_tidy(int *ready_fd, int passed_count)
{
    assert_int_equal(passed_count, startup.passed > 0 ? startup.passed : 0);
    assert_int_equal(*ready_fd, READY_FD);
    *ready_fd = STARTUP_TIDY_READY_FD;
    return call("tidy");
}

int __wrap_listener_open(struct listener *listener, const struct address *address,
                         const struct listener_settings *settings, char error[], size_t error_size);
int __wrap_listener_open(struct listener *listener, const struct address *address,
                         const struct listener_settings *settings, char error[], size_t error_size)
{
    assert_string_equal(address->text, startup.given.bind);
    startup.opened = *settings;
    *listener = startup.bound;
    snprintf(error, error_size, "cannot bind");
    return call("listener");
}

int __wrap_passed_count(void);
int __wrap_passed_count(void)
{
    return startup.passed;
}

int __wrap_passed_listener(struct listener *listener, const char *bind,
                           const struct listener_settings *settings, char error[], size_t error_size);
int __wrap_passed_listener(struct listener *listener, const char *bind,
                           const struct listener_settings *settings, char error[], size_t error_size)
{
    startup.asked_bind = bind;
    startup.opened = *settings;
    *listener = startup.bound;
    listener->is_passed = true;
    snprintf(error, error_size, "not that one");
    return call("passed");
}

int __wrap_metrics_socket_open(const char *text, char where[PEER_TEXT_SIZE], char error[], size_t error_size);
int __wrap_metrics_socket_open(const char *text, char where[PEER_TEXT_SIZE], char error[], size_t error_size)
{
    assert_ptr_equal(text, startup.given.metrics);
    snprintf(where, PEER_TEXT_SIZE, "127.0.0.1:9100");
    snprintf(error, error_size, "not there");
    return call("metrics");
}

void __wrap_listener_remove_path(const struct listener *listener);
void __wrap_listener_remove_path(const struct listener *listener)
{
    startup.removed = *listener;
    call("remove_path");
}

int __wrap_incident_prepare(const char *dir);
int __wrap_incident_prepare(const char *dir)
{
    assert_string_equal(dir, startup.given.incident_dir);
    return call("incident");
}

int __wrap_logoutput_open(struct logoutput *output, const char *path);
int __wrap_logoutput_open(struct logoutput *output, const char *path)
{
    (void)output;
    assert_ptr_equal(path, startup.given.log_file);
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
    assert_string_equal(path, startup.given.pid_file);
    snprintf(error, error_size, "no pid file");
    return call("pidfile");
}

void __wrap_pidfile_remove(const char *path);
void __wrap_pidfile_remove(const char *path)
{
    assert_ptr_equal(path, startup.given.pid_file);
    call("remove_pidfile");
}

int __wrap_control_socket_open(struct control_socket *control, const char *wanted, const char *address,
                               char why[CONTROL_WHY_SIZE]);
int __wrap_control_socket_open(struct control_socket *control, const char *wanted, const char *address,
                               char why[CONTROL_WHY_SIZE])
{
    int result = call("control");

    assert_ptr_equal(wanted, startup.given.control);
    assert_string_equal(address, startup.bound.bound);
    *control = (struct control_socket){.fd = startup.opened_control_fd, .path = "/run/c.sock"};
    snprintf(why, CONTROL_WHY_SIZE, "%s", result ? "somebody is there" : startup.control_missing);
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
    startup.made_with[0] = listener_fd;
    startup.made_with[1] = control_fd;
    return call("inherit");
}

int __wrap_shared_pages_create(struct shared_pages **pages);
int __wrap_shared_pages_create(struct shared_pages **pages)
{
    *pages = startup.worker.pages;
    return call("pages");
}

void __wrap_facts_write(struct shared_pages *pages, const struct service_facts *facts);
void __wrap_facts_write(struct shared_pages *pages, const struct service_facts *facts)
{
    assert_ptr_equal(pages, startup.worker.pages);
    startup.written = *facts;
    call("facts");
}

int __wrap_imagepost_keep_own(struct shared_pages *pages, char why[], size_t why_size);
int __wrap_imagepost_keep_own(struct shared_pages *pages, char why[], size_t why_size)
{
    assert_ptr_equal(pages, startup.worker.pages);
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
    startup.run_setup = *setup;
    assert_ptr_equal(setup->argv[0], startup.server);
    assert_ptr_equal(setup->options->bind, startup.given.bind);
    call("run");
    return STARTUP_SERVICE_CODE;
}

void __wrap_program_path(const char *name, char out[], size_t size);
void __wrap_program_path(const char *name, char out[], size_t size)
{
    assert_ptr_equal(name, startup.server);
    assert_int_equal(size, SETTINGS_PATH_SIZE);
    snprintf(out, size, "/opt/prefork-upper");
}

/* ---- life ---- */

int startup_open(void **state)
{
    (void)state;
    startup.calls[0] = '\0';
    worker_fixture_open(&startup.worker, (struct fixture_options){0});
    log_init(-1, LOG_LEVEL_ERROR); /* that there is a log is the start's work */
    startup.given = (struct options){.bind = "127.0.0.1:4242",
                                     .backlog = STARTUP_BACKLOG,
                                     .unix_mode = 0611,
                                     .write_timeout_ms = 7000,
                                     .max_connections = STARTUP_GRANTED,
                                     .ready_fd = READY_FD,
                                     .log_level = LOG_LEVEL_INFO};
    startup.bound = (struct listener){
        .fd = STARTUP_LISTENER_FD, .bound = "127.0.0.1:4242", .ino = 8, .backlog_granted = STARTUP_BACKLOG};
    startup.parse_code = startup.error_number = startup.passed = 0;
    startup.asked_bind = "nobody has looked";
    startup.failing = NULL;
    startup.opened_control_fd = STARTUP_CONTROL_FD;
    startup.control_missing = "";
    return 0;
}

int startup_close(void **state)
{
    (void)state;
    worker_fixture_close(&startup.worker);
    return 0;
}

int startup_run(char *first)
{
    char *argv[] = {startup.server, first, first ? startup.more : NULL, NULL};
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);

    assert_non_null(file);
    assert_true(saved >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
    int code = server_main(first ? 3 : 1, argv);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(file);
    startup.said[fread(startup.said, 1, sizeof startup.said - 1, file)] = '\0';
    fclose(file);
    return code;
}

/* ---- what came of it ---- */

void startup_expect_failure(const char *call_word, int number, int code, const char *words)
{
    startup.failing = call_word;
    startup.error_number = number;
    startup.calls[0] = '\0';
    assert_int_equal(startup_run(NULL), code);
    assert_string_equal(startup.said, words);
}

void startup_expect_in_log(const char *words)
{
    char text[LOG_TEXT_LENGTH_MAX + 1] = "nothing";

    if (!worker_fixture_read_log(text, sizeof text) || !strstr(text, words))
        fail_msg("%s is not next in the log, but: %s", words, text);
}

void startup_expect_nothing_in_log(void)
{
    char text[LOG_TEXT_LENGTH_MAX + 1];

    if (worker_fixture_read_log(text, sizeof text))
        fail_msg("logged: %s", text);
}
