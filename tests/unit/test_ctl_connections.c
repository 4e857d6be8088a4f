/* The connections of a process as the kernel shows them; the process is the test itself. */
/* wrap: fopen realloc readlink __readlink_chk */
#include "tests/support/cmocka_all.h"

#include "master/ctl_connections.h"
#include "master/ctl_text.h"
#include "worker/limits.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST = FIRST_CONNECTION };

static json_t *list, *status;

/* In place of what the kernel shows; NULL: the truth. Other lists are not there then. */
static const char *tcp_list, *unix_list;
static bool no_memory, link_is_gone;

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode)
{
    const char *text = strstr(path, "/net/tcp6") ? NULL : strstr(path, "/net/tcp") ? tcp_list : unix_list;

    if (!tcp_list && !unix_list)
        return __real_fopen(path, mode);
    return text ? fmemopen((void *)(uintptr_t)text, strlen(text), "r") : NULL;
}

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size)
{
    return no_memory ? NULL : __real_realloc(old, size);
}

ssize_t __real_readlink(const char *path, char *out, size_t size);
ssize_t __wrap_readlink(const char *path, char *out, size_t size);
ssize_t __wrap_readlink(const char *path, char *out, size_t size)
{
    return link_is_gone ? -1 : __real_readlink(path, out, size);
}

/* What readlink is called where the compiler does not see how long its array is (feature_test_macros(7)). */
ssize_t __wrap___readlink_chk(const char *path, char *out, size_t size, size_t room);
ssize_t __wrap___readlink_chk(const char *path, char *out, size_t size, size_t room)
{
    (void)room;
    return __wrap_readlink(path, out, size);
}

static int end(void **state)
{
    (void)state;
    tcp_list = unix_list = NULL;
    no_memory = link_is_gone = false;
    json_decref(list);
    json_decref(status);
    list = status = NULL;
    close_range(FIRST, ~0u, 0);
    return 0;
}

static void take(void)
{
    json_decref(list);
    json_decref(status);
    status = json_pack("{sis[{sisi}{sisi}]}", "pid", getpid(), "slots", "slot", 2, "pid", getpid(), "slot", 3,
                       "pid", 0);
    list = ctl_connections_json(status);
    assert_non_null(list);
}

/* Moves the descriptor to that number. */
static void place(int fd, int number)
{
    assert_int_equal(dup2(fd, number), number);
    close(fd);
}

/* A connection of that family whose accepted end has the number; returns the client's end. */
static int make_connection(int family, int number, char peer[64])
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    const struct sockaddr *address = family == AF_INET ? (void *)&v4 : (void *)&v6;
    socklen_t length = family == AF_INET ? sizeof v4 : sizeof v6;
    int listener = socket(family, SOCK_STREAM, 0), client = socket(family, SOCK_STREAM, 0);

    assert_int_equal(bind(listener, address, length), 0);
    assert_int_equal(listen(listener, 1), 0);
    getsockname(listener, family == AF_INET ? (void *)&v4 : (void *)&v6, &length);
    assert_int_equal(connect(client, address, length), 0);
    place(accept(listener, NULL, NULL), number);
    close(listener);
    getsockname(client, family == AF_INET ? (void *)&v4 : (void *)&v6, &length);
    if (family == AF_INET)
        snprintf(peer, 64, "127.0.0.1:%u", ntohs(v4.sin_port));
    else
        snprintf(peer, 64, "[::1]:%u", ntohs(v6.sin6_port));
    return client;
}

static void tcp__each_family__peer_state_and_what_is_queued(void **state)
{
    char peer4[64], peer6[64];

    (void)state;
    int client4 = make_connection(AF_INET, FIRST + 9, peer4),
        client6 = make_connection(AF_INET6, FIRST + 2, peer6);
    assert_int_equal(send(client4, "hello", 5, 0), 5);
    shutdown(client6, SHUT_WR);
    take();
    assert_int_equal(json_array_size(list), 2);
    json_t *first = json_array_get(list, 0), *second = json_array_get(list, 1);
    assert_int_equal(ctl_number_at(first, "fd"), FIRST + 2); /* in the order of the numbers */
    assert_string_equal(ctl_string_at(first, "peer"), peer6);
    assert_string_equal(ctl_string_at(first, "state"), "close-wait");
    assert_int_equal(ctl_number_at(second, "fd"), FIRST + 9);
    assert_int_equal(ctl_number_at(second, "slot"), 2);
    assert_int_equal(ctl_number_at(second, "pid"), getpid());
    assert_string_equal(ctl_string_at(second, "peer"), peer4);
    assert_string_equal(ctl_string_at(second, "state"), "established");
    assert_int_equal(ctl_number_at(second, "unread"), 5);
    close(client4);
    close(client6);
}

static void unix_and_other_descriptors__the_sockets_alone(void **state)
{
    int pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    place(pair[0], FIRST + 1);
    place(open("/dev/null", O_RDONLY | O_CLOEXEC), FIRST + 3);
    take();
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(ctl_string_at(json_array_get(list, 0), "peer"), "unix");
    assert_string_equal(ctl_string_at(json_array_get(list, 0), "state"), "open");
    close(pair[1]);
}

static void nobody__below_the_first_connection__not_listed(void **state)
{
    int pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    take();
    assert_int_equal(json_array_size(list), 0);
    close(pair[0]);
    close(pair[1]);
}

