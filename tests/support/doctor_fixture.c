#include "tests/support/doctor_fixture.h"
#include "tests/support/cmocka_all.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char doctor_root[] = "/tmp/test_doctor.XXXXXX";
long doctor_landlock_version;
struct doctor_case doctor_facts;
struct doctor_finding doctor_findings[DOCTOR_COUNT];

long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
    (void)number;
    errno = doctor_landlock_version < 0 ? (int)-doctor_landlock_version : 0;
    return doctor_landlock_version < 0 ? -1 : doctor_landlock_version;
}

void doctor_put(const char *path, const char *text)
{
    char whole[512];

    snprintf(whole, sizeof whole, "%s%s", doctor_root, path);
    for (char *slash = strchr(whole + strlen(doctor_root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        assert_true(mkdir(whole, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
    FILE *file = fopen(whole, "we");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

void doctor_put_limits(const char *process, const char *soft, const char *hard)
{
    char path[64], text[256];

    snprintf(path, sizeof path, "/proc/%s/limits", process);
    snprintf(text, sizeof text,
             "Limit                     Soft Limit           Hard Limit           Units     \n"
             "Max open files            %-20s %-20s files     \n",
             soft, hard);
    doctor_put(path, text);
}

void doctor_drop(const char *path)
{
    char whole[512];

    snprintf(whole, sizeof whole, "%s%s", doctor_root, path);
    assert_int_equal(unlink(whole), 0);
}

/* A machine with which nothing is wrong. */
int doctor_make_machine(void **state)
{
    (void)state;
    strcpy(doctor_root, "/tmp/test_doctor.XXXXXX");
    if (!mkdtemp(doctor_root))
        return -1;
    doctor_put("/proc/sys/net/ipv4/tcp_syncookies", "1\n");
    doctor_put("/proc/sys/net/ipv4/tcp_tw_reuse", "2\n");
    doctor_put("/proc/sys/net/ipv4/tcp_fin_timeout", "60\n");
    doctor_put("/proc/sys/net/ipv4/tcp_fastopen", "1\n");
    doctor_put("/proc/sys/net/core/somaxconn", "4096\n");
    doctor_put("/proc/sys/net/ipv4/tcp_max_syn_backlog", "512\n");
    doctor_put("/proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
    doctor_put("/proc/sys/net/ipv4/ip_local_reserved_ports", "\n");
    doctor_put("/proc/sys/fs/nr_open", "1048576\n");
    doctor_put("/proc/sys/kernel/core_pattern", "|/usr/lib/systemd/systemd-coredump %P %u\n");
    doctor_put("/proc/sys/vm/memfd_noexec", "0\n");
    doctor_put("/proc/sys/kernel/seccomp/actions_avail", "kill_process kill_thread trap errno log allow\n");
    doctor_put("/proc/self/cgroup", "0::/system.slice/upper.service\n");
    doctor_put("/sys/fs/cgroup/system.slice/upper.service/memory.oom.group", "0\n");
    doctor_put_limits("self", "1024", "unlimited");
    doctor_landlock_version = 6;
    doctor_facts.wants =
        (struct doctor_wants){.connections = 10000, .descriptors = 10192, .backlog = 4096, .port = 9999};
    return 0;
}

int doctor_drop_machine(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof command, "rm -r '%s'", doctor_root);
    return system(command);
}

enum doctor_verdict doctor_examine(void)
{
    doctor_read(doctor_root, 0, doctor_facts.readings);
    return doctor_judge(&doctor_facts, doctor_findings);
}
