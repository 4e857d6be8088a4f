/* Who holds an address: real sockets of this process, looked up through /proc. */
#include "tests/support/cmocka_all.h"

#include "master/holder.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* wrap: opendir fdopendir fopen openat */

static bool hide_processes, hide_lists, hide_descriptors;
static const char *tcp_list, *unix_list; /* in place of the kernel's, if either is there */
static const char *command;              /* of every process; NULL: the truth */
static size_t command_length = SIZE_MAX; /* SIZE_MAX: it cannot be opened */
static char text[HOLDER_TEXT_SIZE];

DIR *__real_opendir(const char *name);
DIR *__wrap_opendir(const char *name);
FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);

DIR *__wrap_opendir(const char *name)
{
    return hide_processes ? NULL : __real_opendir(name);
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
    const char *list = strstr(path, "/tcp6") ? NULL : strstr(path, "/tcp") ? tcp_list : unix_list;

    if (!tcp_list && !unix_list)
        return hide_lists ? NULL : __real_fopen(path, mode);
    return list ? fmemopen((void *)(uintptr_t)list, strlen(list), "r") : NULL;
}

DIR *__real_fdopendir(int fd);
DIR *__wrap_fdopendir(int fd);

DIR *__wrap_fdopendir(int fd)
{
    return hide_descriptors ? NULL : __real_fdopendir(fd);
}

int __real_openat(int folder, const char *path, int flags, ...);
int __wrap_openat(int folder, const char *path, int flags, ...);

int __wrap_openat(int folder, const char *path, int flags, ...)
{
    if (!command || !strstr(path, "/cmdline"))
        return __real_openat(folder, path, flags);
    if (command_length == SIZE_MAX)
        return -1;
    int fd = memfd_create("cmdline", MFD_CLOEXEC);
    assert_int_equal(pwrite(fd, command, command_length, 0), command_length);
    return fd;
}

static int start(void **state)
{
    (void)state;
    hide_processes = hide_lists = hide_descriptors = false;
    tcp_list = unix_list = command = NULL;
    command_length = SIZE_MAX;
    text[0] = '\0';
    return 0;
}

/* A listener of this process, its address in *bound with the port that it got. */
static int listen_on(int family, const char *address, struct sockaddr_storage *bound)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr *any = (void *)bound;
    socklen_t length = sizeof *bound;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memset(bound, 0, sizeof *bound);
    inet_pton(family, address, family == AF_INET ? (void *)&v4.sin_addr : (void *)&v6.sin6_addr);
    memcpy(bound, family == AF_INET ? (void *)&v4 : (void *)&v6, family == AF_INET ? sizeof v4 : sizeof v6);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, any, length), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, any, &length), 0);
    return fd;
}

static void check_holder_is_this_process(const struct sockaddr_storage *address)
{
    char expected[64];

    assert_int_equal(holder_find(address, text, sizeof text), 0);
    snprintf(expected, sizeof expected, "pid %d (", (int)getpid());
    assert_int_equal(strncmp(text, expected, strlen(expected)), 0);
    assert_non_null(strstr(text, "test_holder"));
    assert_int_equal(text[strlen(text) - 1], ')');
}

static void find__v4_listener__pid_and_command(void **state)
{
    struct sockaddr_storage bound;
    int fd = listen_on(AF_INET, "127.0.0.1", &bound);

    (void)state;
    check_holder_is_this_process(&bound);
    close(fd);
}

static void find__v6_listener__pid_and_command(void **state)
{
    struct sockaddr_storage bound;
    int fd = listen_on(AF_INET6, "::1", &bound);

    (void)state;
    check_holder_is_this_process(&bound);
    close(fd);
}

/* Wanted is every address of the port, held is one; and the other way round. */
static void find__wildcard_on_either_side__found(void **state)
{
    struct sockaddr_storage bound;
    struct sockaddr_in wanted = {.sin_family = AF_INET};
    struct sockaddr_storage storage = {0};
    int fd = listen_on(AF_INET, "127.0.0.1", &bound);
    void *any = &bound;
    struct sockaddr_in *v4 = any;

    (void)state;
    wanted.sin_port = v4->sin_port;
    memcpy(&storage, &wanted, sizeof wanted);
    check_holder_is_this_process(&storage);
    close(fd);

    fd = listen_on(AF_INET6, "::", &bound);
    inet_pton(AF_INET, "127.0.0.1", &wanted.sin_addr);
    wanted.sin_port = v4->sin_port; /* at the same place as sin6_port */
    memcpy(&storage, &wanted, sizeof wanted);
    check_holder_is_this_process(&storage);
    close(fd);
}

