/*
 * Keepers with a real worker between them: orders, deaths, and a connection that outlives all of it. The test
 * itself stands in for the master (it reaps and tells deaths) and for the supervisor (it gives orders).
 */
/* wrap: syscall worker_prepare_table image_exec */
#include "tests/support/cmocka_all.h"

#include "tests/support/worker_fixture.h"
#include "worker/heritage.h"
#include "worker/image.h"
#include "worker/keeper.h"
#include "worker/process.h"
#include "worker/worker.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TABLE_SIZE = 900, DEADLINE_MS = 5000 };

static struct worker_fixture fixture;
static struct board *board;

/* Seen by all processes of a test. */
static struct bend {
    shared_i32 clone_error; /* of every clone that shares the table; 0: it works */
    shared_u32 clone_tries;
    shared_i32 table_error;
    shared_i32 exec_error; /* with which an exec fails; 0: it works */
    shared_u32 exec_tries;
    char role[IMAGE_ROLE_SIZE]; /* of the last try */
} * bend;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
    va_list arguments;
    long a[5];

    va_start(arguments, number);
    for (int i = 0; i < 5; i++)
        a[i] = va_arg(arguments, long);
    va_end(arguments);
    if (number == SYS_clone && a[0] & CLONE_FILES) {
        atomic_fetch_add(&bend->clone_tries, 1);
        errno = atomic_load(&bend->clone_error);
        if (errno)
            return -1;
    }
    return __real_syscall(number, a[0], a[1], a[2], a[3], a[4]);
}

int __real_worker_prepare_table(void);
int __wrap_worker_prepare_table(void);

int __wrap_worker_prepare_table(void)
{
    int error = atomic_load(&bend->table_error);

    return error ? error : __real_worker_prepare_table();
}

/* In place of execve, with all that it does to a keeper: the table becomes a private copy, as small as may
 * be, and the new image begins anew. */
int __wrap_image_exec(struct shared_pages *pages, uint32_t number, const char *role);
int __wrap_image_exec(struct shared_pages *pages, uint32_t number, const char *role)
{
    int error = atomic_load(&bend->exec_error);
    unsigned slot, letter, generation, image;

    snprintf(bend->role, sizeof bend->role, "%s", role);
    atomic_fetch_add(&bend->exec_tries, 1);
    if (error)
        return -error;
    unshare(CLONE_FILES);
    if (sscanf(role, "keeper:%u:%u:%u:%u", &slot, &letter, &generation, &image) == 4 && image == number)
        keeper_resume_main(pages, slot, (enum keeper_letter)letter, generation, image, 2 * TABLE_SIZE);
    _exit(99);
}

/* ---- the stand-in for the master ---- */

static bool tell_if(struct birth_cell *birth, struct death_cell *death, pid_t pid, const siginfo_t *info)
{
    if (board_living_pid(birth, death) != pid)
        return false;
    atomic_store(&death->code, info->si_code);
    atomic_store(&death->status, info->si_status);
    atomic_store(&death->generation, atomic_load(&birth->generation));
    return true;
}

/* Reaps and tells whoever has died. False: nobody. */
static bool reap(void)
{
    siginfo_t info = {0};

    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
        return false;
    for (int letter = 0; letter < KEEPER_COUNT; letter++)
        if (tell_if(&board->keepers[letter], &board->keeper_deaths[letter], info.si_pid, &info))
            return true;
    tell_if(&board->worker, &board->worker_death, info.si_pid, &info);
    return true;
}

/* The board tells nobody of a change, so waiting is looking again at short intervals, to a deadline. */
static void wait_until(bool (*happened)(uint32_t), uint32_t argument)
{
    const struct timespec interval = {.tv_nsec = 500000};

    for (int i = 0; i < DEADLINE_MS * 2; i++) {
        while (reap())
            ;
        if (happened(argument))
            return;
        nanosleep(&interval, NULL);
    }
    fail_msg("did not happen within %d ms", DEADLINE_MS);
}

static bool a_is_ready(uint32_t generation)
{
    return atomic_load(&board->keeper_ready[KEEPER_A]) == generation;
}

