/* How far an upgrade has come, as the boards, the checker and the copies of programs say; who is told is the
 * test. */
/* wrap: feed waitid */
#include "tests/support/cmocka_all.h"

#include "master/checker.h"
#include "master/reactor_state.h"
#include "worker/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SLOT = 1, NUMBER = 6, EVENTS_MAX = 4 };

static struct reactor reactor;
static struct shared_pages *pages;
static struct board *board;
static struct slot_memory *memory;

static struct {
    struct supervisor_event event;
    bool has_why;
    char why[IMAGE_WHY_SIZE];
} seen[EVENTS_MAX];
static unsigned seen_count;

void __wrap_feed(struct reactor *r, const struct supervisor_event *event);
void __wrap_feed(struct reactor *r, const struct supervisor_event *event)
{
    assert_ptr_equal(r, &reactor);
    assert_true(seen_count < EVENTS_MAX);
    seen[seen_count].event = *event;
    seen[seen_count].has_why = event->why != NULL;
    snprintf(seen[seen_count].why, IMAGE_WHY_SIZE, "%s", event->why ? event->why : "");
    seen_count++;
}

static bool finds_at_last,
    is_reaped; /* the checker, while it is asked whether it has ended; by somebody else */

int __real_waitid(idtype_t type, id_t id, siginfo_t *info, int flags);
int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int flags);
int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int flags)
{
    if (finds_at_last)
        atomic_store(&pages->orders.check.number, NUMBER);
    errno = ECHILD;
    return is_reaped ? -1 : __real_waitid(type, id, info, flags);
}

/* ---- help ---- */

static int begin(void **state)
{
    (void)state;
    memset(&reactor, 0, sizeof reactor);
    finds_at_last = is_reaped = false;
    seen_count = 0;
    pages = mmap(NULL, sizeof *pages, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return -1;
    reactor.pages = pages;
    reactor.check_number = NUMBER;
    reactor.check_begin_ms = clock_now_ms();
    reactor.state.slot_limit = SLOT + 1;
    reactor.state.upgrade =
        (struct upgrade_memory){.stage = UPGRADE_SLOTS, .image = 5, .target = NUMBER, .last_number = NUMBER};
    board = shared_board(pages, SLOT);
    memory = &reactor.state.slots[SLOT];
    *memory = (struct slot_memory){.phase = SLOT_SERVING, .generation = 3, .image = NUMBER};
    return 0;
}

static int finish(void **state)
{
    (void)state;
    if (reactor.checker_pid > 0) {
        kill(reactor.checker_pid, SIGKILL);
        waitpid(reactor.checker_pid, NULL, 0);
    }
    return munmap(pages, sizeof *pages);
}

/* A checker that takes its time. */
static void start_checker(void)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        for (;;)
            pause();
    reactor.checker_pid = pid;
}

static void checker_has_found(uint32_t number, bool is_good, const char *why)
{
    pages->orders.check.is_good = is_good;
    snprintf(pages->orders.check.why, IMAGE_WHY_SIZE, "%s", why);
    atomic_store(&pages->orders.check.number, number);
}

static void look(void)
{
    seen_count = 0;
    look_for_upgrade(&reactor);
}

static void expect_nothing(void)
{
    look();
    assert_int_equal(seen_count, 0);
}

