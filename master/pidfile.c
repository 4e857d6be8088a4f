#include "master/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define PROGRAM_NAME   "prefork-upper"
#define PIDFILE_MODE   0644
#define PID_TEXT_SIZE  16  /* a process number is below 2^22 (proc(5), pid_max) */
#define COMMAND_SIZE   256 /* of a command line; the program's name stands in front */
#define TEMP_EXTENSION ".XXXXXX"

/* The first bytes of a file as a string; negative errno. FIFOs and the like must not hold us up. */
static int read_start(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return -errno;

    ssize_t length = read(fd, out, size - 1);
    int result = length < 0 ? -errno : 0;

    out[length < 0 ? 0 : length] = '\0';
    close(fd);
    return result;
}

/* The number that the file holds, 0 when it holds none. */
static pid_t read_pid(const char *path)
{
    char text[PID_TEXT_SIZE] = "";
    char *end = text;

    if (read_start(path, text, sizeof text) < 0 || text[0] < '1' || text[0] > '9')
        return 0;

    long pid = strtol(text, &end, 10);

    return (*end == '\n' || *end == '\0') && pid <= INT_MAX ? (pid_t)pid : 0;
}

/* Is that process one of ours, by its title or by the name it was started with? A number alone says nothing:
 * it may long belong to somebody else. */
static bool is_server_alive(pid_t pid)
{
    char path[64];
    char command[COMMAND_SIZE] = "";

    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    if (read_start(path, command, sizeof command) < 0)
        return false;

    const char *slash = strrchr(command, '/');
    const char *name = slash ? slash + 1 : command;
    size_t length = strlen(PROGRAM_NAME);

    return strncmp(name, PROGRAM_NAME, length) == 0 && (name[length] == '\0' || name[length] == ':');
}

static int write_number(int fd)
{
    char text[PID_TEXT_SIZE];
    int length = snprintf(text, sizeof text, "%d\n", (int)getpid());
    ssize_t written = write(fd, text, (size_t)length);

    if (written < 0 || fchmod(fd, PIDFILE_MODE) < 0)
        return -errno;
    return written == length ? 0 : -ENOSPC;
}

/* A file beside `path` with the number in it, renamed over it: a reader sees the old content or the new one.
 */
static int replace_file(const char *path)
{
    char temp[PATH_MAX];

    if ((size_t)snprintf(temp, sizeof temp, "%s" TEMP_EXTENSION, path) >= sizeof temp)
        return -ENAMETOOLONG;

    int fd = mkostemp(temp, O_CLOEXEC);

    if (fd < 0)
        return -errno;

    int result = write_number(fd);

    if (close(fd) < 0 && result == 0)
        result = -errno;
    if (result == 0 && rename(temp, path) < 0)
        result = -errno;
    if (result < 0)
        unlink(temp);
    return result;
}

/* A rename would put a file in the place of a device, a FIFO or a link, and the end of the run would remove
 * it. */
static bool may_replace(const char *path)
{
    struct stat status;

    return lstat(path, &status) < 0 || S_ISREG(status.st_mode);
}

/* Nothing, or what begins with a number, whoever wrote it. */
static bool is_pid_file(const char *path)
{
    char start[2] = "";

    return read_start(path, start, sizeof start) < 0 || strchr("-0123456789", start[0]) != NULL;
}

int pidfile_inspect(const char *path, char error[], size_t error_size)
{
    if (!may_replace(path)) {
        snprintf(error, error_size, "the pid file %s exists and is no regular file; it is left alone", path);
        return -EINVAL;
    }
    if (!is_pid_file(path)) {
        snprintf(error, error_size, "the pid file %s exists and holds something else; it is left alone",
                 path);
        return -EINVAL;
    }

    pid_t holder = read_pid(path);

    if (holder > 0 && holder != getpid() && is_server_alive(holder)) {
        snprintf(error, error_size, "the pid file %s names a running " PROGRAM_NAME ", pid %d", path,
                 (int)holder);
        return -EEXIST;
    }
    return 0;
}

int pidfile_write(const char *path, char error[], size_t error_size)
{
    int result = pidfile_inspect(path, error, error_size);

    if (result < 0)
        return result;
    result = replace_file(path);

    if (result < 0)
        snprintf(error, error_size, "the pid file %s cannot be written: %s", path, strerror(-result));
    return result;
}

void pidfile_remove(const char *path)
{
    if (path && may_replace(path) && read_pid(path) == getpid())
        unlink(path);
}
