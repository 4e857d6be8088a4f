/* wrap: uv_tcp_init_ex uv_tcp_connect socket connect setsockopt malloc uv_pipe_open uv_tcp_nodelay */
/* wrap: uv_try_write uv_write uv_shutdown uv_tcp_getsockname */
/* One client, and every call under it that can fail. */
#include "loadtool/client.h"

#include <signal.h>

#include "loadtool/limits.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/test_loadtool_server.h"

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

#define WRAP(type, name, arguments, values, failed)                                                          \
    type __real_##name arguments;                                                                            \
    type __wrap_##name arguments;                                                                            \
    type __wrap_##name arguments                                                                             \
    {                                                                                                        \
        return fails(#name) ? (failed) : __real_##name values;                                               \
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

int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t length);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t length);
int __real_uv_tcp_getsockname(const uv_tcp_t *tcp, struct sockaddr *address, int *length);
int __wrap_uv_tcp_getsockname(const uv_tcp_t *tcp, struct sockaddr *address, int *length);

/* Whether a reset was asked for. */
static int lingers;

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    lingers += level == SOL_SOCKET && name == SO_LINGER;
    return __real_setsockopt(fd, level, name, value, length);
}

struct heard {
    int prepared, opened, answered, right, finished, ended, closed;
    uint64_t found_bytes, found_in; /* message */
    enum fault fault;
    enum where where;
};

static struct {
    struct server server;
    uv_loop_t loop;
    struct target target;
    struct tally tally;
    struct client_world world;
    struct dialogue dialogue;
    struct client client;
    struct heard heard;
    int prepare_says;
    uint64_t messages; /* sent at once when it opens */
    bool shuts;
    bool keeps_open;
} trial;

/* As if the kernel had taken the server's own address for the client. */
int __wrap_uv_tcp_getsockname(const uv_tcp_t *tcp, struct sockaddr *address, int *length)
{
    if (!fails("uv_tcp_getsockname"))
        return __real_uv_tcp_getsockname(tcp, address, length);
    memcpy(address, &trial.target.address, trial.target.length);
    *length = (int)trial.target.length;
    return 0;
}

static int on_prepare(struct client *client, int fd)
{
    (void)client;
    assert_true(fd >= 0);
    trial.heard.prepared++;
    return trial.prepare_says;
}

static void on_opened(struct client *client)
{
    trial.heard.opened++;
    client_send(client, trial.messages);
    if (trial.shuts)
        client_shut(client);
}

static void on_answered(struct client *client, uint64_t count, uint64_t right)
{
    trial.heard.answered += (int)count;
    trial.heard.right += (int)right;
    if (!trial.shuts && !trial.keeps_open && !client_is_waiting(client))
        client_close(client);
}

static void on_found(struct client *client, uint64_t bytes)
{
    trial.heard.found_bytes += bytes;
    trial.heard.found_in = client->answered_count;
}

static void on_finished(struct client *client)
{
    trial.heard.finished++;
    client_close(client);
}

static void on_ended(struct client *client, enum fault fault, enum where where)
{
    (void)client;
    trial.heard.ended++;
    trial.heard.fault = fault;
    trial.heard.where = where;
}

static void on_closed(struct client *client)
{
    assert_int_equal(client->state, CLIENT_FREE);
    trial.heard.closed++;
}

static const struct client_events events = {.prepare = on_prepare,
                                            .opened = on_opened,
                                            .answered = on_answered,
                                            .found = on_found,
                                            .finished = on_finished,
                                            .ended = on_ended,
                                            .closed = on_closed};