static void find__other_address_of_the_port__not_found(void **state)
{
    struct sockaddr_storage bound;
    int fd = listen_on(AF_INET, "127.0.0.1", &bound);
    void *any = &bound;
    struct sockaddr_in *v4 = any;

    (void)state;
    inet_pton(AF_INET, "127.0.0.2", &v4->sin_addr);
    assert_int_equal(holder_find(&bound, text, sizeof text), -ENOENT);
    assert_non_null(strstr(text, "does not list"));
    close(fd);
}

static void find__unix_path_and_abstract_name__found(void **state)
{
    char directory[] = "/tmp/test_holder.XXXXXX";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct sockaddr_storage storage = {0};
    struct sockaddr *any = (void *)&storage;

    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(address.sun_path, sizeof address.sun_path, "%s/a b.sock", directory);
    for (int i = 0; i < 2; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        size_t length =
            offsetof(struct sockaddr_un, sun_path) + (size_t)snprintf(NULL, 0, "%s/a b.sock", directory);

        memcpy(&storage, &address, sizeof address);
        assert_int_equal(bind(fd, any, (socklen_t)length), 0);
        assert_int_equal(listen(fd, 1), 0);
        check_holder_is_this_process(&storage);
        if (i == 0)
            unlink(address.sun_path);
        close(fd);
        address.sun_path[0] = '\0'; /* the second time as an abstract name */
    }
    rmdir(directory);
}

static void find__unix_name_of_nobody__not_found(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/nonexistent/test_holder.sock"};
    struct sockaddr_storage storage = {0};

    (void)state;
    memcpy(&storage, &address, sizeof address);
    assert_int_equal(holder_find(&storage, text, sizeof text), -ENOENT);
}

static void find__processes_not_visible__says_whose_socket(void **state)
{
    struct sockaddr_storage bound;
    char expected[64];
    int fd = listen_on(AF_INET, "127.0.0.1", &bound);

    (void)state;
    hide_processes = true;
    assert_int_equal(holder_find(&bound, text, sizeof text), -EACCES);
    snprintf(expected, sizeof expected, "a process of user %u", (unsigned)getuid());
    assert_non_null(strstr(text, expected));
    close(fd);
}

static void find__no_proc__honest_text(void **state)
{
    struct sockaddr_storage bound;
    int fd = listen_on(AF_INET, "127.0.0.1", &bound);

    (void)state;
    hide_lists = true;
    assert_int_equal(holder_find(&bound, text, sizeof text), -ENOENT);
    assert_non_null(strstr(text, "does not list"));
    close(fd);
}

static void find__little_room__cut(void **state)
{
    struct sockaddr_storage bound;
    int fd = listen_on(AF_INET, "127.0.0.1", &bound);
    char little[8];

    (void)state;
    assert_int_equal(holder_find(&bound, little, sizeof little), 0);
    assert_int_equal(strncmp(little, "pid ", 4), 0);
    assert_true(strlen(little) < sizeof little);
    close(fd);
}

/* ---- lists of the test's own ---- */

enum { PORT = 4711, HOLDER_UID = 4321 };

/* A line as proc_net_tcp(5) has it, of a socket at that address and PORT. */
static void print_line(char line[192], const char *address, const char *state_code, unsigned long inode)
{
    struct in6_addr v6;

    assert_int_equal(inet_pton(AF_INET6, address, &v6), 1);
    snprintf(line, 192, "   0: %08X%08X%08X%08X:%04X 0:0 %s 0:0 0:0 0 %d 0 %lu\n", v6.s6_addr32[0],
             v6.s6_addr32[1], v6.s6_addr32[2], v6.s6_addr32[3], PORT, state_code, HOLDER_UID, inode);
}

static int find_v6(const char *address)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
    struct sockaddr_storage storage = {0};

    assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
    memcpy(&storage, &v6, sizeof v6);
    return holder_find(&storage, text, sizeof text);
}

/* Each differs from the next one in one word alone. */
static void list__addresses__the_same_collide_and_others_do_not(void **state)
{
    static const char *const addresses[] = {
        "1::2:3:4:5", "9::2:3:4:5", "9:0:1::3:4:5", "9:0:1::4:5",      "9:0:1::4:6",
        "0:0:1::",    "::1:0:0:0",  "::1",          "::ffff:127.0.0.1"};
    enum { COUNT = sizeof addresses / sizeof addresses[0] };
    char line[192];

    (void)state;
    hide_processes = true;
    for (size_t held = 0; held < COUNT; held++)
        for (size_t wanted = 0; wanted < COUNT; wanted++) {
            print_line(line, addresses[held], "0A", 7);
            tcp_list = line;
            assert_int_equal(find_v6(addresses[wanted]), held == wanted ? -EACCES : -ENOENT);
        }
    assert_int_equal(find_v6("::"), -EACCES);
    assert_non_null(strstr(text, "a process of user 4321 "));
}

