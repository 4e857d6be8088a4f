/* The listening socket for commands. The usual places are steered by the environment and a user who is not
 * root. */
/* wrap: geteuid socket listen */
#include "tests/support/cmocka_all.h"

#include "master/control_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { SOME_UID = 4321 };

static char directory[] = "/tmp/test_control_socket.XXXXXX";
static char path[CONTROL_PATH_SIZE], why[CONTROL_WHY_SIZE];
static struct control_socket control, second;

uid_t __wrap_geteuid(void);
uid_t __wrap_geteuid(void)
{
    return SOME_UID;
}

static const char *failing; /* the call that fails with EMFILE */

static bool fails(const char *call)
{
    errno = EMFILE;
    return failing && strcmp(failing, call) == 0;
}

int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol)
{
    return fails("socket") ? -1 : __real_socket(family, type, protocol);
}

int __real_listen(int fd, int backlog);
int __wrap_listen(int fd, int backlog);
int __wrap_listen(int fd, int backlog)
{
    return fails("listen") ? -1 : __real_listen(fd, backlog);
}

static int make_directory(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof path, "%s/control.sock", directory);
    setenv("TMPDIR", directory, 1);
    unsetenv("XDG_RUNTIME_DIR");
    return 0;
}

/* Fails when anything is left in the directory. */
static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

static void end(struct control_socket *socket)
{
    control_socket_remove(socket);
    assert_int_equal(close(socket->fd), 0);
    assert_int_equal(access(socket->path, F_OK), -1);
}

static void remove_place(void)
{
    char folder[CONTROL_PATH_SIZE];

    snprintf(folder, sizeof folder, "%s/prefork-upper-%d", directory, SOME_UID);
    assert_int_equal(rmdir(folder), 0);
}

/* ---- a path that was asked for ---- */

static void open__path__listens_with_mode_0600_and_does_not_block(void **state)
{
    struct stat status;
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)state;
    assert_int_equal(control_socket_open(&control, path, "127.0.0.1:9999", why), 0);
    assert_string_equal(why, "");
    assert_string_equal(control.path, path);
    assert_int_equal(lstat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_true(fcntl(control.fd, F_GETFL) & O_NONBLOCK);
    assert_false(fcntl(control.fd, F_GETFD) & FD_CLOEXEC);
    strcpy(address.sun_path, path);
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (const void *)&address, sizeof address), 0);
    close(client);
    end(&control);
}

static void open__somebody_listens__error_names_him(void **state)
{
    char self[32];

    (void)state;
    snprintf(self, sizeof self, "pid %d", (int)getpid());
    assert_int_equal(control_socket_open(&control, path, "127.0.0.1:9999", why), 0);
    assert_int_equal(control_socket_open(&second, path, "127.0.0.1:9998", why), -EADDRINUSE);
    assert_non_null(strstr(why, path));
    assert_non_null(strstr(why, self));
    assert_int_equal(second.fd, -1);
    control_socket_remove(&second); /* has no path: removes nothing */
    assert_int_equal(access(path, F_OK), 0);
    end(&control);
}

static void open__left_over_socket__takes_its_place(void **state)
{
    (void)state;
    assert_int_equal(control_socket_open(&control, path, "127.0.0.1:9999", why), 0);
    close(control.fd);
    assert_int_equal(control_socket_open(&second, path, "127.0.0.1:9999", why), 0);
    end(&second);
}

static void open__a_file_is_there__left_alone(void **state)
{
    (void)state;
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    assert_int_equal(control_socket_open(&control, path, "127.0.0.1:9999", why), -EADDRINUSE);
    assert_non_null(strstr(why, "no socket"));
    assert_int_equal(unlink(path), 0);
}

static void open__no_such_folder_or_too_long__error_says_so(void **state)
{
    char too_long[200];

    (void)state;
    assert_int_equal(control_socket_open(&control, "/nonexistent/c.sock", "127.0.0.1:9999", why), -ENOENT);
    assert_non_null(strstr(why, "/nonexistent/c.sock"));
    memset(too_long, 'x', sizeof too_long - 1);
    too_long[sizeof too_long - 1] = '\0';
    assert_int_equal(control_socket_open(&control, too_long, "127.0.0.1:9999", why), -ENAMETOOLONG);
    assert_non_null(strstr(why, "107 bytes"));
}

static void open__no_socket_or_nobody_may_listen__error_and_no_path_left(void **state)
{
    static const char *const calls[] = {"socket", "listen"};

    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        failing = calls[i];
        assert_int_equal(control_socket_open(&control, path, "127.0.0.1:9999", why), -EMFILE);
        failing = NULL;
        assert_non_null(strstr(why, strerror(EMFILE)));
        assert_int_equal(control.fd, -1);
        assert_int_equal(access(path, F_OK), -1);
    }
}

