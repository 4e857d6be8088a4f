/* The doctor: what is read below a made-up root, and how it is judged. */
/* wrap: syscall */
#include "tests/support/cmocka_all.h"
#include "tests/support/doctor_fixture.h"
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the machine has when that file holds that text, for the check. */
static const struct doctor_finding *find(enum doctor_id id, const char *path, const char *text)
{
    doctor_put(path, text);
    doctor_examine();
    return &doctor_findings[id];
}

static void expect(const struct doctor_finding *finding, enum doctor_verdict verdict, const char *setting,
                   const char *words)
{
    assert_int_equal(finding->verdict, verdict);
    assert_string_equal(finding->setting, setting);
    if (!strstr(finding->advice, words))
        fail_msg("no \"%s\" in: %s", words, finding->advice);
}

/* ---- the table ---- */

static void table__every_check__has_its_own_name_a_meaning_and_a_judge(void **state)
{
    (void)state;
    for (size_t i = 0; i < DOCTOR_COUNT; i++) {
        const struct doctor_check *check = doctor_check((enum doctor_id)i);

        assert_non_null(check->judge);
        assert_int_equal(check->meaning[strlen(check->meaning) - 1], '.');
        assert_int_equal(check->absent[strlen(check->absent) - 1], '.');
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(check->name, doctor_check((enum doctor_id)j)->name);
    }
}

static void all__good_machine__nothing_advised(void **state)
{
    (void)state;
    assert_int_equal(doctor_examine(), DOCTOR_OK);
    assert_int_equal(doctor_setting_count(doctor_findings), 0);
    assert_string_equal(doctor_findings[DOCTOR_PORT_RANGE].value, "32768 60999");
    assert_string_equal(doctor_findings[DOCTOR_RESERVED_PORTS].value, "");
    assert_string_equal(doctor_findings[DOCTOR_HARD_LIMIT].value, "unlimited");
    assert_string_equal(doctor_findings[DOCTOR_SOFT_LIMIT].value, "1024");
    assert_string_equal(doctor_findings[DOCTOR_LANDLOCK].value, "6");
    expect(&doctor_findings[DOCTOR_TW_RECYCLE], DOCTOR_OK, "", "Gone since Linux 4.12");
}

static void all__gravest_verdict__is_what_is_returned(void **state)
{
    (void)state;
    doctor_put("/proc/sys/net/ipv4/tcp_syncookies", "0\n");
    assert_int_equal(doctor_examine(), DOCTOR_ADVISED);
    doctor_put("/proc/sys/net/ipv4/tcp_tw_recycle", "1\n");
    assert_int_equal(doctor_examine(), DOCTOR_NEEDED);
}

static void all__what_cannot_be_read_or_understood__unknown(void **state)
{
    char whole[256];

    (void)state;
    expect(find(DOCTOR_SOMAXCONN, "/proc/sys/net/core/somaxconn", "many\n"), DOCTOR_UNKNOWN, "",
           "not understood");
    doctor_drop("/proc/sys/net/core/somaxconn");
    snprintf(whole, sizeof whole, "%s/proc/sys/net/core/somaxconn", doctor_root);
    assert_int_equal(mkdir(whole, 0700), 0); /* opens, and cannot be read: also for doctor_root */
    assert_int_equal(doctor_examine(), DOCTOR_UNKNOWN);
    expect(&doctor_findings[DOCTOR_SOMAXCONN], DOCTOR_UNKNOWN, "", "Is a directory");
    assert_int_equal(rmdir(whole), 0);
    static const char *const numbers[] = {"128 no", "128x", "99999999999999999999"};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        expect(find(DOCTOR_SOMAXCONN, "/proc/sys/net/core/somaxconn", numbers[i]), DOCTOR_UNKNOWN, "",
               "not understood");
    static const char *const ranges[] = {"9 3\n", "9\n", "0 9\n", "9 65536\n"};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        expect(find(DOCTOR_PORT_RANGE, "/proc/sys/net/ipv4/ip_local_port_range", ranges[i]), DOCTOR_UNKNOWN,
               "", "not understood");
}

static void all__root_longer_than_a_path__unknown(void **state)
{
    static char deep[PATH_MAX + 1];

    (void)state;
    memset(deep, '/', sizeof deep - 1);
    doctor_read(deep, 0, doctor_facts.readings);
    assert_int_equal(doctor_facts.readings[DOCTOR_SOMAXCONN].error, -ENAMETOOLONG);
    assert_int_equal(doctor_facts.readings[DOCTOR_HARD_LIMIT].error, -ENAMETOOLONG);
}

/* ---- the network ---- */

