/* Where to listen, as the user writes it. */
#include "tests/support/cmocka_all.h"

#include "master/address.h"
#include "worker/peer.h"

#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* wrap: getaddrinfo freeaddrinfo */

static struct address address;
static char error[512];

/* What a look-up answers: the real thing, an error code, or so many made-up addresses. */
static int lookup_code;
static unsigned lookup_count;

int __real_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **list);
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **list);
void __real_freeaddrinfo(struct addrinfo *list);
void __wrap_freeaddrinfo(struct addrinfo *list);

static struct sockaddr_in made_up_address = {.sin_family = AF_INET};
static struct addrinfo made_up[ADDRESS_CANDIDATE_MAX + 5];

int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **list)
{
    if (lookup_code != 0) {
        errno = EMFILE;
        return lookup_code;
    }
    if (lookup_count == 0)
        return __real_getaddrinfo(host, service, hints, list);
    made_up_address.sin_port = htons((in_port_t)atoi(service));
    for (unsigned i = 0; i < lookup_count; i++)
        made_up[i] = (struct addrinfo){
            .ai_family = AF_INET,
            .ai_addr = (void *)&made_up_address,
            .ai_addrlen = sizeof made_up_address,
            .ai_next = i + 1 < lookup_count ? &made_up[i + 1] : NULL,
        };
    *list = &made_up[0];
    return 0;
}

void __wrap_freeaddrinfo(struct addrinfo *list)
{
    if (list != &made_up[0])
        __real_freeaddrinfo(list);
}

static int start(void **state)
{
    (void)state;
    lookup_code = 0;
    lookup_count = 0;
    error[0] = '\0';
    return 0;
}

static void check_parsed(const char *text, const char *expected)
{
    char out[PEER_TEXT_SIZE];

    assert_int_equal(address_parse(&address, text, error, sizeof error), 0);
    assert_true(address.candidate_count >= 1);
    assert_string_equal(address.text, text);
    peer_format(out, &address.candidates[0], address.lengths[0]);
    assert_string_equal(out, expected);
}

static void check_refused(const char *text, int code, const char *reason)
{
    error[0] = '\0';
    assert_int_equal(address_parse(&address, text, error, sizeof error), code);
    if (!strstr(error, reason))
        fail_msg("\"%s\": \"%s\" lacks \"%s\"", text, error, reason);
    assert_null(strchr(error, '\n'));
}

static void parse__numeric__one_candidate(void **state)
{
    (void)state;
    check_parsed("127.0.0.1:9999", "127.0.0.1:9999");
    assert_int_equal(address.kind, ADDRESS_TCP);
    assert_int_equal(address.candidate_count, 1);
    assert_false(address.dual_stack);
    check_parsed("0.0.0.0:0", "0.0.0.0:0");
    check_parsed("127.0.0.1:65535", "127.0.0.1:65535");
    check_parsed("[::1]:9999", "[::1]:9999");
    assert_int_equal(address.candidate_count, 1);
    check_parsed("[::]:80", "[::]:80");
    assert_false(address.dual_stack);
}

static void parse__scope__number_of_the_interface(void **state)
{
    char expected[64];

    (void)state;
    snprintf(expected, sizeof expected, "[fe80::1%%%u]:9", if_nametoindex("lo"));
    check_parsed("[fe80::1%lo]:9", expected);
    check_refused("[fe80::1%nosuch0]:9", -EINVAL, "nosuch0");
}

static void parse__port_alone__both_families_in_one_socket(void **state)
{
    (void)state;
    check_parsed(":9999", "[::]:9999");
    assert_true(address.dual_stack);
    assert_int_equal(address.candidate_count, 2);
    assert_int_equal(address.candidates[1].ss_family, AF_INET);
}

static void parse__name__candidates_in_order(void **state)
{
    (void)state;
    assert_int_equal(address_parse(&address, "localhost:7", error, sizeof error), 0);
    assert_true(address.candidate_count >= 1);
    assert_false(address.dual_stack);
    lookup_count = ADDRESS_CANDIDATE_MAX + 5;
    assert_int_equal(address_parse(&address, "many.example:7", error, sizeof error), 0);
    assert_int_equal(address.candidate_count, ADDRESS_CANDIDATE_MAX);
}

static void parse__name_not_found__says_so(void **state)
{
    (void)state;
    lookup_code = EAI_NONAME;
    check_refused("nowhere.invalid:7", -ENOENT, "nowhere.invalid");
    lookup_code = EAI_SYSTEM;
    check_refused("nowhere.invalid:7", -ENOENT, strerror(EMFILE));
}

static void parse__unix__path_and_abstract_name(void **state)
{
    char text[256] = "unix:/";

    (void)state;
    check_parsed("unix:/run/a b.sock", "unix:/run/a b.sock");
    assert_int_equal(address.kind, ADDRESS_UNIX);
    assert_int_equal(address.candidate_count, 1);
    check_parsed("unix:@name", "unix:@name");
    check_parsed("unix:relative", "unix:relative");
    memset(text + 6, 'p', 106);
    check_parsed(text, text); /* 107 bytes of path and the NUL */
    memset(text + 5, '@', 1);
    text[6 + 106] = 'p';
    check_parsed(text, text); /* 108 bytes of name and no NUL */
}

static void parse__unix_too_long_or_empty__refused(void **state)
{
    char text[256] = "unix:/";

    (void)state;
    memset(text + 6, 'p', 107);
    check_refused(text, -EINVAL, "at most 107");
    text[5] = '@';
    text[6 + 107] = 'p';
    check_refused(text, -EINVAL, "at most 108");
    check_refused("unix:", -EINVAL, "must follow unix:");
    check_refused("unix:@", -EINVAL, "must follow unix:");
}

static void parse__malformed__one_clear_sentence(void **state)
{
    char text[ADDRESS_TEXT_SIZE + 10];

    (void)state;
    check_refused("", -EINVAL, "a port is missing");
    check_refused("localhost", -EINVAL, "a port is missing");
    check_refused("9999", -EINVAL, "a port is missing; did you mean :9999?");
    check_refused("/run/x.sock", -EINVAL, "a port is missing; did you mean unix:/run/x.sock?");
    check_refused("@x", -EINVAL, "did you mean unix:@x?");
    check_refused("[::1]", -EINVAL, "a port is missing");
    check_refused("127.0.0.1:", -EINVAL, "0 to 65535");
    check_refused(":65536", -EINVAL, "0 to 65535");
    check_refused(":99999999999999999999", -EINVAL, "0 to 65535");
    check_refused(":-1", -EINVAL, "0 to 65535");
    check_refused(":http", -EINVAL, "0 to 65535");
    check_refused(": 1", -EINVAL, "0 to 65535");
    check_refused("::1:9999", -EINVAL, "brackets");
    check_refused("[::1:9999", -EINVAL, "brackets");
    check_refused("[127.0.0.1]:9", -EINVAL, "no IPv6 address");
    check_refused("[]:9", -EINVAL, "no IPv6 address");
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    check_refused(text, -EINVAL, "very long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(parse__numeric__one_candidate, start),
        cmocka_unit_test_setup(parse__scope__number_of_the_interface, start),
        cmocka_unit_test_setup(parse__port_alone__both_families_in_one_socket, start),
        cmocka_unit_test_setup(parse__name__candidates_in_order, start),
        cmocka_unit_test_setup(parse__name_not_found__says_so, start),
        cmocka_unit_test_setup(parse__unix__path_and_abstract_name, start),
        cmocka_unit_test_setup(parse__unix_too_long_or_empty__refused, start),
        cmocka_unit_test_setup(parse__malformed__one_clear_sentence, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