/* ---- the usual place ---- */

static void open__off__none_and_nothing_said(void **state)
{
    (void)state;
    assert_int_equal(control_socket_open(&control, "off", "127.0.0.1:9999", why), 0);
    assert_int_equal(control.fd, -1);
    assert_string_equal(control.path, "");
    assert_string_equal(why, "");
}

static void open__usual_place_not_ours__none_and_why(void **state)
{
    char folder[CONTROL_PATH_SIZE];

    (void)state;
    snprintf(folder, sizeof folder, "%s/prefork-upper-%d", directory, SOME_UID);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(control_socket_open(&control, NULL, "127.0.0.1:9999", why), 0);
    assert_int_equal(control.fd, -1);
    assert_non_null(strstr(why, folder));
    remove_place();
}

/* As root a folder that we make is root's, which every user trusts. */
static void open__usual_place__port_then_whole_address(void **state)
{
    (void)state;
    assert_int_equal(control_socket_open(&control, NULL, "127.0.0.1:9999", why), 0);
    assert_string_equal(why, "");
    assert_non_null(strstr(control.path, "/prefork-upper-4321/9999.sock"));
    assert_int_equal(control_socket_open(&second, NULL, "127.0.0.2:9999", why), 0);
    assert_non_null(strstr(second.path, "/127.0.0.2:9999.sock"));
    end(&control);
    end(&second);
    remove_place();
}

static void open__runtime_folder_cannot_be_used__temp_directory_is(void **state)
{
    (void)state;
    setenv("XDG_RUNTIME_DIR", "/nonexistent", 1);
    assert_int_equal(control_socket_open(&control, NULL, "127.0.0.1:9999", why), 0);
    assert_string_equal(why, "");
    assert_non_null(strstr(control.path, directory));
    end(&control);
    remove_place();
    unsetenv("XDG_RUNTIME_DIR");
}

static void open__name_does_not_fit_the_folder__none_and_why(void **state)
{
    char deep[100], made[100];

    (void)state;
    memset(deep, 'd', sizeof deep);
    snprintf(deep, sizeof deep, "%s/", directory);
    memset(deep + strlen(deep), 'd', 68 - strlen(deep));
    deep[68] = '\0';
    assert_int_equal(mkdir(deep, 0700), 0);
    setenv("TMPDIR", deep, 1);
    assert_int_equal(control_socket_open(&control, NULL, "unix:/a/path/with/a/longer/last/part", why), 0);
    assert_int_equal(control.fd, -1);
    assert_non_null(strstr(why, "too long"));
    setenv("TMPDIR", directory, 1);
    snprintf(made, sizeof made, "%s/prefork-upper-%d", deep, SOME_UID);
    assert_int_equal(rmdir(made), 0);
    assert_int_equal(rmdir(deep), 0);
}

static void open__both_usual_names_taken__none_and_why(void **state)
{
    struct control_socket third;

    (void)state;
    assert_int_equal(control_socket_open(&control, NULL, "127.0.0.1:9999", why), 0);
    assert_int_equal(control_socket_open(&second, NULL, "127.0.0.1:9999", why), 0);
    assert_int_equal(control_socket_open(&third, NULL, "127.0.0.1:9999", why), 0);
    assert_int_equal(third.fd, -1);
    assert_non_null(strstr(why, second.path));
    assert_non_null(strstr(why, "in use"));
    end(&control);
    end(&second);
    remove_place();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open__path__listens_with_mode_0600_and_does_not_block),
        cmocka_unit_test(open__somebody_listens__error_names_him),
        cmocka_unit_test(open__left_over_socket__takes_its_place),
        cmocka_unit_test(open__a_file_is_there__left_alone),
        cmocka_unit_test(open__no_such_folder_or_too_long__error_says_so),
        cmocka_unit_test(open__off__none_and_nothing_said),
        cmocka_unit_test(open__usual_place_not_ours__none_and_why),
        cmocka_unit_test(open__usual_place__port_then_whole_address),
        cmocka_unit_test(open__name_does_not_fit_the_folder__none_and_why),
        cmocka_unit_test(open__runtime_folder_cannot_be_used__temp_directory_is),
        cmocka_unit_test(open__no_socket_or_nobody_may_listen__error_and_no_path_left),
        cmocka_unit_test(open__both_usual_names_taken__none_and_why),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