static void syncookies__off_or_always__set_to_1(void **state)
{
    const char *path = "/proc/sys/net/ipv4/tcp_syncookies";

    (void)state;
    expect(find(DOCTOR_SYNCOOKIES, path, "0\n"), DOCTOR_ADVISED, "1", "flood");
    expect(find(DOCTOR_SYNCOOKIES, path, "2\n"), DOCTOR_ADVISED, "1", "window scaling");
    doctor_drop(path);
    doctor_examine();
    expect(&doctor_findings[DOCTOR_SYNCOOKIES], DOCTOR_ADVISED, "", "built without");
}

static void tutorial_settings__never_advised(void **state)
{
    (void)state;
    for (int value = 0; value <= 2; value++) {
        char text[] = {(char)('0' + value), '\n', '\0'};

        expect(find(DOCTOR_TW_REUSE, "/proc/sys/net/ipv4/tcp_tw_reuse", text), DOCTOR_OK, "", "Leave it");
        expect(find(DOCTOR_FASTOPEN, "/proc/sys/net/ipv4/tcp_fastopen", text), DOCTOR_OK, "",
               "switches it off");
    }
    expect(find(DOCTOR_FIN_TIMEOUT, "/proc/sys/net/ipv4/tcp_fin_timeout", "10\n"), DOCTOR_OK, "", "Leave it");
    expect(find(DOCTOR_TW_RECYCLE, "/proc/sys/net/ipv4/tcp_tw_recycle", "0\n"), DOCTOR_OK, "",
           "never the answer");
    expect(find(DOCTOR_TW_RECYCLE, "/proc/sys/net/ipv4/tcp_tw_recycle", "1\n"), DOCTOR_NEEDED, "0", "NAT");
}

static void fin_timeout__very_long__set_to_60(void **state)
{
    (void)state;
    expect(find(DOCTOR_FIN_TIMEOUT, "/proc/sys/net/ipv4/tcp_fin_timeout", "121\n"), DOCTOR_ADVISED, "60",
           "memory");
    expect(find(DOCTOR_FIN_TIMEOUT, "/proc/sys/net/ipv4/tcp_fin_timeout", "120\n"), DOCTOR_OK, "", "");
}

static void somaxconn__shorter_than_the_backlog__set_to_it(void **state)
{
    (void)state;
    expect(find(DOCTOR_SOMAXCONN, "/proc/sys/net/core/somaxconn", "4095\n"), DOCTOR_ADVISED, "4096",
           "--backlog");
    doctor_facts.wants.backlog = 128;
    expect(find(DOCTOR_SOMAXCONN, "/proc/sys/net/core/somaxconn", "128\n"), DOCTOR_OK, "", "");
}

static void syn_backlog__asked_only_without_cookies(void **state)
{
    const char *path = "/proc/sys/net/ipv4/tcp_max_syn_backlog";

    (void)state;
    expect(find(DOCTOR_SYN_BACKLOG, path, "1\n"), DOCTOR_OK, "", "No matter");
    doctor_put("/proc/sys/net/ipv4/tcp_syncookies", "0\n");
    expect(find(DOCTOR_SYN_BACKLOG, path, "1\n"), DOCTOR_ADVISED, "4096", "for as long as");
    expect(find(DOCTOR_SYN_BACKLOG, path, "4096\n"), DOCTOR_OK, "", "");
    doctor_put("/proc/sys/net/ipv4/tcp_syncookies", "perhaps\n");
    expect(find(DOCTOR_SYN_BACKLOG, path, "1\n"), DOCTOR_OK, "", "No matter");
}

static void port_range__narrow__set_to_the_default(void **state)
{
    const char *path = "/proc/sys/net/ipv4/ip_local_port_range";

    (void)state;
    expect(find(DOCTOR_PORT_RANGE, path, "50000 59998\n"), DOCTOR_ADVISED, "32768 60999",
           "only 9999 connections");
    expect(find(DOCTOR_PORT_RANGE, path, "50000 59999\n"), DOCTOR_OK, "", "");
}

static void reserved_ports__own_port_in_the_range__added_to_what_is_reserved(void **state)
{
    const char *path = "/proc/sys/net/ipv4/ip_local_reserved_ports";

    (void)state;
    doctor_facts.wants.port = 40000;
    expect(find(DOCTOR_RESERVED_PORTS, path, "\n"), DOCTOR_ADVISED, "40000", "below 32768");
    expect(find(DOCTOR_RESERVED_PORTS, path, "8080,39000-39999\n"), DOCTOR_ADVISED, "8080,39000-39999,40000",
           "");
    expect(find(DOCTOR_RESERVED_PORTS, path, "40001-41000\n"), DOCTOR_ADVISED, "40001-41000,40000", "");
    expect(find(DOCTOR_RESERVED_PORTS, path, ""), DOCTOR_ADVISED, "40000", "");
    expect(find(DOCTOR_RESERVED_PORTS, path, "8080,39000-40000\n"), DOCTOR_OK, "", "");
    expect(find(DOCTOR_RESERVED_PORTS, path, "40000\n"), DOCTOR_OK, "", "");
    doctor_facts.wants.port = 32767;
    expect(find(DOCTOR_RESERVED_PORTS, path, "\n"), DOCTOR_OK, "", "");
    doctor_facts.wants.port = 61000;
    expect(find(DOCTOR_RESERVED_PORTS, path, "\n"), DOCTOR_OK, "", "");
    doctor_facts.wants.port = 40000;
    doctor_drop("/proc/sys/net/ipv4/ip_local_port_range");
    expect(find(DOCTOR_RESERVED_PORTS, path, "\n"), DOCTOR_OK, "", "");
}

