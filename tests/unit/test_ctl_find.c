/* Which server is meant, of those in one folder: the machine's own servers are no part of the test. */
/* wrap: geteuid getsockopt control_places_to_look ctl_session_open ctl_session_ask malloc */
#include "tests/support/cmocka_all.h"

#include "master/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { SOME_UID = 4321 };

static char directory[] = "/tmp/test_ctl_find.XXXXXX";
static char folder[64], said[4096];
static struct ctl_session session;
static struct ctl_options options;
static uid_t peer_uid;
static unsigned place_count;
static unsigned opens_before_failure; /* UINT_MAX: none fails */
static const char *address_said;      /* by every server; NULL: none says anything */
static bool no_memory;

uid_t __wrap_geteuid(void);
int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *length);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *length);

uid_t __wrap_geteuid(void)
{
    return SOME_UID;
}

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
    int result = __real_getsockopt(fd, level, name, value, length);
    if (name == SO_PEERCRED)
        ((struct ucred *)value)->uid = peer_uid;
    return result;
}

unsigned __wrap_control_places_to_look(const struct control_user *user,
                                       struct control_place places[CONTROL_PLACE_COUNT_MAX]);
unsigned __wrap_control_places_to_look(const struct control_user *user,
                                       struct control_place places[CONTROL_PLACE_COUNT_MAX])
{
    assert_int_equal(user->uid, SOME_UID);
    snprintf(places[0].folder, sizeof places[0].folder, "%s", folder);
    snprintf(places[1].folder, sizeof places[1].folder, "%s/nobody-made-it", directory);
    places[0].mode = places[1].mode = 0700;
    return place_count;
}

int __real_ctl_session_open(struct ctl_session *opened, const char *path, int64_t timeout_ms);
int __wrap_ctl_session_open(struct ctl_session *opened, const char *path, int64_t timeout_ms);
int __wrap_ctl_session_open(struct ctl_session *opened, const char *path, int64_t timeout_ms)
{
    if (opens_before_failure == 0)
        return -ECONNREFUSED;
    opens_before_failure -= opens_before_failure != UINT_MAX;
    return __real_ctl_session_open(opened, path, timeout_ms);
}

/* Nobody here answers: what would be waited for is told at once. */
int __wrap_ctl_session_ask(struct ctl_session *asked, const char *request, struct ctl_answer *answer);
int __wrap_ctl_session_ask(struct ctl_session *asked, const char *request, struct ctl_answer *answer)
{
    assert_true(asked->fd >= 0);
    assert_string_equal(request, "status");
    *answer = (struct ctl_answer){0};
    if (!address_said)
        return -ETIMEDOUT;
    answer->json = json_pack("{ss}", "address", address_said);
    return 0;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return no_memory ? NULL : __real_malloc(size);
}

static int make_directory(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(folder, sizeof folder, "%s/prefork-upper", directory);
    return 0;
}

/* Fails when anything is left in the directory. */
static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

static int begin(void **state)
{
    (void)state;
    options = (struct ctl_options){.command = "status", .timeout_ms = 1000};
    peer_uid = SOME_UID;
    place_count = 1;
    opens_before_failure = UINT_MAX;
    address_said = NULL;
    no_memory = false;
    return mkdir(folder, 0700);
}

static int end(void **state)
{
    (void)state;
    ctl_session_close(&session);
    return rmdir(folder);
}

/* Somebody listens there, and never answers. */
static int listen_at(const char *name, char path[CONTROL_PATH_SIZE])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(path, CONTROL_PATH_SIZE, "%s/%s", folder, name);
    strcpy(address.sun_path, path);
    assert_int_equal(bind(fd, (const void *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 5), 0);
    return fd;
}

static void stop(int fd, const char *path)
{
    close(fd);
    unlink(path);
}

static int find(void)
{
    int kept = dup(STDERR_FILENO), captured = memfd_create("said", MFD_CLOEXEC);
    dup2(captured, STDERR_FILENO);
    int code = ctl_find(&session, &options);
    dup2(kept, STDERR_FILENO);
    ssize_t length = pread(captured, said, sizeof said - 1, 0);
    said[length > 0 ? length : 0] = '\0';
    close(kept);
    close(captured);
    return code;
}

static void expect(const char *words)
{
    if (!strstr(said, words))
        fail_msg("no \"%s\" in: %s", words, said);
}

static void find__none__says_where_it_looked(void **state)
{
    (void)state;
    assert_int_equal(find(), EXIT_UNAVAILABLE);
    expect("no server found in");
    expect(folder);
    place_count = 2;
    assert_int_equal(find(), EXIT_UNAVAILABLE);
    expect("/prefork-upper, /tmp/");
    expect("/nobody-made-it\n");
}

