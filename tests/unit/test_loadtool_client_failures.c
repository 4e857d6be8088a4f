/* wrap: uv_tcp_init_ex uv_tcp_connect socket connect malloc uv_pipe_open uv_tcp_nodelay */
/* wrap: uv_try_write uv_write uv_shutdown uv_tcp_getsockname */
/* One client, and every call under it that can fail. */
#include "tests/unit/test_loadtool_client.h"
#include "tests/unit/test_loadtool_wrap.h"

#include <signal.h>

/* Which call fails next, once, and how. */
static const char *failing;
static int failing_with;

static bool fails(const char *call)
{
    if (failing == NULL || strcmp(failing, call) != 0)
        return false;
    failing = NULL;
    errno = -failing_with;
    return true;
}

WRAP(int, socket, (int family, int type, int protocol), (family, type, protocol), -1)
WRAP(int, connect, (int fd, const struct sockaddr *to, socklen_t length), (fd, to, length), -1)
WRAP(int, uv_tcp_init_ex, (uv_loop_t * loop, uv_tcp_t *tcp, unsigned flags), (loop, tcp, flags), failing_with)
WRAP(int, uv_tcp_connect,
     (uv_connect_t * request, uv_tcp_t *tcp, const struct sockaddr *to, uv_connect_cb call),
     (request, tcp, to, call), failing_with)
WRAP(int, uv_pipe_open, (uv_pipe_t * pipe, uv_file fd), (pipe, fd), failing_with)
WRAP(int, uv_tcp_nodelay, (uv_tcp_t * tcp, int on), (tcp, on), failing_with)
WRAP(int, uv_try_write, (uv_stream_t * to, const uv_buf_t *buffers, unsigned count), (to, buffers, count),
     failing_with)
WRAP(int, uv_shutdown, (uv_shutdown_t * request, uv_stream_t *stream, uv_shutdown_cb call),
     (request, stream, call), failing_with)
WRAP(int, uv_write,
     (uv_write_t * request, uv_stream_t *to, const uv_buf_t *buffers, unsigned count, uv_write_cb call),
     (request, to, buffers, count, call), failing_with)
WRAP(void *, malloc, (size_t size), (size), NULL)

int __real_uv_tcp_getsockname(const uv_tcp_t *tcp, struct sockaddr *address, int *length);
int __wrap_uv_tcp_getsockname(const uv_tcp_t *tcp, struct sockaddr *address, int *length);

/* As if the kernel had taken the server's own address for the client. */
int __wrap_uv_tcp_getsockname(const uv_tcp_t *tcp, struct sockaddr *address, int *length)
{
    if (!fails("uv_tcp_getsockname"))
        return __real_uv_tcp_getsockname(tcp, address, length);
    memcpy(address, &trial.target.address, trial.target.length);
    *length = (int)trial.target.length;
    return 0;
}

static int begin(void **state)
{
    failing = NULL;
    return fresh(state);
}

static int begin_unix(void **state)
{
    failing = NULL;
    return fresh_unix(state);
}

static void let_fail(const char *call, int with)
{
    failing = call;
    failing_with = with;
}

static void assert_failed(enum fault fault, enum where where)
{
    assert_null(failing); /* the call was reached */
    assert_ended_by(fault, where);
}

static void open__no_descriptor__fails_on_our_side(void **state)
{
    (void)state;
    let_fail("uv_tcp_init_ex", -EMFILE);
    client_open(&trial.client, &trial.world, &events, 1);
    assert_failed(FAULT_RESOURCES, WHERE_CONNECT);
    assert_int_equal(trial.heard.closed, 1);
    assert_int_equal(trial.tally.failed, 1);
    assert_int_equal(trial.tally.opened, 0);
}

static void open__option_refused__fails_at_connect(void **state)
{
    (void)state;
    let_fail("uv_tcp_nodelay", -EINVAL);
    run();
    assert_failed(FAULT_OTHER, WHERE_CONNECT);
}

