#include "master/unix_path.h"

#include <errno.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

const char *unix_path_of(const struct sockaddr_storage *address)
{
    const void *any = address;
    const struct sockaddr_un *unix_address = any;

    return address->ss_family == AF_UNIX && unix_address->sun_path[0] ? unix_address->sun_path : NULL;
}

/* Is the socket at that address left over: there, but nobody listens? Does not wait. */
static bool is_left_over(const struct sockaddr_storage *address, socklen_t length)
{
    const void *any = address;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool refused = fd >= 0 && connect(fd, any, length) < 0 && errno == ECONNREFUSED;

    if (fd >= 0)
        close(fd);
    return refused;
}

static int refuse_no_socket(const char *path, char error[], size_t error_size)
{
    snprintf(error, error_size, "%s exists and is no socket; it is left alone", path);
    return -EADDRINUSE;
}

/* Makes room at a UNIX path that a dead server left. 0: bind can be tried again. */
static int remove_left_over(const struct sockaddr_storage *address, socklen_t length, char error[],
                            size_t error_size)
{
    const char *path = unix_path_of(address);
    struct stat before, after;

    if (!path || lstat(path, &before) < 0)
        return -EADDRINUSE;
    if (!S_ISSOCK(before.st_mode))
        return refuse_no_socket(path, error, error_size);
    if (!is_left_over(address, length))
        return -EADDRINUSE;
    /* Another server may have started in between and put its own socket there. */
    if (lstat(path, &after) < 0 || after.st_ino != before.st_ino || after.st_dev != before.st_dev)
        return -EADDRINUSE;
    if (unlink(path) == 0)
        return 0;
    snprintf(error, error_size, "the left-over socket %s cannot be removed: %s", path, strerror(errno));
    return -EADDRINUSE;
}

/* bind() with the permissions that a UNIX path is to have from its first moment on. */
static int bind_with_mode(int fd, const struct sockaddr_storage *address, socklen_t length, mode_t mode)
{
    const void *any = address;
    mode_t umask_before = umask(~mode & 0777);
    int result = bind(fd, any, length) < 0 ? -errno : 0;

    umask(umask_before);
    return result;
}

int unix_path_bind(int fd, const struct sockaddr_storage *address, socklen_t length, mode_t mode,
                   char error[], size_t error_size)
{
    int result = bind_with_mode(fd, address, length, mode);

    if (result != -EADDRINUSE || !unix_path_of(address))
        return result;
    result = remove_left_over(address, length, error, error_size);
    return result == 0 ? bind_with_mode(fd, address, length, mode) : result;
}

int unix_path_inspect(const struct sockaddr_storage *address, socklen_t length, char error[],
                      size_t error_size)
{
    const char *path = unix_path_of(address);
    char folder[sizeof(struct sockaddr_un)]; /* dirname() writes there */
    struct stat status;
    int result = 0;

    if (!path)
        return -EINVAL;
    snprintf(folder, sizeof folder, "%s", path);
    if (lstat(path, &status) < 0)
        result = errno == ENOENT && access(dirname(folder), W_OK | X_OK) == 0 ? 0 : -errno;
    else if (!S_ISSOCK(status.st_mode))
        result = refuse_no_socket(path, error, error_size);
    else if (!is_left_over(address, length))
        result = -EADDRINUSE;
    return result;
}

void unix_path_identify(const char *path, dev_t *dev, ino_t *ino)
{
    struct stat status;
    bool is_there = lstat(path, &status) == 0;

    *dev = is_there ? status.st_dev : 0;
    *ino = is_there ? status.st_ino : 0;
}

void unix_path_remove(const char *path, dev_t dev, ino_t ino)
{
    dev_t dev_now;
    ino_t ino_now;

    unix_path_identify(path, &dev_now, &ino_now);
    if (ino != 0 && ino_now == ino && dev_now == dev)
        unlink(path);
}