static bool b_is_ready(uint32_t generation)
{
    return atomic_load(&board->keeper_ready[KEEPER_B]) == generation;
}

static bool a_is_dead(uint32_t generation)
{
    return atomic_load(&board->keeper_deaths[KEEPER_A].generation) == generation;
}

static bool b_is_dead(uint32_t generation)
{
    return atomic_load(&board->keeper_deaths[KEEPER_B].generation) == generation;
}

static bool a_runs(uint32_t image)
{
    return atomic_load(&board->keeper_image[KEEPER_A]) == image &&
           atomic_load(&board->keeper_ready[KEEPER_A]) == 1;
}

static bool a_could_not_become(uint32_t image)
{
    return atomic_load(&board->exec_failed[KEEPER_A]) == image;
}

static bool worker_is_made(uint32_t generation)
{
    return board_was_made(&board->worker, generation);
}

static bool worker_is_ready(uint32_t generation)
{
    return atomic_load(&board->ready_generation) == generation;
}

static bool worker_is_dead(uint32_t generation)
{
    return atomic_load(&board->worker_death.generation) == generation;
}

static bool clone_was_tried(uint32_t count)
{
    return atomic_load(&bend->clone_tries) >= count;
}

/* ---- the stand-in for the supervisor ---- */

static pid_t pid_of(enum keeper_letter letter)
{
    return atomic_load(&board->keepers[letter].pid);
}

static void make_first_keeper(void)
{
    int pid = process_clone(CLONE_PARENT_SETTID | SIGCHLD, &board->keepers[KEEPER_A], 1);

    if (pid == 0)
        keeper_first_main(fixture.pages, 0, 1, TABLE_SIZE);
    assert_true(pid > 0);
}

static void wake(enum keeper_letter letter)
{
    assert_int_equal(kill(pid_of(letter), KEEPER_WAKE_SIGNAL), 0);
}

static void order_worker(enum keeper_letter letter, uint32_t keeper_generation, uint32_t generation)
{
    atomic_store(&board->order_spawn, keeper_order(letter, keeper_generation, generation));
    wake(letter);
}

static void order_twin(enum keeper_letter maker, uint32_t maker_generation, uint32_t generation)
{
    atomic_store(&board->order_twin, keeper_order(maker, maker_generation, generation));
    wake(maker);
}

static void order_exec(enum keeper_letter letter, uint32_t keeper_generation, uint32_t image)
{
    atomic_store(&board->order_exec, keeper_order(letter, keeper_generation, image));
    wake(letter);
}

static void order_leave(enum keeper_letter letter, uint32_t generation)
{
    atomic_store(&board->leave_generation[letter], generation);
    wake(letter);
}

static void start_both(void)
{
    make_first_keeper();
    wait_until(a_is_ready, 1);
    order_twin(KEEPER_A, 1, 1);
    wait_until(b_is_ready, 1);
}

static void kill_worker(uint32_t generation)
{
    assert_int_equal(kill(atomic_load(&board->worker.pid), SIGKILL), 0);
    wait_until(worker_is_dead, generation);
}

/* ---- setup ---- */

