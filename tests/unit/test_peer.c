/* Socket addresses as text. */
#include "tests/support/cmocka_all.h"

#include "worker/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

static struct sockaddr_storage storage;
static char text[PEER_TEXT_SIZE];

static void format_v6(const char *address, uint32_t scope)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(4711), .sin6_scope_id = scope};

    assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
    memcpy(&storage, &v6, sizeof v6);
    peer_format(text, &storage, sizeof v6);
}

static void format_unix(const char *name, size_t length)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    memset(&storage, 'z', sizeof storage);
    memcpy(address.sun_path, name, length);
    memcpy(&storage, &address, offsetof(struct sockaddr_un, sun_path) + length);
    peer_format(text, &storage, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
}

static void v4__address_and_port(void **state)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(65535)};

    (void)state;
    inet_pton(AF_INET, "127.0.0.1", &v4.sin_addr);
    memcpy(&storage, &v4, sizeof v4);
    peer_format(text, &storage, sizeof v4);
    assert_string_equal(text, "127.0.0.1:65535");
}

static void v6__in_brackets_with_scope_and_mapped_as_v4(void **state)
{
    (void)state;
    format_v6("::1", 0);
    assert_string_equal(text, "[::1]:4711");
    format_v6("fe80::1", 2);
    assert_string_equal(text, "[fe80::1%2]:4711");
    format_v6("fe80:1111:2222:3333:4444:5555:6666:7777", UINT32_MAX);
    assert_string_equal(text, "[fe80:1111:2222:3333:4444:5555:6666:7777%4294967295]:4711");
    format_v6("::ffff:10.1.2.3", 0);
    assert_string_equal(text, "10.1.2.3:4711");
    format_v6("0:1::ffff:a01:203", 0); /* only where all before is nothing it is an IPv4 address */
    assert_string_equal(text, "[0:1::ffff:a01:203]:4711");
    format_v6("0:0:1::ffff:a01:203", 0);
    assert_string_equal(text, "[::1:0:0:ffff:a01:203]:4711");
}

static void unix__path_name_and_unnamed(void **state)
{
    char longest[108];

    (void)state;
    format_unix("/run/a.sock", 12); /* with its NUL, as getsockname says */
    assert_string_equal(text, "unix:/run/a.sock");
    format_unix("/run/a.sock", 11);
    assert_string_equal(text, "unix:/run/a.sock");
    format_unix("\0name", 5);
    assert_string_equal(text, "unix:@name");
    format_unix("\0a\0b", 4);
    assert_string_equal(text, "unix:@a@b");
    format_unix("", 0);
    assert_string_equal(text, "unix:");

    memset(longest, 'p', sizeof longest);
    format_unix(longest, sizeof longest);
    assert_int_equal(strlen(text), 5 + 108);
    peer_format(text, &storage, sizeof storage); /* a length beyond the struct */
    assert_int_equal(strlen(text), 5 + 108);
}

static void other_family__unknown(void **state)
{
    (void)state;
    memset(&storage, 0, sizeof storage);
    storage.ss_family = AF_NETLINK;
    peer_format(text, &storage, sizeof storage);
    assert_string_equal(text, "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v4__address_and_port),
        cmocka_unit_test(v6__in_brackets_with_scope_and_mapped_as_v4),
        cmocka_unit_test(unix__path_name_and_unnamed),
        cmocka_unit_test(other_family__unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