static ino_t inode_of(int fd)
{
    struct stat facts;

    assert_int_equal(fstat(fd, &facts), 0);
    return facts.st_ino;
}

/* A connection that uses the port is an answer, but a listener is a better one, wherever it stands. */
static void list__connections_and_a_listener__the_listener(void **state)
{
    char lines[5 * 192] = "   0: nonsense 0:0 0A 0:0 0:0 0 0 0 5\n";
    struct sockaddr_storage bound;
    int fd = listen_on(AF_INET, "127.0.0.1", &bound);

    (void)state;
    print_line(lines + strlen(lines), "::1", "01", 5);
    print_line(lines + strlen(lines), "::1", "01", 6);
    tcp_list = lines;
    assert_int_equal(find_v6("::1"), -EACCES); /* nobody has inode 5, as far as it can be seen */
    print_line(lines + strlen(lines), "::1", "0A", inode_of(fd));
    print_line(lines + strlen(lines), "::1", "01", 7);
    assert_int_equal(find_v6("::1"), 0);
    close(fd);
}

static void list__unix_sockets_without_a_name__passed_over(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/a/b.sock"};
    struct sockaddr_storage storage = {0};

    (void)state;
    memcpy(&storage, &address, sizeof address);
    unix_list = "Num RefCount\n0: 0 0 10000 1 1 5\n0: 0 0 10000 1 1 6 /a/c.sock\n";
    assert_int_equal(holder_find(&storage, text, sizeof text), -ENOENT);
    unix_list = "0: 0 0 0 1 1 6 /a/b.sock\n0: 0 0 0 1 1 7 /a/b.sock\n0: 0 0 10000 1 1 8 /a/b.sock\n";
    hide_processes = true;
    assert_int_equal(holder_find(&storage, text, sizeof text), -EACCES);
    assert_string_equal(text, "a process that is not visible to us");
}

/* ---- the process ---- */

static void expect_command(const char *bytes, size_t length, const char *shown)
{
    struct sockaddr_storage bound;
    char expected[128];
    int fd = listen_on(AF_INET, "127.0.0.1", &bound);

    command = bytes;
    command_length = length;
    assert_int_equal(holder_find(&bound, text, sizeof text), 0);
    snprintf(expected, sizeof expected, "pid %d (%s)", (int)getpid(), shown);
    assert_string_equal(text, expected);
    close(fd);
}

static void command__of_every_kind__one_printable_word(void **state)
{
    (void)state;
    expect_command("a\0b c\0\0", 7, "a b c");
    expect_command("a\nb\x80", 4, "a?b?");
    expect_command("\0\0", 2, "");
    expect_command("", 0, "?"); /* a process that has just died */
    expect_command("", SIZE_MAX, "?");
}

static void descriptors__cannot_be_listed__not_visible(void **state)
{
    struct sockaddr_storage bound;
    int fd = listen_on(AF_INET, "127.0.0.1", &bound);

    (void)state;
    hide_descriptors = true;
    assert_int_equal(holder_find(&bound, text, sizeof text), -EACCES);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(find__v4_listener__pid_and_command, start),
        cmocka_unit_test_setup(find__v6_listener__pid_and_command, start),
        cmocka_unit_test_setup(find__wildcard_on_either_side__found, start),
        cmocka_unit_test_setup(find__other_address_of_the_port__not_found, start),
        cmocka_unit_test_setup(find__unix_path_and_abstract_name__found, start),
        cmocka_unit_test_setup(find__unix_name_of_nobody__not_found, start),
        cmocka_unit_test_setup(find__processes_not_visible__says_whose_socket, start),
        cmocka_unit_test_setup(find__no_proc__honest_text, start),
        cmocka_unit_test_setup(find__little_room__cut, start),
        cmocka_unit_test_setup(list__addresses__the_same_collide_and_others_do_not, start),
        cmocka_unit_test_setup(list__connections_and_a_listener__the_listener, start),
        cmocka_unit_test_setup(list__unix_sockets_without_a_name__passed_over, start),
        cmocka_unit_test_setup(command__of_every_kind__one_printable_word, start),
        cmocka_unit_test_setup(descriptors__cannot_be_listed__not_visible, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
