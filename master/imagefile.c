#include "master/imagefile.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(int error, const char *what, char why[], size_t why_size)
{
    snprintf(why, why_size, "%s", what);
    return error;
}

/* O_NONBLOCK: a FIFO would wait for a writer. */
static int open_program(const char *path, struct stat *status, char why[], size_t why_size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int error = fd < 0 || fstat(fd, status) < 0 ? -errno : 0;
    if (error)
        refuse(error, strerrordesc_np(-error), why, why_size);
    else if (!S_ISREG(status->st_mode))
        error = refuse(-EACCES, "it is no regular file", why, why_size);
    else if (!(status->st_mode & 0111) || access(path, X_OK) < 0)
        error = refuse(-EACCES, "it is not executable", why, why_size);
    else if (status->st_size > IMAGEFILE_BYTES_MAX)
        error = refuse(-EFBIG, "it is too large for a program of this kind", why, why_size);
    if (!error)
        return fd;
    if (fd >= 0)
        close(fd);
    return error;
}

static int copy_all(int from, int to, off_t size)
{
    while (size > 0) {
        ssize_t n = sendfile(to, from, NULL, (size_t)size);
        if (n < 0)
            return -errno;
        if (n == 0)
            return -EIO; /* it has become shorter meanwhile */
        size -= n;
    }
    return 0;
}

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* linux/memfd.h, since 6.3 */
#endif

/* What may be executed wants to be asked for where the machine's default is otherwise (vm.memfd_noexec = 1); an older
 * kernel does not know the wish. */
static int make_memfd(void)
{
    int fd = memfd_create("prefork-upper-image", MFD_ALLOW_SEALING | MFD_EXEC);
    return fd >= 0 || errno != EINVAL ? fd : memfd_create("prefork-upper-image", MFD_ALLOW_SEALING);
}

static int copy_to_memory(int from, off_t size, char why[], size_t why_size)
{
    int to = make_memfd();
    int error = to < 0 ? -errno : copy_all(from, to, size);
    if (!error && (fchmod(to, 0555) < 0 ||
                   fcntl(to, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0))
        error = -errno;
    if (!error)
        return to;
    if (to >= 0)
        close(to);
    return refuse(error, strerrordesc_np(-error), why, why_size);
}

int imagefile_copy(const char *path, char why[], size_t why_size)
{
    struct stat status = {0};
    int from = open_program(path, &status, why, why_size);
    if (from < 0)
        return from;
    int to = copy_to_memory(from, status.st_size, why, why_size);
    close(from);
    return to;
}
