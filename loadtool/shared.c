#include "loadtool/shared.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

void *shared_map(int fd, size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    return at == MAP_FAILED ? NULL : at;
}

int shared_make(struct shared *shared, const char *name, size_t bytes)
{
    void *at = NULL;

    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (ftruncate(fd, (off_t)bytes) < 0 || (at = shared_map(fd, bytes)) == NULL) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    *shared = (struct shared){.at = at, .bytes = bytes, .fd = fd};
    return 0;
}

void shared_free(struct shared *shared)
{
    if (shared->at == NULL)
        return;
    munmap(shared->at, shared->bytes);
    close(shared->fd);
    shared->at = NULL;
}
