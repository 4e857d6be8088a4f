#include "worker/process.h"
#include "worker/fault.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
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

/* proc(5), stat: pid, (name), state, parent; the name may hold anything, and is the last with brackets. */
static pid_t parent_of(const char *stat)
{
    const char *end = strrchr(stat, ')');
    int parent;
    return end && sscanf(end, ") %*c %d", &parent) == 1 ? parent : -1;
}

bool process_is_kin(pid_t pid)
{
    char path[32], stat[256];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, stat, sizeof stat - 1);
    if (fd >= 0)
        close(fd);
    if (length <= 0)
        return true;
    stat[length] = '\0';
    pid_t parent = parent_of(stat);
    return parent == getpid() || parent == getppid();
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
    int result = -ESRCH;
    if (board_living_pid(cell, death) == pid)
        result = process_is_kin(pid) ? send_to(fd, pid, signal_number) : -EPERM;
    if (fd >= 0)
        close(fd);
    return result;
}
