#include "loadtool/source.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/cmocka_all.h"

static struct source source;

/* The address that the n-th connection comes from. */
static const char *bound_to(uint64_t n)
{
    static char text[INET_ADDRSTRLEN];
    struct sockaddr_in from;
    socklen_t length = sizeof(from);

    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(source_bind(&source, fd, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&from, &length), 0);
    close(fd);
    return inet_ntop(AF_INET, &from.sin_addr, text, sizeof(text));
}

static void bind__a_net__takes_its_addresses_in_turn(void **state)
{
    (void)state;
    assert_int_equal(source_parse("127.0.0.1/29", &source), 0);
    assert_int_equal(source.count, 6);
    assert_string_equal(bound_to(0), "127.0.0.1");
    assert_string_equal(bound_to(5), "127.0.0.6");
    assert_string_equal(bound_to(6), "127.0.0.1");
}

static void bind__an_address_alone__is_taken_always(void **state)
{
    (void)state;
    assert_int_equal(source_parse("127.1.2.3", &source), 0);
    assert_string_equal(bound_to(0), "127.1.2.3");
    assert_string_equal(bound_to(99), "127.1.2.3");
}

static void bind__no_source__does_nothing(void **state)
{
    (void)state;
    source = (struct source){.family = 0};
    assert_int_equal(source_bind(&source, -1, 0), 0);
}

static void bind__wrong_descriptor_or_foreign_address__is_told(void **state)
{
    (void)state;
    assert_int_equal(source_parse("192.0.2.1", &source), 0);
    assert_int_equal(source_bind(&source, -1, 0), -EBADF);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(source_bind(&source, fd, 0), -EADDRNOTAVAIL);
    close(fd);
}

static void parse__v6__counts_its_last_bits(void **state)
{
    (void)state;
    assert_int_equal(source_parse("::1", &source), 0);
    assert_int_equal(source.count, 1);
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(source_bind(&source, fd, 3), 0);
    close(fd);
    assert_int_equal(source_parse("fd00::10/120", &source), 0);
    assert_int_equal(source.count, 240);
}

static void parse__bad_words__are_refused(void **state)
{
    static const char *const words[] = {
        "",
        "x",
        "127.0.0.1/33",
        "127.0.0.1/0",
        "127.0.0.1/x",
        "::1/129",
        "1.2.3",
        "12345678901234567890123456789012345678901234567890123456789012345678901234567890"};

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        assert_int_equal(source_parse(words[i], &source), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bind__a_net__takes_its_addresses_in_turn),
        cmocka_unit_test(bind__an_address_alone__is_taken_always),
        cmocka_unit_test(bind__no_source__does_nothing),
        cmocka_unit_test(bind__wrong_descriptor_or_foreign_address__is_told),
        cmocka_unit_test(parse__v6__counts_its_last_bits),
        cmocka_unit_test(parse__bad_words__are_refused),
    };

    return cmocka_run_group_tests_name("loadtool source", tests, NULL, NULL);
}
