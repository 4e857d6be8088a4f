#include "worker/heritage.h"
#include "worker/fault.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int heritage_place(int fd, int number)
{
    if (fd < 0)
        return -errno;
    if (fd == number) /* a pidfd is born close-on-exec; ours must come through the exec of an upgrade */
        return fcntl(fd, F_SETFD, 0) < 0 ? -errno : 0;
    int result = dup2(fd, number) < 0 ? -errno : 0;
    close(fd);
    return result;
}

static void add(int fd, uint64_t value)
{
    ssize_t n = fault_fails(FAULT_poke) ? -1 : write(fd, &value, sizeof value);
    (void)n;
}

void heritage_poke(unsigned slot, uint64_t value)
{
    add(FD_POKE + (int)slot, value);
}

void heritage_wake_supervisor(void)
{
    add(FD_SUPERVISOR, 1);
}