static void open__owner_cannot_prepare__fails_at_connect(void **state)
{
    (void)state;
    trial.prepare_says = -ENOBUFS;
    run();
    assert_failed(FAULT_RESOURCES, WHERE_CONNECT);
    assert_int_equal(trial.tally.failed, 1);
}

static void open__refused__is_the_servers_side(void **state)
{
    (void)state;
    let_fail("uv_tcp_connect", -ECONNREFUSED);
    run();
    assert_failed(FAULT_REFUSED, WHERE_CONNECT);
}

static void open__connected_to_itself__is_refused(void **state)
{
    (void)state;
    let_fail("uv_tcp_getsockname", 0);
    run();
    assert_failed(FAULT_REFUSED, WHERE_CONNECT);
    assert_int_equal(trial.tally.opened, 0);
}

static void send__kernel_takes_nothing__goes_by_the_block_and_comes_whole(void **state)
{
    (void)state;
    let_fail("uv_try_write", UV_EAGAIN);
    run();
    assert_null(failing);
    assert_int_equal(trial.heard.right, 3);
}

static void send__peer_is_gone__ends_as_reset(void **state)
{
    (void)state;
    let_fail("uv_try_write", UV_EPIPE);
    run();
    assert_failed(FAULT_RESET, WHERE_SEND);
}

static void send__no_memory_for_the_block__fails_on_our_side(void **state)
{
    (void)state;
    let_fail("uv_write", UV_ENOMEM);
    dialogue_set_size(&trial.dialogue, 20000000); /* more than the kernel takes at once */
    trial.messages = 1;
    run();
    assert_failed(FAULT_RESOURCES, WHERE_SEND);
}

static void shut__refused__ends_at_half_close(void **state)
{
    (void)state;
    trial.shuts = true;
    let_fail("uv_shutdown", UV_ENOTCONN);
    run();
    assert_failed(FAULT_OTHER, WHERE_HALFCLOSE);
}

static void world_init__no_memory__is_told(void **state)
{
    struct client_world world = {.loop = NULL};

    (void)state;
    let_fail("malloc", -ENOMEM);
    assert_int_equal(client_world_init(&world, ORACLE_UPPER), -ENOMEM);
    assert_null(world.in);
    assert_null(world.out);
}

static void unix__no_descriptor__fails_on_our_side(void **state)
{
    (void)state;
    let_fail("socket", -EMFILE);
    client_open(&trial.client, &trial.world, &events, 1);
    assert_failed(FAULT_RESOURCES, WHERE_CONNECT);
}

static void unix__accept_queue_full__is_the_servers_side(void **state)
{
    (void)state;
    let_fail("connect", -EAGAIN);
    client_open(&trial.client, &trial.world, &events, 1);
    assert_failed(FAULT_REFUSED, WHERE_CONNECT);
    assert_int_equal(trial.heard.closed, 1);
}

static void unix__libuv_refuses_the_socket__is_closed_and_told(void **state)
{
    (void)state;
    let_fail("uv_pipe_open", UV_EINVAL);
    run();
    assert_failed(FAULT_OTHER, WHERE_CONNECT);
}

#define TCP(test)  cmocka_unit_test_setup_teardown(test, begin, stop)
#define UNIX(test) cmocka_unit_test_setup_teardown(test, begin_unix, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TCP(open__no_descriptor__fails_on_our_side),
        TCP(open__option_refused__fails_at_connect),
        TCP(open__owner_cannot_prepare__fails_at_connect),
        TCP(open__refused__is_the_servers_side),
        TCP(open__connected_to_itself__is_refused),
        TCP(send__kernel_takes_nothing__goes_by_the_block_and_comes_whole),
        TCP(send__peer_is_gone__ends_as_reset),
        TCP(send__no_memory_for_the_block__fails_on_our_side),
        TCP(shut__refused__ends_at_half_close),
        cmocka_unit_test(world_init__no_memory__is_told),
        UNIX(unix__no_descriptor__fails_on_our_side),
        UNIX(unix__accept_queue_full__is_the_servers_side),
        UNIX(unix__libuv_refuses_the_socket__is_closed_and_told),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("loadtool client failures", tests, NULL, NULL);
}
