#include "worker/board.h"
#include "worker/heritage.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

const struct counter_description counter_descriptions[COUNTER_COUNT] = {
#define COUNTER(name, unit, sentence) {#name, unit, sentence},
#include "worker/counters.def"
#undef COUNTER
};

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* linux/memfd.h, since 6.3 */
#endif

/* Nothing there is to be executed. (Linux 6.3 to 6.5 refuse memory for which that is not said where vm.memfd_noexec is 2;
 * an older kernel does not know the wish.) */
static int make_memfd(void)
{
    int fd = memfd_create("prefork-upper", MFD_NOEXEC_SEAL);
    return fd >= 0 || errno != EINVAL ? fd : memfd_create("prefork-upper", MFD_ALLOW_SEALING);
}

static int sealed_memfd(off_t size)
{
    int fd = make_memfd();
    if (fd < 0)
        return -errno;
    if (ftruncate(fd, size) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        return fd;
    int error = -errno;
    close(fd);
    return error;
}

static void describe(struct shared_pages *pages)
{
    pages->orders.version = BOARD_VERSION;
    pages->orders.master_pid = getpid();
}

/* Never into a core dump of any process: what clients have sent is nobody else's. */
static struct shared_pages *map_region(void)
{
    struct shared_pages *pages = mmap(NULL, sizeof *pages, PROT_READ | PROT_WRITE, MAP_SHARED, FD_SHARED, 0);
    if (pages == MAP_FAILED)
        return NULL;
    madvise(pages->journals, sizeof pages->journals, MADV_DONTDUMP);
    return pages;
}

int shared_pages_create(struct shared_pages **pages)
{
    int fd = sealed_memfd((off_t)sizeof(struct shared_pages));
    if (fd < 0)
        return fd;
    int error = heritage_place(fd, FD_SHARED);
    if (error)
        return error;
    *pages = map_region();
    if (!*pages) {
        error = -errno;
        close(FD_SHARED);
        return error;
    }
    describe(*pages);
    return 0;
}

static bool is_sealed_region(int fd)
{
    struct stat status;
    int seals = fcntl(fd, F_GET_SEALS);
    return seals >= 0 && (seals & F_SEAL_SHRINK) && fstat(fd, &status) == 0 &&
           status.st_size == (off_t)sizeof(struct shared_pages);
}

int shared_pages_attach(struct shared_pages **pages, uint64_t layout)
{
    if (!is_sealed_region(FD_SHARED))
        return -EPROTO;
    struct shared_pages *found = map_region();
    if (!found)
        return -errno;
    if (found->orders.version != BOARD_VERSION || found->orders.layout != layout) {
        munmap(found, sizeof *found);
        return -EPROTO;
    }
    *pages = found;
    return 0;
}

struct board *shared_board(struct shared_pages *pages, unsigned slot)
{
    return &pages->slots[slot].board;
}

int32_t board_living_pid(struct birth_cell *birth, struct death_cell *death)
{
    uint32_t dead = atomic_load_explicit(&death->generation, memory_order_acquire);
    uint32_t born = atomic_load_explicit(&birth->generation, memory_order_acquire);
    return born > dead ? atomic_load_explicit(&birth->pid, memory_order_acquire) : 0;
}

int32_t board_worker_pid(struct board *board)
{
    return board_living_pid(&board->worker, &board->worker_death);
}

bool board_was_made(struct birth_cell *birth, uint32_t generation)
{
    return atomic_load_explicit(&birth->generation, memory_order_acquire) == generation &&
           atomic_load_explicit(&birth->pid, memory_order_acquire) != 0;
}

bool board_accepting(struct board *board, struct load_cell *cell)
{
    uint32_t accepting = atomic_load_explicit(&cell->accepting_generation, memory_order_relaxed);
    return accepting > atomic_load_explicit(&board->worker_death.generation, memory_order_relaxed);
}