static void find__one_and_left_over_sockets__that_one(void **state)
{
    char live[CONTROL_PATH_SIZE], dead[CONTROL_PATH_SIZE], other[CONTROL_PATH_SIZE];

    (void)state;
    close(listen_at("1.sock", dead));
    int fd = listen_at("2.sock", live), not_ours = listen_at("3.other", other);
    assert_int_equal(find(), EXIT_DONE);
    assert_string_equal(session.path, live);
    assert_string_equal(session.command, "status");
    assert_int_equal(session.pid, getpid());
    assert_string_equal(said, "");
    stop(fd, live);
    stop(not_ours, other);
    unlink(dead);
}

static void find__two__a_list_and_usage(void **state)
{
    char one[CONTROL_PATH_SIZE], other[CONTROL_PATH_SIZE], pid[32];

    (void)state;
    int fd = listen_at("1.sock", one), second = listen_at("2.sock", other);
    assert_int_equal(find(), EXIT_USAGE);
    expect("2 servers are running");
    expect(one);
    expect(other);
    snprintf(pid, sizeof pid, "pid %d", (int)getpid());
    expect(pid);
    expect("(says nothing)");
    address_said = "127.0.0.1:4711";
    assert_int_equal(find(), EXIT_USAGE);
    expect("  127.0.0.1:4711 ");
    opens_before_failure = 2; /* they are looked for, and gone when they are asked */
    assert_int_equal(find(), EXIT_USAGE);
    expect("(says nothing)");
    stop(fd, one);
    stop(second, other);
}

static void find__more_than_a_list_can_have__said_so(void **state)
{
    enum { SERVER_COUNT = 33 };
    char paths[SERVER_COUNT][CONTROL_PATH_SIZE], name[16];
    int fds[SERVER_COUNT];

    (void)state;
    for (int i = 0; i < SERVER_COUNT; i++) {
        snprintf(name, sizeof name, "%d.sock", i);
        fds[i] = listen_at(name, paths[i]);
    }
    assert_int_equal(find(), EXIT_USAGE);
    expect("32 or more servers are running");
    for (int i = 0; i < SERVER_COUNT; i++)
        stop(fds[i], paths[i]);
}

static void find__name_longer_than_a_sockets_path__passed_over(void **state)
{
    char path[256], name[120];

    (void)state;
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    snprintf(path, sizeof path, "%s/%s.sock", folder, name);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    assert_int_equal(find(), EXIT_UNAVAILABLE);
    assert_int_equal(unlink(path), 0);
}

static void find__server_of_root__taken(void **state)
{
    char path[CONTROL_PATH_SIZE];

    (void)state;
    int fd = listen_at("1.sock", path);
    peer_uid = 0;
    assert_int_equal(find(), EXIT_DONE);
    stop(fd, path);
}

static void find__no_memory_for_the_list__said(void **state)
{
    (void)state;
    no_memory = true;
    int code = find();
    no_memory = false;
    assert_int_equal(code, EXIT_FAILED);
    expect("no memory");
}

static void find__socket_of_a_stranger__not_taken(void **state)
{
    char path[CONTROL_PATH_SIZE];

    (void)state;
    int fd = listen_at("1.sock", path);
    peer_uid = 9;
    assert_int_equal(find(), EXIT_UNAVAILABLE);
    stop(fd, path);
}

static void find__folder_that_others_may_write__not_looked_at(void **state)
{
    char path[CONTROL_PATH_SIZE];

    (void)state;
    int fd = listen_at("1.sock", path);
    chmod(folder, 0777);
    assert_int_equal(find(), EXIT_UNAVAILABLE);
    stop(fd, path);
}

static void find__told_by_path__no_other_is_looked_for(void **state)
{
    char one[CONTROL_PATH_SIZE], other[CONTROL_PATH_SIZE];

    (void)state;
    int fd = listen_at("1.sock", one), second = listen_at("2.sock", other);
    options.control = other;
    assert_int_equal(find(), EXIT_DONE);
    assert_string_equal(session.path, other);
    stop(fd, one);
    stop(second, other);
}

static void find__told_by_path_where_nobody_is__unavailable(void **state)
{
    char path[CONTROL_PATH_SIZE], too_long[200];

    (void)state;
    snprintf(path, sizeof path, "%s/gone.sock", folder);
    options.control = path;
    assert_int_equal(find(), EXIT_UNAVAILABLE);
    expect(path);
    memset(too_long, 'x', sizeof too_long - 1);
    too_long[sizeof too_long - 1] = '\0';
    options.control = too_long;
    assert_int_equal(find(), EXIT_USAGE);
    expect("no socket has so long a path");
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(find__none__says_where_it_looked),
        TEST(find__one_and_left_over_sockets__that_one),
        TEST(find__two__a_list_and_usage),
        TEST(find__socket_of_a_stranger__not_taken),
        TEST(find__folder_that_others_may_write__not_looked_at),
        TEST(find__told_by_path__no_other_is_looked_for),
        TEST(find__told_by_path_where_nobody_is__unavailable),
        TEST(find__more_than_a_list_can_have__said_so),
        TEST(find__name_longer_than_a_sockets_path__passed_over),
        TEST(find__server_of_root__taken),
        TEST(find__no_memory_for_the_list__said),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