/* The check of our number is over, and nobody is left of it once it has ended. `why` NULL: it is good. */
static void expect_checked(const char *why)
{
    siginfo_t info;

    look();
    assert_int_equal(seen_count, 1);
    assert_int_equal(seen[0].event.kind, SUPERVISOR_CHECKED);
    assert_int_equal(seen[0].event.generation, NUMBER);
    assert_int_equal(seen[0].has_why, why != NULL);
    assert_string_equal(seen[0].why, why ? why : "");
    assert_int_equal(reactor.checker_pid, 0);
    waitid(P_ALL, 0, &info, WEXITED | WNOWAIT); /* until it has ended, or was reaped already */
    expect_nothing();
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

/* ---- the check ---- */

static void check__none_runs__whatever_the_pages_say(void **state)
{
    (void)state;
    checker_has_found(NUMBER, false, "bad");
    expect_nothing();
}

static void check__could_not_be_started__its_error(void **state)
{
    (void)state;
    reactor.checker_pid = -EAGAIN;
    expect_checked("Resource temporarily unavailable");
}

static void check__runs__nothing_yet(void **state)
{
    (void)state;
    start_checker();
    expect_nothing();
    assert_true(reactor.checker_pid > 0);
}

static void check__bad__why(void **state)
{
    (void)state;
    start_checker();
    checker_has_found(NUMBER, false, "it is no prefork-upper");
    expect_checked("it is no prefork-upper");
}

/* Nobody could become it before. */
static void check__good__told_when_the_master_has_the_copy(void **state)
{
    (void)state;
    start_checker();
    checker_has_found(NUMBER, true, "");
    expect_nothing();
    atomic_store(&pages->orders.images[1].number, NUMBER);
    expect_checked(NULL);
}

static void check__what_an_older_one_found__is_not_its_outcome(void **state)
{
    (void)state;
    start_checker();
    checker_has_found(NUMBER - 1, false, "an older reason");
    expect_nothing();
}

static void check__reason_without_an_end__cut(void **state)
{
    char why[IMAGE_WHY_SIZE];

    (void)state;
    start_checker();
    memset(pages->orders.check.why, 'x', IMAGE_WHY_SIZE);
    atomic_store(&pages->orders.check.number, NUMBER);
    memset(why, 'x', sizeof why);
    why[sizeof why - 1] = '\0';
    expect_checked(why);
}

static void end_of_checker(void)
{
    siginfo_t info;

    kill(reactor.checker_pid, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)reactor.checker_pid, &info, WEXITED | WNOWAIT), 0);
}

/* What it has found is there although it was not there a moment before its end. */
static void check__ends_while_it_is_looked_at__its_word_counts(void **state)
{
    (void)state;
    start_checker();
    checker_has_found(NUMBER - 1, false, "it is bad");
    end_of_checker();
    finds_at_last = true;
    expect_nothing();
    finds_at_last = false;
    expect_checked("it is bad");
}

static void check__is_no_child_of_ours__waited_for(void **state)
{
    (void)state;
    start_checker();
    is_reaped = true;
    expect_nothing();
}

static void check__died_without_a_word__said(void **state)
{
    (void)state;
    start_checker();
    end_of_checker();
    expect_checked("the check itself has died");
}

static void check__died_after_it_had_found_a_good_one__the_copy_counts(void **state)
{
    (void)state;
    start_checker();
    checker_has_found(NUMBER, true, "");
    end_of_checker();
    expect_nothing();
    atomic_store(&pages->orders.images[0].number, NUMBER);
    expect_checked(NULL);
}

static void check__takes_too_long__ended(void **state)
{
    (void)state;
    start_checker();
    reactor.check_begin_ms = clock_now_ms() - 2 * CHECK_RUN_MS_MAX + 1000;
    expect_nothing();
    reactor.check_begin_ms = clock_now_ms() - 2 * CHECK_RUN_MS_MAX - 1;
    expect_checked("its check took too long");
}

/* ---- the proof ---- */

static void answer(void)
{
    counter_add(&pages->loads.cells[SLOT], COUNTER_answered, 1);
}

static void proof__first_answer_of_the_generation__told(void **state)
{
    (void)state;
    answer();
    atomic_store(&board->answered_at_start, 1); /* that was its predecessor */
    expect_nothing();
    answer();
    look();
    assert_int_equal(seen_count, 1);
    assert_int_equal(seen[0].event.kind, SUPERVISOR_PROVEN);
    assert_int_equal(seen[0].event.slot, SLOT);
    assert_int_equal(seen[0].event.generation, 3);
}

static void proof__not_needed_or_not_its_own__nothing(void **state)
{
    (void)state;
    answer();
    memory->proven = 1;
    expect_nothing();
    memory->proven = 0;
    memory->image = 5; /* that all others run: it is known */
    expect_nothing();
    memory->image = NUMBER;
    memory->phase = SLOT_STARTING; /* the count is its predecessor's */
    expect_nothing();
}