static int begin(void **state)
{
    sigset_t all;

    (void)state;
    sigfillset(&all);
    sigdelset(&all, SIGALRM);
    sigprocmask(SIG_SETMASK, &all, NULL);
    alarm(30);
    bend = mmap(NULL, sizeof *bend, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    worker_fixture_open(&fixture, (struct fixture_options){0});
    fixture.pages->orders.master_pid = getpid();
    atomic_store(&fixture.pages->orders.master_image, 1);
    board = fixture.worker.board;
    return bend == MAP_FAILED ? -1 : 0;
}

static void end_if_living(struct birth_cell *birth, struct death_cell *death)
{
    int32_t pid = board_living_pid(birth, death);

    if (pid > 0)
        kill(pid, SIGKILL);
}

static int finish(void **state)
{
    (void)state;
    for (int letter = 0; letter < KEEPER_COUNT; letter++)
        end_if_living(&board->keepers[letter], &board->keeper_deaths[letter]);
    end_if_living(&board->worker, &board->worker_death);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    worker_fixture_close(&fixture);
    munmap(bend, sizeof *bend);
    return 0;
}

/* ---- can it be done here? ---- */

/* In a child, as the clone makes a sibling: its exit is reaped here. */
static int probe_result(void)
{
    int status = -1, result = -1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(-keeper_probe());
    while (waitpid(-1, &status, 0) > 0)
        if (WEXITSTATUS(status) || result < 0)
            result = WEXITSTATUS(status);
    return result;
}

static void probe__here__possible(void **state)
{
    (void)state;
    assert_int_equal(probe_result(), 0);
    assert_int_equal(atomic_load(&bend->clone_tries), 1);
}

static void probe__forbidden__its_error(void **state)
{
    (void)state;
    atomic_store(&bend->clone_error, EPERM);
    assert_int_equal(probe_result(), EPERM);
}

/* ---- the first of a slot ---- */

static long status_of(pid_t pid, const char *key)
{
    char path[64], line[256];
    long value = -1;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/status", pid);
    file = fopen(path, "re");
    assert_non_null(file);
    while (value < 0 && fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0)
            value = strtol(line + strlen(key) + 1, NULL, 10);
    fclose(file);
    return value;
}

static bool has_descriptor(pid_t pid, int fd)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
    return access(path, F_OK) == 0;
}

static void first__ready__table_grown_and_low_numbers_taken(void **state)
{
    (void)state;
    make_first_keeper();
    wait_until(a_is_ready, 1);
    assert_true(status_of(pid_of(KEEPER_A), "FDSize") >= TABLE_SIZE);
    for (int fd = 0; fd < FIRST_CONNECTION; fd++)
        assert_true(has_descriptor(pid_of(KEEPER_A), fd));
    for (int fd = FIRST_CONNECTION; fd < TABLE_SIZE; fd++)
        assert_false(has_descriptor(pid_of(KEEPER_A), fd));
    assert_int_equal(getpgid(pid_of(KEEPER_A)), pid_of(KEEPER_A));
}

static void first__table_cannot_be_set_up__leaves_with_that_code(void **state)
{
    (void)state;
    atomic_store(&bend->table_error, -EMFILE);
    make_first_keeper();
    wait_until(a_is_dead, 1);
    assert_int_equal(atomic_load(&board->keeper_deaths[KEEPER_A].status), WORKER_EXIT_SETUP);
    assert_int_equal(atomic_load(&board->keeper_ready[KEEPER_A]), 0);
}

static void first__its_parent_is_not_the_master__leaves(void **state)
{
    (void)state;
    fixture.pages->orders.master_pid = 1;
    make_first_keeper();
    wait_until(a_is_dead, 1);
    assert_int_equal(atomic_load(&board->keeper_deaths[KEEPER_A].code), CLD_EXITED);
    assert_int_equal(atomic_load(&board->keeper_ready[KEEPER_A]), 0);
}

/* ---- orders ---- */

static void order__twin__made_on_the_same_table(void **state)
{
    (void)state;
    start_both();
    assert_true(status_of(pid_of(KEEPER_B), "FDSize") >= TABLE_SIZE);
    assert_int_equal(status_of(pid_of(KEEPER_B), "PPid"), getpid());
}

static void order__worker__a_child_of_the_master(void **state)
{
    (void)state;
    start_both();
    order_worker(KEEPER_B, 1, 1);
    wait_until(worker_is_ready, 1);
    assert_int_equal(status_of(atomic_load(&board->worker.pid), "PPid"), getpid());
    assert_int_equal(atomic_load(&board->clone_error), 0);
}

/* Leaving comes after what was ordered before: who has left has looked at its orders. */
static void order__to_another_generation_or_letter__not_obeyed(void **state)
{
    (void)state;
    make_first_keeper();
    wait_until(a_is_ready, 1);
    atomic_store(&board->order_twin, keeper_order(KEEPER_B, 1, 1));
    order_worker(KEEPER_A, 2, 1);
    order_leave(KEEPER_A, 1);
    wait_until(a_is_dead, 1);
    assert_int_equal(atomic_load(&bend->clone_tries), 0);
    assert_int_equal(atomic_load(&board->worker.generation), 0);
}

