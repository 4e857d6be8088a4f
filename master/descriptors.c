#include "master/descriptors.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* Raises the soft limit to `needed`, or to the hard limit when that is lower; *limit is what then holds. */
static int raise_soft_limit(rlim_t needed, struct rlimit *limit)
{
    if (getrlimit(RLIMIT_NOFILE, limit) < 0)
        return -errno;
    if (limit->rlim_cur >= needed) /* RLIM_INFINITY is the largest rlim_t */
        return 0;
    limit->rlim_cur = limit->rlim_max < needed ? limit->rlim_max : needed;
    return setrlimit(RLIMIT_NOFILE, limit) < 0 ? -errno : 0;
}

int descriptors_fit(uint32_t wanted, bool asked_for, uint32_t reserved, uint32_t *granted, char error[],
                    size_t error_size)
{
    rlim_t needed = (rlim_t)wanted + reserved;
    struct rlimit limit;
    int result = raise_soft_limit(needed, &limit);

    if (result < 0) {
        snprintf(error, error_size, "the limit of open descriptors cannot be set: %s", strerror(-result));
        return result;
    }
    if (limit.rlim_cur >= needed) {
        *granted = wanted;
        return 0;
    }
    if (asked_for || limit.rlim_cur <= reserved) {
        snprintf(error, error_size,
                 "%u connections and %u other descriptors do not fit the limit of %llu open descriptors "
                 "(ulimit -Hn)",
                 wanted, reserved, (unsigned long long)limit.rlim_cur);
        return -EMFILE;
    }
    *granted = (uint32_t)(limit.rlim_cur - reserved);
    return 0;
}
