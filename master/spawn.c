#include "master/spawn.h"
#include "worker/board.h"
#include "worker/worker.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <unistd.h>

_Noreturn static void be_worker(struct shared_pages *pages, unsigned slot, uint32_t generation)
{
    if (worker_prepare_table() < 0)
        _exit(WORKER_EXIT_SETUP);
    worker_main(pages, slot, generation);
}

int spawn_worker(struct shared_pages *pages, unsigned slot, uint32_t generation)
{
    struct board *board = shared_board(pages, slot);
    struct birth_cell *cell = &board->worker;
    if (atomic_load(&cell->generation) == generation && atomic_load(&cell->pid) != 0)
        return 0;
    atomic_store(&cell->pid, 0);
    atomic_store(&cell->generation, generation);
    atomic_store(&board->in_service, 0);
    atomic_store(&board->current, 0);
    long pid = syscall(SYS_clone, CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD, NULL, &cell->pid, NULL, NULL);
    if (pid == 0)
        be_worker(pages, slot, generation);
    return pid < 0 ? -errno : 0;
}

int spawn_kill_worker(struct shared_pages *pages, unsigned slot, uint32_t generation)
{
    struct board *board = shared_board(pages, slot);
    int32_t pid = board_worker_pid(board);
    if (pid <= 0 || atomic_load(&board->worker.generation) != generation)
        return -ESRCH;
    int fd = pidfd_open(pid, 0);
    if (fd < 0)
        return -errno;
    int result = -ESRCH;
    if (board_worker_pid(board) == pid)
        result = pidfd_send_signal(fd, SIGKILL, NULL, 0) < 0 ? -errno : 0;
    close(fd);
    return result;
}
