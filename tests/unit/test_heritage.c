/* Descriptors at their fixed numbers, and the pokes that go through them. */
#include "tests/support/cmocka_all.h"

#include "worker/heritage.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { SLOT = 3 };

static uint64_t sum_of(int fd)
{
    uint64_t sum = 0;

    return read(fd, &sum, sizeof sum) == sizeof sum ? sum : 0;
}

static void place__fresh_descriptor__moved_and_the_old_number_free(void **state)
{
    int fd = open("/dev/null", O_RDONLY);

    (void)state;
    assert_true(fd >= 0 && fd != FD_TICK);
    assert_int_equal(heritage_place(fd, FD_TICK), 0);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_true(fcntl(FD_TICK, F_GETFD) >= 0);
    assert_int_equal(heritage_place(FD_TICK, FD_TICK), 0); /* there already */
    assert_true(fcntl(FD_TICK, F_GETFD) >= 0);
    close(FD_TICK);
}

/* Symptom: a master that became another image had lost its own pidfd, which is close-on-exec from birth. */
static void place__born_close_on_exec__comes_through_an_exec_wherever_it_was_born(void **state)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    (void)state;
    assert_int_equal(heritage_place(fd, FD_TICK), 0);
    assert_int_equal(fcntl(FD_TICK, F_GETFD), 0);
    assert_int_equal(fcntl(FD_TICK, F_SETFD, FD_CLOEXEC), 0);
    assert_int_equal(heritage_place(FD_TICK, FD_TICK), 0); /* as if born at its number */
    assert_int_equal(fcntl(FD_TICK, F_GETFD), 0);
    close(FD_TICK);
}

static void place__there_already_and_not_open__its_error(void **state)
{
    (void)state;
    close(FD_TICK);
    assert_int_equal(heritage_place(FD_TICK, FD_TICK), -EBADF);
}

static void place__call_before_it_failed__its_error(void **state)
{
    (void)state;
    errno = EMFILE;
    assert_int_equal(heritage_place(-1, FD_TICK), -EMFILE);
}

static void place__impossible_number__error_and_closed(void **state)
{
    int fd = open("/dev/null", O_RDONLY);

    (void)state;
    assert_int_equal(heritage_place(fd, 1 << 30), -EBADF);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

/* Both meanings travel in one sum, and neither is lost. */
static void poke__connections_and_a_look__added_up(void **state)
{
    (void)state;
    assert_int_equal(heritage_place(eventfd(0, EFD_NONBLOCK), FD_POKE + SLOT), 0);
    heritage_poke(SLOT, 2 * POKE_ACCEPT);
    heritage_poke(SLOT, POKE_LOOK);
    heritage_poke(SLOT, POKE_ACCEPT);
    assert_true(sum_of(FD_POKE + SLOT) == POKE_LOOK + 3 * POKE_ACCEPT);
    close(FD_POKE + SLOT);
}

static void wake__supervisor__counted(void **state)
{
    (void)state;
    assert_int_equal(heritage_place(eventfd(0, EFD_NONBLOCK), FD_SUPERVISOR), 0);
    heritage_wake_supervisor();
    heritage_wake_supervisor();
    assert_int_equal(sum_of(FD_SUPERVISOR), 2);
    close(FD_SUPERVISOR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(place__fresh_descriptor__moved_and_the_old_number_free),
        cmocka_unit_test(place__born_close_on_exec__comes_through_an_exec_wherever_it_was_born),
        cmocka_unit_test(place__there_already_and_not_open__its_error),
        cmocka_unit_test(place__call_before_it_failed__its_error),
        cmocka_unit_test(place__impossible_number__error_and_closed),
        cmocka_unit_test(poke__connections_and_a_look__added_up),
        cmocka_unit_test(wake__supervisor__counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
