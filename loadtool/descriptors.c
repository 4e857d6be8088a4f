#include "loadtool/descriptors.h"

#include <errno.h>
#include <sys/resource.h>

#include "loadtool/limits.h"

int descriptors_provide(uint64_t clients, uint64_t *needed, uint64_t *hard_limit)
{
    uint64_t wanted = clients + LIMIT_SPARE_DESCRIPTORS;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -errno;
    if (limit.rlim_max < wanted) {
        *needed = wanted;
        *hard_limit = limit.rlim_max;
        return -EMFILE;
    }
    if (limit.rlim_cur >= wanted)
        return 0;
    limit.rlim_cur = wanted;
    return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : 0;
}
