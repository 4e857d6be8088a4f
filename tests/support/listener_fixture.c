#include "tests/support/listener_fixture.h"

#include "tests/support/cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

const struct listener_settings opened_usual = {.backlog = 64, .unix_mode = 0660, .write_timeout_ms = 30000};
char opened_directory[] = "/tmp/test_listener.XXXXXX";
struct opened_listener opened;

int opened_make_directory(void **state)
{
    (void)state;
    return mkdtemp(opened_directory) ? 0 : -1;
}

int opened_remove_directory(void **state)
{
    (void)state;
    return rmdir(opened_directory);
}

int opened_begin(void **state)
{
    (void)state;
    memset(&opened, 0, sizeof opened);
    opened.listener.fd = -1;
    return 0;
}

static int count_descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

int opened_at(struct listener *out, const char *text, const struct listener_settings *settings)
{
    struct address address;

    assert_int_equal(address_parse(&address, text, opened.error, sizeof opened.error), 0);
    return listener_open(out, &address, settings, opened.error, sizeof opened.error);
}

void opened_well(const char *text)
{
    if (opened_at(&opened.listener, text, &opened_usual) != 0)
        fail_msg("%s", opened.error);
    assert_true(opened.listener.fd >= 0);
}

void opened_expect_failure(const char *text, int code, const char *reason)
{
    struct listener untouched = {.fd = -77};
    int before = count_descriptors();

    assert_int_equal(opened_at(&untouched, text, &opened_usual), code);
    assert_int_equal(untouched.fd, -77);
    assert_int_equal(count_descriptors(), before);
    if (!strstr(opened.error, reason))
        fail_msg("\"%s\" lacks \"%s\"", opened.error, reason);
}

void opened_close(void)
{
    listener_remove_path(&opened.listener);
    close(opened.listener.fd);
    opened.listener.fd = -1;
}

int opened_connect(int fd)
{
    struct sockaddr_storage address = {0};
    struct sockaddr *any = (void *)&address;
    socklen_t length = sizeof address;

    assert_int_equal(getsockname(fd, any, &length), 0);

    int client = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(client >= 0);
    if (connect(client, any, length) < 0) {
        int code = -errno;

        close(client);
        return code;
    }
    return client;
}

int opened_accept(void)
{
    struct pollfd waiting = {.fd = opened.listener.fd, .events = POLLIN};

    assert_int_equal(poll(&waiting, 1, 5000), 1);
    int fd = accept4(opened.listener.fd, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

int opened_option(int fd, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof value;

    assert_int_equal(getsockopt(fd, level, name, &value, &length), 0);
    return value;
}
