/* Where --metrics listens. */
/* wrap: heritage_place */
#include "tests/support/cmocka_all.h"

#include "master/metrics_socket.h"
#include "worker/heritage.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool place_fails;
static char bound[PEER_TEXT_SIZE], error[512];

int __real_heritage_place(int fd, int number);
int __wrap_heritage_place(int fd, int number);
int __wrap_heritage_place(int fd, int number)
{
    if (!place_fails)
        return __real_heritage_place(fd, number);
    close(fd);
    return -EMFILE;
}

static void open__any_port__listens_at_its_number(void **state)
{
    int listens = 0;
    socklen_t length = sizeof listens;

    (void)state;
    assert_int_equal(metrics_socket_open("127.0.0.1:0", bound, error, sizeof error), 0);
    assert_int_equal(strncmp(bound, "127.0.0.1:", 10), 0);
    assert_string_not_equal(bound, "127.0.0.1:0");
    assert_int_equal(getsockopt(FD_METRICS, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length), 0);
    assert_true(listens);
    assert_int_equal(metrics_socket_open(bound, bound, error, sizeof error), -EADDRINUSE);
    assert_non_null(strstr(error, "in use"));
    close(FD_METRICS);
}

static void open__no_tcp_address__is_refused(void **state)
{
    (void)state;
    assert_int_equal(metrics_socket_open("unix:/x", bound, error, sizeof error), -EINVAL);
    assert_non_null(strstr(error, "\"unix:/x\": HOST:PORT"));
    assert_int_equal(metrics_socket_open("nowhere", bound, error, sizeof error), -EINVAL);
    assert_true(error[0]);
}

static void open__no_descriptor__is_told(void **state)
{
    (void)state;
    place_fails = true;
    assert_int_equal(metrics_socket_open("127.0.0.1:0", bound, error, sizeof error), -EMFILE);
    assert_non_null(strstr(error, "Too many open files"));
    place_fails = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open__any_port__listens_at_its_number),
        cmocka_unit_test(open__no_tcp_address__is_refused),
        cmocka_unit_test(open__no_descriptor__is_told),
    };

    return cmocka_run_group_tests_name("metrics_socket", tests, NULL, NULL);
}
