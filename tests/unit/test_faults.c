/* A trial on the shared page: ordered, replaced, ended, told. */
#include "tests/support/cmocka_all.h"

#include "master/faults.h"
#include "worker/fault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static struct shared_pages *pages;
static struct fault_page *page;
static char why[FAULT_WHY_SIZE];

static int begin(void **state)
{
    (void)state;
    void *memory = mmap(NULL, sizeof *pages, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    pages = memory;
    page = &pages->orders.faults;
    return 0;
}

static int finish(void **state)
{
    (void)state;
    munmap(pages, sizeof *pages);
    return 0;
}

#ifdef WITH_FAULTS

static void order__good__armed_whole_and_with_the_next_number(void **state)
{
    (void)state;
    assert_int_equal(faults_order(pages, "accept:EMFILE:1/3,send:short:1/2@1", why), 0);
    assert_int_equal(page->armed, 1u << FAULT_accept | 1u << FAULT_send);
    assert_int_equal(page->number, 2);
    assert_int_equal(page->plan.rule_count, 2);
    assert_int_equal(page->plan.slot, 1);
    assert_string_equal(page->spec, "accept:EMFILE:1/3,send:short:1/2@1");
    assert_int_equal(faults_order(pages, "read:die:1/9", why), 0);
    assert_int_equal(page->armed, 1u << FAULT_read);
    assert_int_equal(page->number, 4);
    assert_string_equal(page->spec, "read:die:1/9");
}

static void order__off__nothing_armed(void **state)
{
    (void)state;
    assert_int_equal(faults_order(pages, "accept:EMFILE:1/3", why), 0);
    assert_int_equal(faults_order(pages, FAULTS_OFF, why), 0);
    assert_int_equal(page->armed, 0);
    assert_int_equal(page->plan.rule_count, 0);
    assert_string_equal(page->spec, "");
    assert_int_equal(page->number % 2, 0);
}

static void order__bad__nothing_has_changed(void **state)
{
    (void)state;
    assert_int_equal(faults_order(pages, "accept:EMFILE:1/3", why), 0);
    assert_int_equal(faults_order(pages, "accept:EMFILE", why), -EINVAL);
    assert_non_null(strstr(why, "rate"));
    assert_int_equal(faults_check("acept:EMFILE:1/3", why), -EINVAL);
    assert_non_null(strstr(why, "did you mean accept?"));
    assert_int_equal(faults_check("accept:EMFILE:1/2", why), 0);
    assert_string_equal(page->spec, "accept:EMFILE:1/3");
    assert_int_equal(page->number, 2);
}

static void order__one_before_died_over_it__even_again(void **state)
{
    (void)state;
    atomic_store(&page->number, 5);
    assert_int_equal(faults_order(pages, "accept:EMFILE:1/3", why), 0);
    assert_int_equal(page->number, 6);
}

static void json__shots__by_call_and_process_over_all_slots(void **state)
{
    (void)state;
    assert_int_equal(faults_order(pages, "clone:EAGAIN:1/2", why), 0);
    atomic_store(&shared_board(pages, 0)->worker_shots[FAULT_accept], 3);
    atomic_store(&shared_board(pages, 1)->worker_shots[FAULT_accept], 4);
    atomic_store(&shared_board(pages, 2)->worker_shots[FAULT_accept], 100); /* beyond the slots in use */
    atomic_store(&shared_board(pages, 1)->keeper_shots[FAULT_clone], 2);
    atomic_store(&page->supervisor_shots[FAULT_clone], 1);
    json_t *json = faults_json(pages, 2);
    char *text = json_dumps(json, JSON_COMPACT);
    assert_string_equal(text, "{\"spec\":\"clone:EAGAIN:1/2\",\"shots\":["
                              "{\"call\":\"accept\",\"process\":\"worker\",\"count\":7},"
                              "{\"call\":\"clone\",\"process\":\"keeper\",\"count\":2},"
                              "{\"call\":\"clone\",\"process\":\"supervisor\",\"count\":1}]}");
    free(text);
    json_decref(json);
}

static void json__slot_limit_beyond_all_bounds__no_slot_outside_read(void **state)
{
    (void)state;
    json_t *json = faults_json(pages, ~0u);
    assert_int_equal(json_array_size(json_object_get(json, "shots")), 0);
    json_decref(json);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(order__good__armed_whole_and_with_the_next_number),
        TEST(order__off__nothing_armed),
        TEST(order__bad__nothing_has_changed),
        TEST(order__one_before_died_over_it__even_again),
        TEST(json__shots__by_call_and_process_over_all_slots),
        TEST(json__slot_limit_beyond_all_bounds__no_slot_outside_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void order__without_faults__refused(void **state)
{
    (void)state;
    assert_int_equal(faults_check("accept:EMFILE:1/3", why), -ENOTSUP);
    assert_int_equal(faults_order(pages, FAULTS_OFF, why), -ENOTSUP);
    assert_non_null(strstr(why, "FAULTS=0"));
    assert_int_equal(page->number, 0);
    json_t *json = faults_json(pages, 1);
    assert_true(json_is_null(json));
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(order__without_faults__refused, begin, finish)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
