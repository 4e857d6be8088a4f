#include "worker/landlock.h"
#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* include/uapi/linux/landlock.h of Linux 6.12; that of the machine may be older than its kernel. */
struct ruleset {
    uint64_t files, net, scoped;
};
#define ASK_VERSION 1u

/* What each version added: one bit an action. */
static const struct ruleset versions[LANDLOCK_ABI_KNOWN + 1] = {
    [1] = {.files = 0x1fff},  /* execute, read, write, list, make, remove */
    [2] = {.files = 1 << 13}, /* link and rename between folders */
    [3] = {.files = 1 << 14}, /* truncate */
    [4] = {.net = 3},         /* bind and connect TCP */
    [5] = {.files = 1 << 15}, /* ioctl of devices */
    [6] = {.scoped = 3},      /* abstract UNIX sockets and signals of others */
};

int landlock_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION);
    if (abi < 1)
        return abi < 0 ? -errno : -EOPNOTSUPP;
    return abi < LANDLOCK_ABI_KNOWN ? (int)abi : LANDLOCK_ABI_KNOWN;
}

int landlock_make_rules(int abi)
{
    struct ruleset all = {0};
    for (int version = 1; version <= abi; version++) {
        all.files |= versions[version].files;
        all.net |= versions[version].net;
        all.scoped |= versions[version].scoped;
    }
    /* No exception is added. A struct larger than the kernel's is fine while the rest is zero. */
    int fd = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);
    return fd < 0 ? -errno : fd;
}

int landlock_obey(int rules)
{
    return syscall(SYS_landlock_restrict_self, rules, 0) < 0 ? -errno : 0;
}