static void make_world(void)
{
    trial.messages = 3;
    trial.target.length = sizeof(trial.target.address.v4);
    trial.target.address.v4 = (struct sockaddr_in){.sin_family = AF_INET,
                                                   .sin_port = htons(trial.server.port),
                                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    dialogue_set_size(&trial.dialogue, 100);
    trial.world = (struct client_world){.loop = &trial.loop,
                                        .target = &trial.target,
                                        .seed = 5,
                                        .dialogue = &trial.dialogue,
                                        .tally = &trial.tally};
    trial.client.group = "control";
    assert_int_equal(uv_loop_init(&trial.loop), 0);
    assert_int_equal(client_world_init(&trial.world, ORACLE_UPPER), 0);
}

static int fresh(void **state)
{
    (void)state;
    memset(&trial, 0, sizeof(trial));
    failing = NULL;
    lingers = 0;
    server_start(&trial.server, SERVER_UPPER, 0);
    make_world();
    return 0;
}

static int fresh_unix(void **state)
{
    (void)state;
    memset(&trial, 0, sizeof(trial));
    failing = NULL;
    server_start_unix(&trial.server, SERVER_UPPER);
    make_world();
    trial.target.address.un = trial.server.un;
    trial.target.length = (socklen_t)(sizeof(sa_family_t) + 1 + strlen(trial.server.un.sun_path + 1));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    assert_int_equal(uv_loop_close(&trial.loop), 0);
    client_world_free(&trial.world);
    server_stop(&trial.server);
    return 0;
}

static void run(void)
{
    client_open(&trial.client, &trial.world, &events, 1);
    assert_int_equal(uv_run(&trial.loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(trial.heard.closed, 1);
    assert_int_equal(trial.tally.opened, trial.tally.ended);
}

static void let_fail(const char *call, int with)
{
    failing = call;
    failing_with = with;
}

static void assert_failed(enum fault fault, enum where where)
{
    assert_null(failing); /* the call was reached */
    assert_int_equal(trial.heard.ended, 1);
    assert_int_equal(trial.heard.fault, fault);
    assert_int_equal(trial.heard.where, where);
    assert_int_equal(trial.tally.faults[fault][where].count, 1);
}

/* -- right -- */

static void open__three_messages__are_answered_and_counted(void **state)
{
    (void)state;
    run();
    assert_int_equal(trial.heard.prepared, 1);
    assert_int_equal(trial.heard.answered, 3);
    assert_int_equal(trial.heard.right, 3);
    assert_int_equal(trial.heard.ended, 0);
    assert_int_equal(trial.tally.bytes_sent, 300);
    assert_int_equal(trial.tally.bytes_right, 300);
    assert_int_equal(trial.tally.messages_right, 3);
    assert_int_equal(trial.client.serial, 1);
}

static void shut__after_ten_megabytes__every_answer_comes_then_fin(void **state)
{
    (void)state;
    dialogue_set_size(&trial.dialogue, 1000000);
    trial.messages = 10;
    trial.shuts = true;
    run();
    assert_int_equal(trial.heard.right, 10);
    assert_int_equal(trial.heard.finished, 1);
    assert_int_equal(trial.heard.ended, 0);
}

static void send__as_urgent_data__is_part_of_the_stream(void **state)
{
    (void)state;
    dialogue_set_size(&trial.dialogue, 1000);
    trial.messages = 40;
    trial.shuts = true;
    client_open(&trial.client, &trial.world, &events, 1);
    trial.client.is_urgent = true;
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    assert_int_equal(trial.heard.right, 40);
    assert_int_equal(trial.heard.finished, 1);
}

/* Looks every 10 ms, for 10 s at most, whether all answers are there. */
static void look_for_answers(uv_timer_t *timer)
{
    static int looks;

    assert_int_equal(trial.heard.answered, 0);
    if (client_unread_bytes(&trial.client) < 300 && ++looks < 1000)
        return;
    assert_int_equal(client_unread_bytes(&trial.client), 300);
    assert_int_equal(client_waited_ns(&trial.client, uv_hrtime()), 0);
    client_resume(&trial.client);
    uv_close((uv_handle_t *)timer, NULL);
}

static void on_open_pause(struct client *client)
{
    client_pause(client);
    client_send(client, 3);
}

static void pause__answers_there__are_read_after_resume_only(void **state)
{
    struct client_events pausing = events;
    uv_timer_t timer;

    (void)state;
    pausing.opened = on_open_pause;
    uv_timer_init(&trial.loop, &timer);
    uv_timer_start(&timer, look_for_answers, 10, 10);
    client_open(&trial.client, &trial.world, &pausing, 1);
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    assert_int_equal(trial.heard.right, 3);
}

static void on_open_reset(struct client *client)
{
    client_send(client, 1);
    client_reset(client);
    client_close(client); /* harmless */
    client_send(client, 1);
    client_shut(client);
    client_pause(client);
    client_resume(client);
}

static void reset__with_a_request_out__asks_for_rst_and_ends_nothing_else(void **state)
{
    struct client_events resetting = events;

    (void)state;
    resetting.opened = on_open_reset;
    client_open(&trial.client, &trial.world, &resetting, 1);
    uv_run(&trial.loop, UV_RUN_DEFAULT);
    assert_int_equal(lingers, 1);
    assert_int_equal(trial.heard.ended, 0);
    assert_int_equal(trial.heard.closed, 1);
    assert_int_equal(trial.tally.messages_sent, 1);
}

static void unix__three_messages__are_answered(void **state)
{
    (void)state;
    run();
    assert_int_equal(trial.heard.right, 3);
}

/* -- wrong -- */

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

static void read__server_resets__ends_as_reset(void **state)
{
    (void)state;
    trial.server.fault = SERVER_RESET;
    run();
    assert_failed(FAULT_RESET, WHERE_REPLY);
}

static void read__server_closes__ends_as_closed(void **state)
{
    (void)state;
    trial.server.fault = SERVER_CLOSE;
    run();
    assert_failed(FAULT_CLOSED, WHERE_REPLY);
}

static void read__the_last_byte_twice__is_duplicated(void **state)
{
    (void)state;
    trial.server.fault = SERVER_DOUBLE;
    run();
    assert_int_equal(trial.tally.found_bytes[FINDING_DUPLICATED], 1);
    assert_int_equal(trial.tally.found_bytes[FINDING_WRONG], 0);
    assert_int_equal(trial.heard.right, 3);
    assert_int_equal(trial.tally.faults[FAULT_DUPLICATED][WHERE_REPLY].count, 1);
}

static void read__a_wrong_byte__spoils_its_message_alone(void **state)
{
    (void)state;
    trial.server.fault = SERVER_FLIP;
    run();
    assert_int_equal(trial.tally.found_bytes[FINDING_WRONG], 1);
    assert_int_equal(trial.heard.found_bytes, 1);
    assert_int_equal(trial.heard.found_in, 1);
    assert_int_equal(trial.heard.answered, 3);
    assert_int_equal(trial.heard.right, 2);
    assert_int_equal(trial.tally.examples[FINDING_WRONG].offset, 150);
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

#define TCP(test)  cmocka_unit_test_setup_teardown(test, fresh, stop)
#define UNIX(test) cmocka_unit_test_setup_teardown(test, fresh_unix, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TCP(open__three_messages__are_answered_and_counted),
        TCP(shut__after_ten_megabytes__every_answer_comes_then_fin),
        TCP(send__as_urgent_data__is_part_of_the_stream),
        TCP(pause__answers_there__are_read_after_resume_only),
        TCP(reset__with_a_request_out__asks_for_rst_and_ends_nothing_else),
        TCP(open__no_descriptor__fails_on_our_side),
        TCP(open__option_refused__fails_at_connect),
        TCP(open__owner_cannot_prepare__fails_at_connect),
        TCP(open__refused__is_the_servers_side),
        TCP(open__connected_to_itself__is_refused),
        TCP(send__kernel_takes_nothing__goes_by_the_block_and_comes_whole),
        TCP(send__peer_is_gone__ends_as_reset),
        TCP(send__no_memory_for_the_block__fails_on_our_side),
        TCP(shut__refused__ends_at_half_close),
        TCP(read__server_resets__ends_as_reset),
        TCP(read__server_closes__ends_as_closed),
        TCP(read__the_last_byte_twice__is_duplicated),
        TCP(read__a_wrong_byte__spoils_its_message_alone),
        cmocka_unit_test(world_init__no_memory__is_told),
        UNIX(unix__three_messages__are_answered),
        UNIX(unix__no_descriptor__fails_on_our_side),
        UNIX(unix__accept_queue_full__is_the_servers_side),
        UNIX(unix__libuv_refuses_the_socket__is_closed_and_told),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("loadtool client", tests, NULL, NULL);
}
