/* Addresses as /proc/net shows them. (On the machine that runs the test: words are its numbers.) */
#include "tests/support/cmocka_all.h"

#include "master/procnet.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static struct procnet_endpoint endpoint;

static void expect_address(const char *text)
{
    char shown[INET6_ADDRSTRLEN];

    assert_non_null(inet_ntop(AF_INET6, &endpoint.address, shown, sizeof shown));
    assert_string_equal(shown, text);
}

static void v4__mapped(void **state)
{
    char text[32];

    (void)state;
    snprintf(text, sizeof text, "%08X:270F", htonl(0x7f000001));
    assert_true(procnet_parse_endpoint(text, &endpoint));
    expect_address("::ffff:127.0.0.1");
    assert_int_equal(endpoint.port, 9999);
}

static void v6__as_it_is(void **state)
{
    char text[64];

    (void)state;
    snprintf(text, sizeof text, "%08X0000000000000000%08X:FFFF", htonl(0x20010db8), htonl(1));
    assert_true(procnet_parse_endpoint(text, &endpoint));
    expect_address("2001:db8::1");
    assert_int_equal(endpoint.port, 65535);
}

static void neither__refused(void **state)
{
    static const char *const texts[] = {"",
                                        ":",
                                        "0100007F",
                                        "0100007F:",
                                        "0100007:270F",
                                        "zzzzzzzz:270F",
                                        "0100007F:zz",
                                        "0100007F0100007F:270F"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(procnet_parse_endpoint(texts[i], &endpoint));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v4__mapped),
        cmocka_unit_test(v6__as_it_is),
        cmocka_unit_test(neither__refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
