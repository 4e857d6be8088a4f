#include "worker/process.h"
#include "worker/fault.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <unistd.h>

int process_clone(unsigned long flags, struct birth_cell *cell, uint32_t generation)
{
    atomic_store(&cell->pid, 0);
    atomic_store(&cell->generation, generation);
    long pid = fault_fails(FAULT_clone) ? -1 : syscall(SYS_clone, flags, NULL, &cell->pid, NULL, NULL);
    return pid < 0 ? -errno : (int)pid;
}

static bool is_want_of_a_descriptor(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM;
}

/* By number where there is no pidfd. */
static int send_to(int fd, pid_t pid, int signal_number)
{
    int result = fd >= 0 ? pidfd_send_signal(fd, signal_number, NULL, 0) : kill(pid, signal_number);
    return result < 0 ? -errno : 0;
}

int process_signal(struct birth_cell *cell, struct death_cell *death, uint32_t generation, int signal_number)
{
    int32_t pid = board_living_pid(cell, death);
    if (pid <= 0 || atomic_load(&cell->generation) != generation)
        return -ESRCH;
    int fd = fault_fails(FAULT_pidfd) ? -1 : pidfd_open(pid, 0);
    if (fd < 0 && !is_want_of_a_descriptor(errno))
        return -errno;
    int result = board_living_pid(cell, death) == pid ? send_to(fd, pid, signal_number) : -ESRCH;
    if (fd >= 0)
        close(fd);
    return result;
}
