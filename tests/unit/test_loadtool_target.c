/* wrap: getaddrinfo freeaddrinfo socket */
#include "loadtool/target.h"

#include <netdb.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/cmocka_all.h"
#include "tests/unit/test_loadtool_server.h"

int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **list);
void __wrap_freeaddrinfo(struct addrinfo *list);
int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);

/* A resolver that knows two addresses: nobody listens at the first. */
static struct sockaddr_in dead, alive;
static struct addrinfo second = {
    .ai_family = AF_INET, .ai_addr = (struct sockaddr *)&alive, .ai_addrlen = sizeof(alive)};
static struct addrinfo first = {.ai_family = AF_INET,
                                .ai_addr = (struct sockaddr *)&dead,
                                .ai_addrlen = sizeof(dead),
                                .ai_next = &second};
static int resolver_says;
static bool socket_fails;

int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                       struct addrinfo **list)
{
    (void)host;
    (void)port;
    (void)hints;
    *list = &first;
    return resolver_says;
}

void __wrap_freeaddrinfo(struct addrinfo *list)
{
    (void)list;
}

int __wrap_socket(int family, int type, int protocol)
{
    if (socket_fails) {
        errno = EMFILE;
        return -1;
    }
    return __real_socket(family, type, protocol);
}

static int listen_somewhere(struct sockaddr_in *at)
{
    uint16_t port = 0;
    int fd = server_listen(&port);

    *at = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return fd;
}

static void parse__every_form__is_split(void **state)
{
    struct target_name name;

    (void)state;
    assert_int_equal(target_parse("example.org:80", &name), 0);
    assert_string_equal(name.host, "example.org");
    assert_string_equal(name.port, "80");
    assert_int_equal(target_parse(":9999", &name), 0);
    assert_string_equal(name.host, "127.0.0.1");
    assert_int_equal(target_parse("[::1]:65535", &name), 0);
    assert_string_equal(name.host, "::1");
    assert_string_equal(name.port, "65535");
    assert_int_equal(target_parse("unix:/run/x", &name), 0);
    assert_int_equal(name.family, AF_UNIX);
    assert_string_equal(name.path, "/run/x");
    assert_int_equal(target_parse("unix:@x", &name), 0);
    assert_string_equal(name.path, "@x");
}

static void parse__anything_else__is_refused(void **state)
{
    static const char *const words[] = {
        "",        "host",  "host:",   "host:0", "host:65536", "host:80x", "::1:80", "[::1]",
        "[::1]80", "[]:80", "[::1:80", "unix:",  "unix:x",     "unix:@",   "unix:/", ":"};
    char path[200] = "unix:/";
    char host[400];
    struct target_name name;

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        assert_int_equal(target_parse(words[i], &name), -EINVAL);
    memset(path + 6, 'x', 150);
    assert_int_equal(target_parse(path, &name), -EINVAL);
    memset(host, 'h', sizeof(host));
    strcpy(host + 300, ":80");
    assert_int_equal(target_parse(host, &name), -EINVAL);
}

static void resolve__unix__needs_no_resolver(void **state)
{
    struct target_name name;
    struct target target;

    (void)state;
    resolver_says = EAI_FAIL;
    assert_int_equal(target_parse("unix:@ab", &name), 0);
    assert_int_equal(target_resolve(&name, 100, &target), 0);
    assert_int_equal(target.length, offsetof(struct sockaddr_un, sun_path) + 3);
    assert_memory_equal(target.address.un.sun_path, "\0ab", 3);
    assert_int_equal(target_parse("unix:/ab", &name), 0);
    assert_int_equal(target_resolve(&name, 100, &target), 0);
    assert_int_equal(target.length, offsetof(struct sockaddr_un, sun_path) + 4);
    resolver_says = 0;
}

static void resolve__unknown_name__is_the_resolvers_error(void **state)
{
    struct target_name name;
    struct target target;

    (void)state;
    resolver_says = EAI_NONAME;
    assert_int_equal(target_parse("nowhere:80", &name), 0);
    assert_int_equal(target_resolve(&name, 100, &target), EAI_NONAME);
    resolver_says = 0;
}

static void resolve__two_addresses_one_dead__takes_the_living_one(void **state)
{
    struct target_name name;
    struct target target;
    int at_alive = listen_somewhere(&alive);

    (void)state;
    close(listen_somewhere(&dead));
    assert_int_equal(target_parse("two:80", &name), 0);
    assert_int_equal(target_resolve(&name, 1000, &target), 0);
    assert_int_equal(target.address.v4.sin_port, alive.sin_port);

    /* When none can be tried, the resolver's first. */
    socket_fails = true;
    assert_int_equal(target_resolve(&name, 1000, &target), 0);
    assert_int_equal(target.address.v4.sin_port, dead.sin_port);
    socket_fails = false;
    close(at_alive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__every_form__is_split),
        cmocka_unit_test(parse__anything_else__is_refused),
        cmocka_unit_test(resolve__unix__needs_no_resolver),
        cmocka_unit_test(resolve__unknown_name__is_the_resolvers_error),
        cmocka_unit_test(resolve__two_addresses_one_dead__takes_the_living_one),
    };

    return cmocka_run_group_tests_name("loadtool target", tests, NULL, NULL);
}