static void worker__gone__its_error_and_the_others(void **state)
{
    (void)state;
    status = json_pack("{sis[{sisi}]}", "pid", getpid(), "slots", "slot", 5, "pid", 0x7ffffff0);
    list = ctl_connections_json(status);
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(ctl_string_at(json_array_get(list, 0), "error"), "No such file or directory");
}

/* ---- lists that say something else ---- */

/* A socket of ours at that number; the other end is what is returned. */
static int place_socket(int number, ino_t *inode)
{
    struct stat facts;
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(fstat(pair[0], &facts), 0);
    *inode = facts.st_ino;
    place(pair[0], number);
    return pair[1];
}

static void expect_one(const char *peer, const char *state_shown)
{
    take();
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(ctl_string_at(json_array_get(list, 0), "peer"), peer);
    assert_string_equal(ctl_string_at(json_array_get(list, 0), "state"), state_shown);
}

static void lists__not_there__connections_without_a_peer(void **state)
{
    ino_t inode;
    int other = place_socket(FIRST + 1, &inode);

    (void)state;
    tcp_list = "";
    expect_one("?", "gone");
    close(other);
}

static void lists__lines_of_no_use__passed_over(void **state)
{
    static char text[1024];
    ino_t inode;
    int other = place_socket(FIRST + 1, &inode);

    (void)state;
    snprintf(text, sizeof text,
             "  sl  local_address rem_address\n"
             "   0: 0100007F:270F 0100007F:1267 06 00000000:00000000 00:00000000 00000000 0 0 0\n"
             "   1: 0100007F:270F nonsense 01 00000000:00000000 00:00000000 00000000 0 0 %llu\n"
             "   2: 0100007F:270F 0100007F:1267 63 00000000:00000000 00:00000000 00000000 0 0 %llu\n",
             (unsigned long long)inode, (unsigned long long)inode);
    tcp_list = text;
    unix_list = "Num RefCount\n";
    expect_one("127.0.0.1:4711", "?"); /* a state of a later kernel */
    close(other);
}

static void lists__longer_than_the_first_room__all_of_it(void **state)
{
    enum { LINES = 3000, LINE_SIZE = 40 };
    static char text[LINES * LINE_SIZE];
    size_t used = 0;
    ino_t inode;
    int other = place_socket(FIRST + 1, &inode);

    (void)state;
    for (int i = 0; i < LINES - 1; i++)
        used += (size_t)snprintf(text + used, LINE_SIZE, "0: 0 0 0 1 1 %d\n", 1000000000 + i);
    snprintf(text + used, LINE_SIZE, "0: 0 0 0 1 1 %llu\n", (unsigned long long)inode);
    unix_list = text;
    expect_one("unix", "open");
    close(other);
}

static void lists__no_memory_for_them__connections_without_a_peer(void **state)
{
    static char text[256];
    ino_t inode;
    int other = place_socket(FIRST + 1, &inode);

    (void)state;
    snprintf(text, sizeof text, "   0: 0100007F:270F 0100007F:1267 01 0:0 00:0 0 0 0 %llu\n",
             (unsigned long long)inode);
    tcp_list = text;
    unix_list = "0: 0 0 0 1 1 17\n";
    no_memory = true;
    expect_one("?", "gone");
    close(other);
}

static void connection__closed_while_it_is_looked_at__not_listed(void **state)
{
    ino_t inode;
    int other = place_socket(FIRST + 1, &inode);

    (void)state;
    link_is_gone = true;
    take();
    assert_int_equal(json_array_size(list), 0);
    close(other);
}

static void print__connections_and_errors__a_line_each(void **state)
{
    char *text = NULL;
    size_t length = 0;

    (void)state;
    list =
        json_loads("[{\"slot\":1,\"pid\":7,\"fd\":160,\"peer\":\"127.0.0.1:4711\",\"state\":\"established\","
                   "\"unread\":64,\"unsent\":0},{\"slot\":2,\"pid\":8,\"error\":\"Permission denied\"}]",
                   0, NULL);
    FILE *out = open_memstream(&text, &length);
    ctl_connections_print(out, list);
    fclose(out);
    assert_non_null(
        strstr(text, "   1      160  127.0.0.1:4711                   established        64         0\n"));
    assert_non_null(strstr(text, "   2  the descriptors of process 8 cannot be read: Permission denied\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(tcp__each_family__peer_state_and_what_is_queued, end),
        cmocka_unit_test_teardown(unix_and_other_descriptors__the_sockets_alone, end),
        cmocka_unit_test_teardown(nobody__below_the_first_connection__not_listed, end),
        cmocka_unit_test_teardown(worker__gone__its_error_and_the_others, end),
        cmocka_unit_test_teardown(print__connections_and_errors__a_line_each, end),
        cmocka_unit_test_teardown(lists__not_there__connections_without_a_peer, end),
        cmocka_unit_test_teardown(lists__lines_of_no_use__passed_over, end),
        cmocka_unit_test_teardown(lists__longer_than_the_first_room__all_of_it, end),
        cmocka_unit_test_teardown(lists__no_memory_for_them__connections_without_a_peer, end),
        cmocka_unit_test_teardown(connection__closed_while_it_is_looked_at__not_listed, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
