#include "master/inherit.h"
#include "master/imagepost.h"
#include "worker/heritage.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <unistd.h>

int inherit_tidy(int *ready_fd, int passed_count)
{
    int null = open("/dev/null",
                    O_RDONLY | O_CLOEXEC); /* every slot's table needs it: better missed now than later */
    if (null < 0)
        return -errno;
    close(null);
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) != fd)
            return -errno;
    if (*ready_fd > STDERR_FILENO) {
        int moved = fcntl(*ready_fd, F_DUPFD, FIRST_CONNECTION);
        if (moved < 0)
            return -errno;
        *ready_fd = moved;
    }
    int kept = *ready_fd > STDERR_FILENO ? *ready_fd : FIRST_CONNECTION - 1;
    unsigned first = STDERR_FILENO + 1 + (unsigned)passed_count;
    close_range(first, (unsigned)(kept > FIRST_CONNECTION ? kept - 1 : FIRST_CONNECTION - 1), 0);
    close_range((unsigned)kept + 1, ~0u, 0);
    return 0;
}

/* The log pipe's numbers come first, since pipe2 takes the two lowest. */
int inherit_make(int listener_fd, int control_fd)
{
    int log_pipe[2];
    if (pipe2(log_pipe, O_NONBLOCK) < 0)
        return -errno;
    int high[2] = {fcntl(log_pipe[0], F_DUPFD, FIRST_CONNECTION),
                   fcntl(log_pipe[1], F_DUPFD, FIRST_CONNECTION)};
    int high_listener = fcntl(listener_fd, F_DUPFD, FIRST_CONNECTION);
    int high_control = control_fd < 0 ? -1 : fcntl(control_fd, F_DUPFD, FIRST_CONNECTION);
    close(log_pipe[0]);
    close(log_pipe[1]);
    close(listener_fd);
    if (control_fd >= 0)
        close(control_fd);
    int error = heritage_place(high[1], FD_LOG);
    if (!error)
        error = heritage_place(high[0], FD_LOG_READ);
    if (!error)
        error = heritage_place(high_listener, FD_LISTENER);
    if (!error && control_fd >= 0)
        error = heritage_place(high_control, FD_CONTROL);
    if (!error)
        error = heritage_place(pidfd_open(getpid(), 0), FD_MASTER);
    if (!error)
        error = heritage_place(eventfd(0, EFD_NONBLOCK), FD_SUPERVISOR);
    if (!error)
        error = imagepost_open();
    for (int slot = 0; slot < SLOT_COUNT_MAX && !error; slot++)
        error = heritage_place(eventfd(0, EFD_NONBLOCK), FD_POKE + slot);
    return error;
}
