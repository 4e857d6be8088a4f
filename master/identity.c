#include "master/identity.h"
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* (uid_t)-1 means "leave it" to setresuid(2). */
#define ID_MAX (UINT32_MAX - 1)

/* Digits alone. */
static bool parse_id(const char *text, uint32_t *id)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*end || errno || value > ID_MAX)
        return false;
    *id = (uint32_t)value;
    return true;
}

static int find_user(const char *name, struct sandbox_plan *plan)
{
    const struct passwd *entry = getpwnam(name);
    if (entry) {
        plan->uid = entry->pw_uid;
        plan->gid = entry->pw_gid;
        plan->drops |= SANDBOX_DROPS_USER | SANDBOX_DROPS_GROUP;
        return 0;
    }
    if (!parse_id(name, &plan->uid))
        return -ENOENT;
    plan->drops |= SANDBOX_DROPS_USER;
    entry = getpwuid(plan->uid);
    if (entry) {
        plan->gid = entry->pw_gid;
        plan->drops |= SANDBOX_DROPS_GROUP;
    }
    return 0;
}

static int find_group(const char *name, struct sandbox_plan *plan)
{
    const struct group *entry = getgrnam(name);
    if (entry)
        plan->gid = entry->gr_gid;
    else if (!parse_id(name, &plan->gid))
        return -ENOENT;
    plan->drops |= SANDBOX_DROPS_GROUP;
    return 0;
}

/* In a container root may lack them. capget(2) has no wrapper in libc. */
static bool may_change_ids(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
    const uint32_t needed = 1u << CAP_SETUID | 1u << CAP_SETGID;
    return syscall(SYS_capget, &header, data) == 0 && (data[0].effective & needed) == needed;
}

int identity_find(const char *user, const char *group, struct sandbox_plan *plan, const char **option,
                  char why[], size_t why_size)
{
    *option = "user";
    if (user && find_user(user, plan) < 0) {
        snprintf(why, why_size, "there is no user \"%s\"", user);
        return -ENOENT;
    }
    if (group)
        *option = "group";
    if (group && find_group(group, plan) < 0) {
        snprintf(why, why_size, "there is no group \"%s\"", group);
        return -ENOENT;
    }
    if (plan->drops && !may_change_ids()) {
        snprintf(why, why_size, "only root (CAP_SETUID and CAP_SETGID) can run workers as somebody else");
        return -EPERM;
    }
    return 0;
}