static void order__seen_many_times__obeyed_once(void **state)
{
    (void)state;
    start_both();
    order_worker(KEEPER_A, 1, 1);
    wait_until(worker_is_ready, 1);
    for (int i = 0; i < 20; i++)
        wake(KEEPER_A);
    order_leave(KEEPER_A, 1);
    wait_until(a_is_dead, 1);
    assert_int_equal(atomic_load(&bend->clone_tries), 2); /* the twin and the worker */
}

static void order__leave__exit_0_and_the_twin_stays(void **state)
{
    (void)state;
    start_both();
    order_leave(KEEPER_A, 1);
    wait_until(a_is_dead, 1);
    assert_int_equal(atomic_load(&board->keeper_deaths[KEEPER_A].code), CLD_EXITED);
    assert_int_equal(atomic_load(&board->keeper_deaths[KEEPER_A].status), 0);
    order_worker(KEEPER_B, 1, 1);
    wait_until(worker_is_ready, 1);
}

static void order__leave_to_an_older_generation__not_obeyed(void **state)
{
    (void)state;
    start_both();
    assert_int_equal(kill(pid_of(KEEPER_A), SIGKILL), 0);
    wait_until(a_is_dead, 1);
    order_twin(KEEPER_B, 1, 2);
    wait_until(a_is_ready, 2);
    order_leave(KEEPER_A, 1);
    order_worker(KEEPER_A, 2, 1);
    wait_until(worker_is_ready, 1);
}

/* Whatever anybody sends, it means only: look at your orders. */
static void signals__of_every_kind__harmless(void **state)
{
    const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR2, SIGALRM, SIGPIPE, SIGTSTP, SIGRTMIN};

    (void)state;
    start_both();
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        assert_int_equal(kill(pid_of(KEEPER_A), signals[i]), 0);
    order_worker(KEEPER_A, 1, 1);
    wait_until(worker_is_ready, 1);
}

static void clone__fails__noted_and_tried_again_unasked(void **state)
{
    (void)state;
    start_both();
    atomic_store(&bend->clone_error, EAGAIN);
    order_worker(KEEPER_A, 1, 1);
    wait_until(clone_was_tried, 4);
    assert_int_equal(atomic_load(&board->clone_error), EAGAIN);
    assert_int_equal(atomic_load(&board->worker.pid), 0);
    atomic_store(&bend->clone_error, 0);
    wait_until(worker_is_ready, 1);
}

/* ---- deaths ---- */

static void worker_killed__ten_times__its_client_types_on(void **state)
{
    int client;

    (void)state;
    start_both();
    order_worker(KEEPER_A, 1, 1);
    wait_until(worker_is_ready, 1);
    client = worker_fixture_connect(&fixture);
    for (uint32_t generation = 1; generation <= 10; generation++) {
        socket_send_text(client, "hello");
        socket_expect_text(client, "HELLO");
        kill_worker(generation);
        socket_send_text(client, "while it is dead");
        order_worker(generation % 2 ? KEEPER_B : KEEPER_A, 1, generation + 1);
        socket_expect_text(client, "WHILE IT IS DEAD");
        wait_until(worker_is_ready, generation + 1);
        assert_int_equal(atomic_load(&board->recovered.continued), 1);
    }
    assert_int_equal(worker_fixture_counter(&fixture, COUNTER_accepted), 1);
}

static void keepers_killed__one_after_the_other__each_makes_the_other_anew(void **state)
{
    int client;

    (void)state;
    start_both();
    order_worker(KEEPER_A, 1, 1);
    wait_until(worker_is_ready, 1);
    client = worker_fixture_connect(&fixture);
    socket_send_text(client, "a");
    socket_expect_text(client, "A");
    assert_int_equal(kill(pid_of(KEEPER_A), SIGKILL), 0);
    wait_until(a_is_dead, 1);
    order_twin(KEEPER_B, 1, 2);
    wait_until(a_is_ready, 2);
    assert_int_equal(kill(pid_of(KEEPER_B), SIGKILL), 0);
    wait_until(b_is_dead, 1);
    kill_worker(1);
    order_worker(KEEPER_A, 2, 2);
    socket_send_text(client, "b");
    socket_expect_text(client, "B");
}

