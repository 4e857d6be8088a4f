/* What the doctor found, as text, as a fragment for sysctl and as JSON. */
/* wrap: syscall */
#include "tests/support/cmocka_all.h"
#include "tests/support/doctor_fixture.h"
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static char *shown;

/* Three things are wrong, of which two are settings. */
static FILE *examine_bad_machine(size_t *size)
{
    doctor_put("/proc/sys/net/core/somaxconn", "128\n");
    doctor_put("/proc/sys/vm/memfd_noexec", "2\n");
    doctor_put("/sys/fs/cgroup/system.slice/memory.oom.group", "1\n");
    doctor_examine();
    free(shown);
    shown = NULL;
    FILE *out = open_memstream(&shown, size);

    assert_non_null(out);
    return out;
}

static void text__each_value_meaning_and_advice_and_a_sum(void **state)
{
    size_t size;
    FILE *out = examine_bad_machine(&size);

    (void)state;
    doctor_write_text(out, doctor_findings);
    fclose(out);
    assert_non_null(strstr(shown, "advise   net.core.somaxconn                128\n"
                                  "           Connections that may wait to be accepted;"));
    assert_non_null(strstr(shown, "\n         > Set it to 4096, or ask for a shorter --backlog:"));
    assert_non_null(strstr(shown, "ok       net.ipv4.ip_local_reserved_ports  (empty)\n"));
    assert_non_null(strstr(shown, "need     memory.oom.group                  1, of /system.slice\n"));
    assert_non_null(strstr(shown, "\n2 needed, 1 advised, 14 ok, 0 unknown; nothing was changed\n"));
    for (char *line = strtok(shown, "\n"); line; line = strtok(NULL, "\n"))
        assert_true(strlen(line) < 80 || line[0] != ' ');
}

static void fragment__settings_that_should_be_changed_and_no_other(void **state)
{
    size_t size;
    FILE *out = examine_bad_machine(&size);
    char *assignments[8] = {0};
    unsigned count = 0;

    (void)state;
    assert_int_equal(doctor_setting_count(doctor_findings), 2);
    doctor_write_fragment(out, "/etc/sysctl.d/90-upper.conf", doctor_findings);
    fclose(out);
    assert_non_null(strstr(shown, "sysctl -p /etc/sysctl.d/90-upper.conf\n"));
    assert_non_null(strstr(shown, "# It was: 128\n"));
    for (char *line = strtok(shown, "\n"); line; line = strtok(NULL, "\n"))
        if (line[0] != '#')
            assignments[count++ % 8] = line;
    assert_int_equal(count, 2);
    assert_string_equal(assignments[0], "net.core.somaxconn = 4096");
    assert_string_equal(assignments[1], "vm.memfd_noexec = 1");
}

static void json__same_findings(void **state)
{
    size_t size;
    FILE *out = examine_bad_machine(&size);

    (void)state;
    assert_int_equal(doctor_write_json(out, doctor_findings), 0);
    fclose(out);
    json_t *json = json_loads(shown, 0, NULL);

    assert_non_null(json);
    assert_int_equal(json_integer_value(json_object_get(json, "needed")), 2);
    assert_int_equal(json_integer_value(json_object_get(json, "advised")), 1);
    json_t *checks = json_object_get(json, "checks");

    assert_int_equal(json_array_size(checks), DOCTOR_COUNT);
    json_t *check = json_array_get(checks, DOCTOR_SOMAXCONN);

    assert_string_equal(json_string_value(json_object_get(check, "verdict")), "advise");
    assert_string_equal(json_string_value(json_object_get(check, "value")), "128");
    assert_string_equal(json_string_value(json_object_get(check, "setting")), "4096");
    check = json_array_get(checks, DOCTOR_RESERVED_PORTS);
    assert_true(json_is_null(json_object_get(check, "value")));
    assert_true(json_is_null(json_object_get(check, "setting")));
    json_decref(json);
}

static void json__nowhere_to_write__is_told(void **state)
{
    FILE *full = fopen("/dev/full", "we");

    (void)state;
    doctor_examine();
    assert_non_null(full);
    setvbuf(full, NULL, _IONBF, 0);
    assert_int_equal(doctor_write_json(full, doctor_findings), -EIO);
    fclose(full);
}

static long allocations_left;

static void *allocate(size_t size)
{
    return allocations_left-- > 0 ? malloc(size) : NULL;
}

static void json__no_memory__is_told(void **state)
{
    size_t size;
    int result = -ENOMEM;

    (void)state;
    fclose(examine_bad_machine(&size));
    json_set_alloc_funcs(allocate, free);
    for (long before = 0; before < 10000 && result != 0; before++) {
        char room[32768] = "";
        FILE *out = fmemopen(room, sizeof room, "w");
        allocations_left = before;
        result = doctor_write_json(out, doctor_findings);
        fclose(out);
        assert_true(result == 0 || result == -ENOMEM || result == -EIO);
        if (result == -ENOMEM)
            assert_string_equal(room, "");
    }
    json_set_alloc_funcs(malloc, free);
    assert_int_equal(result, 0);
}

/* All but the last byte finds room. */
static void json__end_of_line_cannot_be_written__is_told(void **state)
{
    static char room[65536];
    size_t size;
    FILE *out = examine_bad_machine(&size);

    (void)state;
    assert_int_equal(doctor_write_json(out, doctor_findings), 0);
    fclose(out);
    out = fmemopen(room, size - 1, "w");
    assert_non_null(out);
    setvbuf(out, NULL, _IONBF, 0);
    assert_int_equal(doctor_write_json(out, doctor_findings), -EIO);
    fclose(out);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, doctor_make_machine, doctor_drop_machine)
    const struct CMUnitTest tests[] = {
        TEST(text__each_value_meaning_and_advice_and_a_sum),
        TEST(fragment__settings_that_should_be_changed_and_no_other),
        TEST(json__same_findings),
        TEST(json__nowhere_to_write__is_told),
        TEST(json__no_memory__is_told),
        TEST(json__end_of_line_cannot_be_written__is_told),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    free(shown);
    return failed;
}