/* ---- descriptors ---- */

static void hard_limit__lower_than_the_table__says_how_many_connections_remain(void **state)
{
    (void)state;
    doctor_put_limits("self", "1024", "10191");
    assert_int_equal(doctor_examine(), DOCTOR_ADVISED);
    expect(&doctor_findings[DOCTOR_HARD_LIMIT], DOCTOR_ADVISED, "", "holds 9999 connections now, not 10000");
    doctor_put_limits("self", "1024", "10192");
    assert_int_equal(doctor_examine(), DOCTOR_OK);
}

static void hard_limit__connections_asked_for__needed(void **state)
{
    (void)state;
    doctor_put_limits("self", "1024", "4096");
    doctor_facts.wants.connections_asked = true;
    assert_int_equal(doctor_examine(), DOCTOR_NEEDED);
    expect(&doctor_findings[DOCTOR_HARD_LIMIT], DOCTOR_NEEDED, "", "does not start with 10000, and 192");
}

static void hard_limit__no_room_for_a_single_one__needed(void **state)
{
    (void)state;
    doctor_put_limits("self", "192", "192");
    assert_int_equal(doctor_examine(), DOCTOR_NEEDED);
}

static void nr_open__lower_than_the_table__set_to_it(void **state)
{
    (void)state;
    expect(find(DOCTOR_NR_OPEN, "/proc/sys/fs/nr_open", "10000\n"), DOCTOR_ADVISED, "10192", "no hard limit");
    doctor_facts.wants.connections_asked = true;
    expect(find(DOCTOR_NR_OPEN, "/proc/sys/fs/nr_open", "10000\n"), DOCTOR_NEEDED, "10192", "no hard limit");
}

static void limits__of_another_process__read_there(void **state)
{
    (void)state;
    doctor_put_limits("4711", "256", "512");
    doctor_read(doctor_root, 4711, doctor_facts.readings);
    assert_string_equal(doctor_facts.readings[DOCTOR_SOFT_LIMIT].text, "256");
    assert_string_equal(doctor_facts.readings[DOCTOR_HARD_LIMIT].text, "512");
    doctor_read(doctor_root, 4712, doctor_facts.readings);
    doctor_judge(&doctor_facts, doctor_findings);
    expect(&doctor_findings[DOCTOR_HARD_LIMIT], DOCTOR_UNKNOWN, "", "no such process");
    assert_int_equal(doctor_facts.readings[DOCTOR_OOM_GROUP].error, -ENOENT);
    char many[70 * 3 + 64] = "";
    for (int i = 0; i < 70; i++)
        strcat(many, "x\n");
    strcat(many, "Max open files 1 2\n"); /* behind more lines than there are */
    const char *const texts[] = {"Max processes 1 2\n", "Max open files 1\n", many};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        doctor_put("/proc/self/limits", texts[i]);
        doctor_examine();
        assert_int_equal(doctor_findings[DOCTOR_HARD_LIMIT].verdict, DOCTOR_UNKNOWN);
    }
}

/* ---- deaths ---- */

static void core_pattern__matters_with_core_alone(void **state)
{
    const char *path = "/proc/sys/kernel/core_pattern";

    (void)state;
    expect(find(DOCTOR_CORE_PATTERN, path, "|/bin/x\n"), DOCTOR_OK, "", "No matter");
    doctor_facts.wants.core = true;
    expect(find(DOCTOR_CORE_PATTERN, path, "|/bin/x\n"), DOCTOR_OK, "", "read the whole dump");
    expect(find(DOCTOR_CORE_PATTERN, path, "core\n"), DOCTOR_OK, "", "dump is written");
}