/* ---- another image ---- */

static void exec__ordered__same_process_goes_on_with_a_grown_table_of_its_own(void **state)
{
    pid_t pid;

    (void)state;
    start_both();
    assert_true(a_runs(1));
    pid = pid_of(KEEPER_A);
    order_exec(KEEPER_A, 1, 2);
    wait_until(a_runs, 2);
    assert_string_equal(bend->role, "keeper:0:0:1:2");
    assert_int_equal(pid_of(KEEPER_A), pid);
    assert_true(status_of(pid, "FDSize") >= 2 * TABLE_SIZE);
    assert_true(status_of(pid_of(KEEPER_B), "FDSize") < 2 * TABLE_SIZE);
    assert_int_equal(atomic_load(&board->keeper_image[KEEPER_B]), 1);
    assert_int_equal(atomic_load(&board->exec_failed[KEEPER_A]), 0);
}

/* Keeper a makes two generations: when it makes the second one, its look for the first one is over. */
static void let_a_look(uint32_t *generation)
{
    for (int i = 0; i < 2; i++) {
        order_worker(KEEPER_A, 1, ++*generation);
        wait_until(worker_is_ready, *generation);
        kill_worker(*generation);
    }
}

static void exec__to_another_keeper_or_to_what_it_is__not_obeyed(void **state)
{
    const uint64_t orders[] = {keeper_order(KEEPER_A, 7, 2), keeper_order(KEEPER_B, 1, 2),
                               keeper_order(KEEPER_A, 1, 1), keeper_order(KEEPER_A, 1, 0)};
    uint32_t generation = 0;

    (void)state;
    start_both();
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        atomic_store(&board->order_exec, orders[i]);
        let_a_look(&generation);
        assert_int_equal(atomic_load(&bend->exec_tries), 0);
    }
    assert_true(a_runs(1));
}

static void exec__fails__told_with_the_reason_and_not_tried_again(void **state)
{
    uint32_t generation = 0;

    (void)state;
    start_both();
    atomic_store(&bend->exec_error, ENOEXEC);
    order_exec(KEEPER_A, 1, 2);
    wait_until(a_could_not_become, 2);
    assert_int_equal(atomic_load(&board->exec_error[KEEPER_A]), ENOEXEC);
    let_a_look(&generation); /* the order still stands */
    assert_int_equal(atomic_load(&bend->exec_tries), 1);
    assert_true(a_runs(1));
}

static void exec__fails_and_then_another_image__that_one_is_tried(void **state)
{
    (void)state;
    start_both();
    atomic_store(&bend->exec_error, ENOEXEC);
    order_exec(KEEPER_A, 1, 2);
    wait_until(a_could_not_become, 2);
    atomic_store(&bend->exec_error, 0);
    order_exec(KEEPER_A, 1, 3);
    wait_until(a_runs, 3);
}

static void exec__then_a_twin__is_of_the_new_image(void **state)
{
    (void)state;
    start_both();
    order_exec(KEEPER_A, 1, 2);
    wait_until(a_runs, 2);
    order_leave(KEEPER_B, 1);
    wait_until(b_is_dead, 1);
    order_twin(KEEPER_A, 1, 2);
    wait_until(b_is_ready, 2);
    assert_int_equal(atomic_load(&board->keeper_image[KEEPER_B]), 2);
    assert_true(status_of(pid_of(KEEPER_B), "FDSize") >= 2 * TABLE_SIZE);
}

static void resumed__its_parent_is_not_the_master__leaves(void **state)
{
    (void)state;
    start_both();
    fixture.pages->orders.master_pid = 1;
    order_exec(KEEPER_A, 1, 2);
    wait_until(a_is_dead, 1);
    assert_int_equal(atomic_load(&board->keeper_deaths[KEEPER_A].code), CLD_EXITED);
    assert_int_equal(atomic_load(&board->keeper_image[KEEPER_A]), 1);
}

/* The whole way: its worker has gone, one keeper goes over, makes a worker that waits, the other one leaves.
 */
