#include "tests/support/life_fixture.h"

#include "tests/support/cmocka_all.h"
#include "worker/heritage.h"
#include "worker/worker.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct life_fixture life;

int life_open(void **state)
{
    (void)state;
    life.seen = mmap(NULL, sizeof *life.seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (life.seen == MAP_FAILED)
        return -1;
    worker_fixture_open(&life.fixture, (struct fixture_options){.slot_count = 3, .slot = 2});
    life.board = life.fixture.worker.board;
    return 0;
}

int life_close(void **state)
{
    (void)state;
    worker_fixture_close(&life.fixture);
    return munmap(life.seen, sizeof *life.seen);
}

/* A child that the fixture ends, should the test not come to its end. */
static bool in_child(void)
{
    fflush(NULL);
    life.fixture.loop_pid = fork();
    assert_true(life.fixture.loop_pid >= 0);
    if (life.fixture.loop_pid == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    return life.fixture.loop_pid == 0;
}

void life_start(void)
{
    if (in_child()) {
        close_range(FIXTURE_CLIENT_FIRST, ~0u, 0); /* the clients' ends are the parent's */
        worker_main(life.fixture.pages, life.fixture.options.slot, FIXTURE_GENERATION);
    }
}

void life_wait_ready(void)
{
    socket_wait_events(FD_SUPERVISOR, POLLIN);
    assert_int_equal(atomic_load(&life.board->ready_generation), FIXTURE_GENERATION);
}

void life_order_to_leave(void)
{
    atomic_store(&life.board->order, ORDER_LEAVE);
    heritage_poke(life.fixture.options.slot, POKE_LOOK);
}

void life_expect_left(void)
{
    assert_int_equal(life_end(), WORKER_EXIT_LEFT);
    assert_int_equal(atomic_load(&life.board->left_generation), FIXTURE_GENERATION);
}

int life_end(void)
{
    int pidfd = pidfd_open(life.fixture.loop_pid, 0);

    assert_true(pidfd >= 0);
    socket_wait_events(pidfd, POLLIN);
    close(pidfd);
    int status = worker_fixture_join_loop(&life.fixture);
    assert_false(WIFSIGNALED(status) && WCOREDUMP(status));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
