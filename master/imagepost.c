#include "master/imagepost.h"
#include "master/imagefile.h"
#include "worker/heritage.h"
#include "worker/image.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LETTERS_PER_TURN_MAX                                                                                 \
    16 /* more than were ever sent at a time; what is left comes with the next signal */

struct letter {
    uint32_t number;
    uint64_t build;
};

/* Room for one descriptor beside a message, aligned as cmsg(3) wants it. */
union descriptor_room {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

int imagepost_open(void)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends) < 0)
        return -errno;
    int high = fcntl(ends[1], F_DUPFD, FIRST_CONNECTION);
    close(ends[1]);
    int error = heritage_place(ends[0], FD_IMAGE_IN);
    return error ? error : heritage_place(high, FD_IMAGE_OUT);
}

int imagepost_send(struct shared_pages *pages, int fd, uint32_t number, uint64_t build)
{
    struct letter letter = {.number = number, .build = build};
    struct iovec text = {.iov_base = &letter, .iov_len = sizeof letter};
    union descriptor_room room = {.bytes = {0}};
    struct msghdr message = {
        .msg_iov = &text, .msg_iovlen = 1, .msg_control = room.bytes, .msg_controllen = sizeof room.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    if (sendmsg(FD_IMAGE_OUT, &message, MSG_NOSIGNAL) < 0)
        return -errno;
    union sigval none = {0};
    return sigqueue(pages->orders.master_pid, IMAGEPOST_SIGNAL, none) < 0 ? -errno : 0;
}

/* ---- master ---- */

static void keep(struct shared_pages *pages, int place, int fd, const struct letter *letter)
{
    struct image_cell *cell = &pages->orders.images[place];
    atomic_store_explicit(&cell->number, 0, memory_order_release);
    if (heritage_place(fd, FD_IMAGE + place) < 0)
        return;
    cell->build = letter->build;
    atomic_store_explicit(&cell->number, letter->number, memory_order_release);
    heritage_wake_supervisor();
}

/* -1: there is none with it. A UNIX socket knows news of SOL_SOCKET alone, and there is room for one descriptor. */
static int descriptor_of(struct msghdr *message)
{
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    int fd;
    if (!header || header->cmsg_type != SCM_RIGHTS)
        return -1;
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

/* True: there was a message. */
static bool receive_one(struct shared_pages *pages)
{
    struct letter letter = {0};
    struct iovec text = {.iov_base = &letter, .iov_len = sizeof letter};
    union descriptor_room room;
    /* Without the padding, where a second descriptor would find a place. */
    struct msghdr message = {.msg_iov = &text,
                             .msg_iovlen = 1,
                             .msg_control = room.bytes,
                             .msg_controllen = CMSG_LEN(sizeof(int))};
    ssize_t n = recvmsg(FD_IMAGE_IN, &message, MSG_DONTWAIT);
    int fd = n < 0 ? -1 : descriptor_of(&message);
    int own = image_find(pages, atomic_load(&pages->orders.master_image));
    if (fd >= 0 && n == sizeof letter)
        keep(pages, own == 0 ? 1 : 0, fd, &letter);
    else if (fd >= 0)
        close(fd);
    return n >= 0;
}

/* The signal for one may have been lost: then the next one brings both, and the last one counts. */
void imagepost_receive(struct shared_pages *pages)
{
    for (int i = 0; i < LETTERS_PER_TURN_MAX && receive_one(pages); i++)
        ;
}

int imagepost_keep_own(struct shared_pages *pages, char why[], size_t why_size)
{
    const struct letter letter = {.number = 1, .build = image_build()};
    atomic_store(&pages->orders.master_image, letter.number);
    int fd = imagefile_copy("/proc/self/exe", why, why_size);
    if (fd < 0)
        return fd;
    keep(pages, 0, fd, &letter);
    return 0;
}