static void slot_goes_over__its_client_types_on_and_is_told_of_the_end(void **state)
{
    int client;

    (void)state;
    start_both();
    order_worker(KEEPER_A, 1, 1);
    wait_until(worker_is_ready, 1);
    client = worker_fixture_connect(&fixture);
    socket_send_text(client, "before");
    socket_expect_text(client, "BEFORE");
    kill_worker(1);
    socket_send_text(client, "meanwhile");
    order_exec(KEEPER_A, 1, 2);
    wait_until(a_runs, 2);
    board->settings.gated = 1;
    order_worker(KEEPER_A, 1, 2);
    wait_until(worker_is_made, 2);
    order_leave(KEEPER_B, 1);
    wait_until(b_is_dead, 1);
    assert_int_equal(atomic_load(&board->ready_generation), 1);
    assert_int_equal(socket_queued(client), 0);
    atomic_store(&board->go_generation, 2);
    wait_until(worker_is_ready, 2);
    socket_expect_text(client, "MEANWHILE");
    shutdown(client, SHUT_WR);
    socket_expect_end(client); /* no other table holds it open */
}

/* ---- deaths of all three, and of the master ---- */

static void all_three_killed__the_table_is_gone(void **state)
{
    int client;
    char byte;

    (void)state;
    start_both();
    order_worker(KEEPER_A, 1, 1);
    wait_until(worker_is_ready, 1);
    client = worker_fixture_connect(&fixture);
    socket_send_text(client, "a");
    socket_expect_text(client, "A");
    kill(pid_of(KEEPER_A), SIGKILL);
    kill(pid_of(KEEPER_B), SIGKILL);
    wait_until(a_is_dead, 1);
    wait_until(b_is_dead, 1);
    socket_send_text(client, "b");
    socket_expect_text(client, "B"); /* the worker alone serves on */
    kill_worker(1);
    /* By FIN or, had it not taken "b" yet, by RST. */
    assert_true(recv(client, &byte, 1, 0) == 0 || errno == ECONNRESET);
}

/* A slot without its master is drained, not kept. The master is a child here, and we inherit its orphan. */
static void master_died__keeper_follows(void **state)
{
    int status = -1;
    pid_t keeper, master;

    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    master = fork();
    if (master == 0) {
        fixture.pages->orders.master_pid = getpid();
        make_first_keeper();
        for (;;)
            pause();
    }
    wait_until(a_is_ready, 1);
    keeper = pid_of(KEEPER_A);
    kill(master, SIGKILL);
    assert_int_equal(waitpid(master, NULL, 0), master);
    assert_int_equal(waitpid(keeper, &status, 0), keeper);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(probe__here__possible),
        TEST(probe__forbidden__its_error),
        TEST(first__ready__table_grown_and_low_numbers_taken),
        TEST(first__table_cannot_be_set_up__leaves_with_that_code),
        TEST(first__its_parent_is_not_the_master__leaves),
        TEST(order__twin__made_on_the_same_table),
        TEST(order__worker__a_child_of_the_master),
        TEST(order__to_another_generation_or_letter__not_obeyed),
        TEST(order__seen_many_times__obeyed_once),
        TEST(order__leave__exit_0_and_the_twin_stays),
        TEST(order__leave_to_an_older_generation__not_obeyed),
        TEST(signals__of_every_kind__harmless),
        TEST(clone__fails__noted_and_tried_again_unasked),
        TEST(worker_killed__ten_times__its_client_types_on),
        TEST(keepers_killed__one_after_the_other__each_makes_the_other_anew),
        TEST(exec__ordered__same_process_goes_on_with_a_grown_table_of_its_own),
        TEST(exec__to_another_keeper_or_to_what_it_is__not_obeyed),
        TEST(exec__fails__told_with_the_reason_and_not_tried_again),
        TEST(exec__fails_and_then_another_image__that_one_is_tried),
        TEST(exec__then_a_twin__is_of_the_new_image),
        TEST(resumed__its_parent_is_not_the_master__leaves),
        TEST(slot_goes_over__its_client_types_on_and_is_told_of_the_end),
        TEST(all_three_killed__the_table_is_gone),
        TEST(master_died__keeper_follows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