/* ---- keepers that cannot ---- */

static void exec__failed__told_with_the_reason(void **state)
{
    (void)state;
    for (enum keeper_letter letter = KEEPER_A; letter < KEEPER_COUNT; letter++) {
        memory->keepers[letter] =
            (struct keeper_memory){.phase = KEEPER_EXECING, .generation = 8, .asked = NUMBER};
        atomic_store(&board->exec_error[letter], ENOEXEC);
        expect_nothing();
        atomic_store(&board->exec_failed[letter], NUMBER);
        look();
        assert_int_equal(seen_count, 1);
        assert_int_equal(seen[0].event.kind, SUPERVISOR_EXEC_FAILED);
        assert_int_equal(seen[0].event.slot, SLOT);
        assert_int_equal(seen[0].event.letter, letter);
        assert_int_equal(seen[0].event.generation, 8);
        assert_string_equal(seen[0].why, "Exec format error");
        memory->keepers[letter].phase = KEEPER_READY; /* told, and taken in */
        expect_nothing();
    }
}

static void exec__failed_to_become_an_earlier_image__nothing(void **state)
{
    (void)state;
    memory->keepers[KEEPER_A] = (struct keeper_memory){.phase = KEEPER_EXECING, .asked = NUMBER};
    atomic_store(&board->exec_failed[KEEPER_A], NUMBER - 1);
    expect_nothing();
}

/* ---- where the next upgrade comes from ---- */

static void set_programs(const char *current, const char *candidate)
{
    snprintf(reactor.programs.current, sizeof reactor.programs.current, "%s", current);
    snprintf(reactor.programs.candidate, sizeof reactor.programs.candidate, "%s", candidate);
}

static void expect_programs(const char *current, const char *candidate)
{
    look();
    assert_string_equal(reactor.programs.current, current);
    assert_string_equal(reactor.programs.candidate, candidate);
}

static void program__upgrade_is_done__the_new_path(void **state)
{
    (void)state;
    set_programs("/old", "/new");
    expect_programs("/old", "/new"); /* under way */
    reactor.state.upgrade = (struct upgrade_memory){.image = NUMBER, .target = NUMBER, .last_number = NUMBER};
    expect_programs("/new", "");
}

static void program__upgrade_has_failed__the_old_path(void **state)
{
    (void)state;
    set_programs("/old", "/new");
    reactor.state.upgrade = (struct upgrade_memory){.image = 5, .target = 5, .last_number = NUMBER};
    expect_programs("/old", "");
}

static void program__no_upgrade_was_tried__stays(void **state)
{
    (void)state;
    set_programs("/old", "");
    reactor.state.upgrade = (struct upgrade_memory){.image = 1, .target = 1, .last_number = 1};
    expect_programs("/old", "");
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(check__none_runs__whatever_the_pages_say),
        TEST(check__could_not_be_started__its_error),
        TEST(check__runs__nothing_yet),
        TEST(check__bad__why),
        TEST(check__good__told_when_the_master_has_the_copy),
        TEST(check__what_an_older_one_found__is_not_its_outcome),
        TEST(check__reason_without_an_end__cut),
        TEST(check__died_without_a_word__said),
        TEST(check__died_after_it_had_found_a_good_one__the_copy_counts),
        TEST(check__takes_too_long__ended),
        TEST(proof__first_answer_of_the_generation__told),
        TEST(proof__not_needed_or_not_its_own__nothing),
        TEST(exec__failed__told_with_the_reason),
        TEST(exec__failed_to_become_an_earlier_image__nothing),
        TEST(program__upgrade_is_done__the_new_path),
        TEST(program__upgrade_has_failed__the_old_path),
        TEST(program__no_upgrade_was_tried__stays),
        TEST(check__ends_while_it_is_looked_at__its_word_counts),
        TEST(check__is_no_child_of_ours__waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