static void oom_group__set_here_or_above__needed_and_whose(void **state)
{
    (void)state;
    expect(find(DOCTOR_OOM_GROUP, "/sys/fs/cgroup/system.slice/upper.service/memory.oom.group", "1\n"),
           DOCTOR_NEEDED, "", "OOMPolicy=continue");
    assert_string_equal(doctor_findings[DOCTOR_OOM_GROUP].value, "1, of /system.slice/upper.service");
    doctor_put("/sys/fs/cgroup/system.slice/upper.service/memory.oom.group", "0\n");
    expect(find(DOCTOR_OOM_GROUP, "/sys/fs/cgroup/system.slice/memory.oom.group", "1\n"), DOCTOR_NEEDED, "",
           "singleProcessOOMKill");
    assert_string_equal(doctor_findings[DOCTOR_OOM_GROUP].value, "1, of /system.slice");
    doctor_put("/sys/fs/cgroup/system.slice/memory.oom.group", "0\n");
    expect(find(DOCTOR_OOM_GROUP, "/sys/fs/cgroup/memory.oom.group", "1\n"), DOCTOR_NEEDED, "", "");
    assert_string_equal(doctor_findings[DOCTOR_OOM_GROUP].value, "1, of /"); /* a container's own */
}

static void oom_group__version_1_or_outside_of_the_name_space__none(void **state)
{
    (void)state;
    expect(find(DOCTOR_OOM_GROUP, "/proc/self/cgroup", "4:memory:/system.slice\n"), DOCTOR_OK, "",
           "version 1");
    expect(find(DOCTOR_OOM_GROUP, "/proc/self/cgroup", "0::/../other\n"), DOCTOR_OK, "", "no such file");
    expect(find(DOCTOR_OOM_GROUP, "/proc/self/cgroup", "0::/\n"), DOCTOR_OK, "", "no such file");
    assert_string_equal(doctor_findings[DOCTOR_OOM_GROUP].value, "-");
}

static void memfd__nothing_in_memory_may_run__needed(void **state)
{
    (void)state;
    expect(find(DOCTOR_MEMFD, "/proc/sys/vm/memfd_noexec", "2\n"), DOCTOR_NEEDED, "1", "upgrade");
    expect(find(DOCTOR_MEMFD, "/proc/sys/vm/memfd_noexec", "1\n"), DOCTOR_OK, "", "");
}

/* ---- confinement ---- */

static void seccomp_and_landlock__missing__advised_without_a_setting(void **state)
{
    (void)state;
    expect(find(DOCTOR_SECCOMP, "/proc/sys/kernel/seccomp/actions_avail", "kill errno trapeze\n"),
           DOCTOR_ADVISED, "", "trap");
    doctor_drop("/proc/sys/kernel/seccomp/actions_avail");
    doctor_landlock_version = -EOPNOTSUPP;
    assert_int_equal(doctor_examine(), DOCTOR_ADVISED);
    expect(&doctor_findings[DOCTOR_SECCOMP], DOCTOR_ADVISED, "", "CONFIG_SECCOMP_FILTER");
    expect(&doctor_findings[DOCTOR_LANDLOCK], DOCTOR_ADVISED, "", "lsm=");
    doctor_landlock_version = -ENOSYS;
    doctor_examine();
    expect(&doctor_findings[DOCTOR_LANDLOCK], DOCTOR_ADVISED, "", "lsm=");
    doctor_landlock_version = -EPERM;
    doctor_examine();
    expect(&doctor_findings[DOCTOR_LANDLOCK], DOCTOR_UNKNOWN, "", "Operation not permitted");
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, doctor_make_machine, doctor_drop_machine)
    const struct CMUnitTest tests[] = {
        TEST(table__every_check__has_its_own_name_a_meaning_and_a_judge),
        TEST(all__good_machine__nothing_advised),
        TEST(all__gravest_verdict__is_what_is_returned),
        TEST(all__what_cannot_be_read_or_understood__unknown),
        TEST(syncookies__off_or_always__set_to_1),
        TEST(tutorial_settings__never_advised),
        TEST(fin_timeout__very_long__set_to_60),
        TEST(somaxconn__shorter_than_the_backlog__set_to_it),
        TEST(syn_backlog__asked_only_without_cookies),
        TEST(port_range__narrow__set_to_the_default),
        TEST(reserved_ports__own_port_in_the_range__added_to_what_is_reserved),
        TEST(hard_limit__lower_than_the_table__says_how_many_connections_remain),
        TEST(hard_limit__connections_asked_for__needed),
        TEST(hard_limit__no_room_for_a_single_one__needed),
        TEST(nr_open__lower_than_the_table__set_to_it),
        TEST(limits__of_another_process__read_there),
        TEST(core_pattern__matters_with_core_alone),
        TEST(oom_group__set_here_or_above__needed_and_whose),
        TEST(oom_group__version_1_or_outside_of_the_name_space__none),
        TEST(memfd__nothing_in_memory_may_run__needed),
        TEST(seccomp_and_landlock__missing__advised_without_a_setting),
        TEST(all__root_longer_than_a_path__unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
