/* The master becomes another image: when it tries, when it stays what it is, and when it goes back. */
/* wrap: reactor_main fork sigtimedwait clock_gettime image_exec */
#include "tests/support/cmocka_all.h"

#include "tests/support/master_fixture.h"
#include "worker/clock.h"
#include "worker/image.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

int __wrap_image_exec(struct shared_pages *given, uint32_t number, const char *role);
int __wrap_image_exec(struct shared_pages *given, uint32_t number, const char *role)
{
    (void)given;
    (void)number;
    atomic_fetch_add(&master.shared->images_tried, 1);
    snprintf(master.shared->image_role, sizeof master.shared->image_role, "%s", role);
    return -ENOEXEC;
}

/* ---- an image that was asked for ---- */

static void give_way_to_image_6(void)
{
    atomic_store(&master.pages->orders.exec_image, 6);
    _exit(0);
}

/* It serves on as what it is, and says why; it is not tried again. */
static void image__cannot_be_executed__is_said_and_the_service_goes_on(void **state)
{
    (void)state;
    atomic_store(&master.pages->orders.master_image, 5);
    master.script[1] = give_way_to_image_6;
    master.script[2] = master_fixture_exit_3;
    master_fixture_run();
    assert_int_equal(atomic_load(&master.shared->images_tried), 1);
    assert_string_equal(master.shared->image_role, "master:6");
    assert_int_equal(atomic_load(&master.pages->orders.exec_failed_image), 6);
    assert_int_equal(atomic_load(&master.pages->orders.exec_failed_error), ENOEXEC);
    assert_int_equal(atomic_load(&master.shared->supervisors), 3);
    master_fixture_expect_in_log("event=failed what=exec_master why=ENOEXEC");
    /* Generation 2; the first one gave way. */
    assert_int_equal(master_fixture_count_in_log("event=supervisor_died"), 1);
}

static void give_way_to_image_5(void)
{
    atomic_store(&master.pages->orders.exec_image, 5);
    _exit(0);
}

static void image__it_is_that_one_already__supervisor_is_remade(void **state)
{
    (void)state;
    atomic_store(&master.pages->orders.master_image, 5);
    master.script[1] = give_way_to_image_5;
    master_fixture_run();
    assert_int_equal(atomic_load(&master.shared->images_tried), 0);
    master_fixture_expect_in_log("event=supervisor_died generation=1");
}

/* ---- an image that is no good ---- */

/* Image 5 was upgraded to 6: the master begins as that, and both are kept. */
static void upgraded_to_image_6(void)
{
    atomic_store(&master.pages->orders.master_image, 6);
    atomic_store(&master.pages->orders.exec_image, 6);
    atomic_store(&master.pages->orders.images[0].number, 6);
    atomic_store(&master.pages->orders.images[1].number, 5);
    atomic_store(&master.pages->orders.supervisor_tick_ns, clock_now_ns()); /* of image 5 */
    master.script[1] = master.script[2] = master.script[3] = master_fixture_exit_3;
}

static void image__its_supervisors_die_before_any_ticked__back_to_the_one_before(void **state)
{
    (void)state;
    upgraded_to_image_6();
    master_fixture_run();
    assert_int_equal(atomic_load(&master.shared->images_tried), 1);
    assert_string_equal(master.shared->image_role, "master:5");
}

static void tick_and_exit(void)
{
    atomic_store(&master.pages->orders.supervisor_tick_ns, clock_now_ns());
    _exit(3);
}

static void image__one_of_its_supervisors_ticked__stays(void **state)
{
    (void)state;
    upgraded_to_image_6();
    master.script[2] = tick_and_exit;
    master_fixture_run();
    assert_int_equal(atomic_load(&master.shared->images_tried), 0);
    assert_int_equal(atomic_load(&master.shared->supervisors), 4);
}

static void image__its_supervisors_die__only_a_newer_one_is_kept__stays(void **state)
{
    (void)state;
    upgraded_to_image_6();
    atomic_store(&master.pages->orders.images[1].number, 7);
    master_fixture_run();
    assert_int_equal(atomic_load(&master.shared->images_tried), 0);
    assert_int_equal(atomic_load(&master.shared->supervisors), 4);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, master_fixture_open, master_fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(image__cannot_be_executed__is_said_and_the_service_goes_on),
        TEST(image__it_is_that_one_already__supervisor_is_remade),
        TEST(image__its_supervisors_die_before_any_ticked__back_to_the_one_before),
        TEST(image__one_of_its_supervisors_ticked__stays),
        TEST(image__its_supervisors_die__only_a_newer_one_is_kept__stays),
    };

    return cmocka_run_group_tests_name("master_images", tests, NULL, NULL);
}
