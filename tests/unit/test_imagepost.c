/* How a checked program comes to the master: both ends of the post in one process, under their own numbers.
 */
/* wrap: socketpair dup2 fcntl imagefile_copy image_build recvmsg */
#include "tests/support/cmocka_all.h"

#include "master/imagefile.h"
#include "master/imagepost.h"
#include "worker/heritage.h"
#include "worker/image.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BUILD = 77, OWN_BUILD = 99 };

static struct shared_pages *pages;
static bool pair_fails, high_fails, place_fails, copy_fails;
static unsigned endless_letters; /* that were received; 0: those of the socket are */

int __real_socketpair(int family, int type, int protocol, int ends[2]);
int __wrap_socketpair(int family, int type, int protocol, int ends[2]);
int __wrap_socketpair(int family, int type, int protocol, int ends[2])
{
    if (!pair_fails)
        return __real_socketpair(family, type, protocol, ends);
    errno = EMFILE;
    return -1;
}

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...)
{
    va_list arguments;

    va_start(arguments, command);
    int value = va_arg(arguments, int);
    va_end(arguments);
    if (command == F_DUPFD && high_fails) {
        errno = EMFILE;
        return -1;
    }
    return __real_fcntl(fd, command, value);
}

int __real_dup2(int from, int to);
int __wrap_dup2(int from, int to);
int __wrap_dup2(int from, int to)
{
    if (!place_fails)
        return __real_dup2(from, to);
    errno = EBADF;
    return -1;
}

ssize_t __real_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags)
{
    if (endless_letters == 0)
        return __real_recvmsg(fd, message, flags);
    endless_letters++;
    message->msg_controllen = 0;
    return 1;
}

int __wrap_imagefile_copy(const char *path, char why[], size_t why_size);
int __wrap_imagefile_copy(const char *path, char why[], size_t why_size)
{
    assert_string_equal(path, "/proc/self/exe");
    snprintf(why, why_size, "%s", copy_fails ? "no memory for it" : "");
    return copy_fails ? -ENOMEM : memfd_create("own", 0);
}

uint64_t __wrap_image_build(void);
uint64_t __wrap_image_build(void)
{
    return OWN_BUILD;
}

/* ---- help ---- */

static int begin(void **state)
{
    sigset_t post;

    (void)state;
    pair_fails = high_fails = place_fails = copy_fails = false;
    endless_letters = 0;
    sigemptyset(&post);
    sigaddset(&post, IMAGEPOST_SIGNAL);
    sigprocmask(SIG_BLOCK, &post, NULL);
    pages = mmap(NULL, sizeof *pages, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return -1;
    pages->orders.master_pid = getpid();
    heritage_place(eventfd(0, EFD_NONBLOCK), FD_SUPERVISOR);
    return imagepost_open();
}

/* Takes the signal that may have come. False: none. */
static bool was_signalled(void)
{
    const struct timespec now = {0};
    sigset_t post;

    sigemptyset(&post);
    sigaddset(&post, IMAGEPOST_SIGNAL);
    return sigtimedwait(&post, NULL, &now) == IMAGEPOST_SIGNAL;
}

static int finish(void **state)
{
    (void)state;
    while (was_signalled())
        ;
    close_range(FD_SUPERVISOR, FD_POKE - 1, 0);
    return munmap(pages, sizeof *pages);
}

static bool supervisor_was_woken(void)
{
    uint64_t count;

    return read(FD_SUPERVISOR, &count, sizeof count) == sizeof count;
}

static ino_t inode_of(int fd)
{
    struct stat status;

    assert_int_equal(fstat(fd, &status), 0);
    return status.st_ino;
}

static bool is_open(int fd)
{
    return __real_fcntl(fd, F_GETFD) >= 0;
}

/* Sends a program of that number; returns which file it is. */
static ino_t send_program(uint32_t number)
{
    int fd = memfd_create("program", MFD_CLOEXEC);
    ino_t inode = inode_of(fd);

    assert_int_equal(imagepost_send(pages, fd, number, BUILD), 0);
    close(fd);
    return inode;
}

static void expect_kept(int place, uint32_t number, uint64_t build)
{
    assert_int_equal(image_find(pages, number), place);
    assert_int_equal(pages->orders.images[place].build, build);
    assert_int_equal(__real_fcntl(FD_IMAGE + place, F_GETFD), 0); /* it must come through an exec */
}

static void expect_nothing_kept(void)
{
    for (int place = 0; place < IMAGE_PLACE_COUNT; place++)
        assert_int_equal(atomic_load(&pages->orders.images[place].number), 0);
    assert_false(supervisor_was_woken());
}

/* ---- open ---- */

static void open__both_ends__at_their_numbers_and_never_waiting(void **state)
{
    (void)state;
    for (int fd = FD_IMAGE_IN; fd <= FD_IMAGE_OUT; fd++) {
        assert_int_equal(__real_fcntl(fd, F_GETFD), 0);
        assert_true(__real_fcntl(fd, F_GETFL) & O_NONBLOCK);
    }
}

static void open__no_descriptor__its_error(void **state)
{
    (void)state;
    pair_fails = true;
    assert_int_equal(imagepost_open(), -EMFILE);
    pair_fails = false;
    high_fails = true;
    assert_int_equal(imagepost_open(), -EMFILE);
    high_fails = false;
    place_fails = true;
    assert_int_equal(imagepost_open(), -EBADF);
}

/* ---- sent and received ---- */

static void sent__received__kept_with_number_and_build_and_told(void **state)
{
    ino_t inode = send_program(2);

    (void)state;
    assert_true(was_signalled());
    expect_nothing_kept();
    imagepost_receive(pages);
    expect_kept(0, 2, BUILD);
    assert_true(inode_of(FD_IMAGE) == inode);
    assert_true(supervisor_was_woken());
}

static void received__own_image_lies_in_one_place__the_other_one_is_taken(void **state)
{
    (void)state;
    for (int own = 0; own < IMAGE_PLACE_COUNT; own++) {
        atomic_store(&pages->orders.images[own].number, 5);
        atomic_store(&pages->orders.images[1 - own].number, 4);
        atomic_store(&pages->orders.master_image, 5);
        send_program(6);
        imagepost_receive(pages);
        expect_kept(1 - own, 6, BUILD);
        assert_int_equal(image_find(pages, 5), own);
        assert_int_equal(image_find(pages, 4), -ENOENT);
    }
}

/* The signal for one may have been lost. */
static void received__two_were_sent__both_are_taken_and_the_later_one_stays(void **state)
{
    ino_t later;

    (void)state;
    send_program(2);
    later = send_program(3);
    imagepost_receive(pages);
    expect_kept(0, 3, BUILD);
    assert_int_equal(image_find(pages, 2), -ENOENT);
    assert_true(inode_of(FD_IMAGE) == later);
}

static void received__nothing_was_sent__nothing(void **state)
{
    (void)state;
    imagepost_receive(pages);
    expect_nothing_kept();
    assert_false(is_open(FD_IMAGE));
}

static void received__no_descriptor_with_it__nothing(void **state)
{
    const char text[16] = "a letter alone";

    (void)state;
    assert_int_equal(send(FD_IMAGE_OUT, text, sizeof text, 0), sizeof text);
    imagepost_receive(pages);
    expect_nothing_kept();
}

/* One letter, with standard input as its descriptor, so many times. */
static void send_descriptors(size_t count)
{
    union {
        char bytes[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
    } room = {.bytes = {0}};
    const int sent[] = {STDIN_FILENO, STDIN_FILENO};
    char byte = 'x';
    struct iovec text = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &text,
                             .msg_iovlen = 1,
                             .msg_control = room.bytes,
                             .msg_controllen = CMSG_SPACE(count * sizeof sent[0])};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    assert_in_range(count, 1, 2);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof sent[0]);
    memcpy(CMSG_DATA(header), sent, count * sizeof sent[0]);
    assert_int_equal(sendmsg(FD_IMAGE_OUT, &message, 0), 1);
}

static void received__text_is_not_ours__descriptor_is_closed(void **state)
{
    int free_before = dup(STDIN_FILENO);

    (void)state;
    close(free_before);
    send_descriptors(1);
    imagepost_receive(pages);
    expect_nothing_kept();
    assert_false(is_open(free_before));
}

static void received__other_news_than_a_descriptor__nothing(void **state)
{
    const char text[16] = "a letter alone";
    int on = 1;

    (void)state;
    assert_int_equal(setsockopt(FD_IMAGE_IN, SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
    assert_int_equal(send(FD_IMAGE_OUT, text, sizeof text, 0), sizeof text);
    imagepost_receive(pages);
    expect_nothing_kept();
}

/* One too many would stay open in the master. */
static void received__two_descriptors__the_second_one_is_not_let_in(void **state)
{
    int free_before = dup(STDIN_FILENO);

    (void)state;
    close(free_before);
    send_descriptors(2);
    imagepost_receive(pages);
    expect_nothing_kept();
    assert_false(is_open(free_before));
    assert_false(is_open(free_before + 1));
}

/* Whoever sends on and on must not keep the master from reaping. */
static void received__letters_without_end__some_of_them(void **state)
{
    (void)state;
    endless_letters = 1;
    imagepost_receive(pages);
    assert_in_range(endless_letters, 2, 100);
    expect_nothing_kept();
}

static void received__cannot_be_placed__not_there_and_the_old_one_neither(void **state)
{
    (void)state;
    atomic_store(&pages->orders.images[0].number, 1);
    send_program(2);
    place_fails = true;
    imagepost_receive(pages);
    expect_nothing_kept();
}

/* ---- what fails on the sender's side ---- */

static void send__nobody_receives__fails_before_it_waits(void **state)
{
    int error = 0;

    (void)state;
    for (int i = 0; i < 100000 && !error; i++)
        error = imagepost_send(pages, STDIN_FILENO, 2, BUILD);
    assert_int_equal(error, -EAGAIN);
}

static void send__no_post__its_error(void **state)
{
    (void)state;
    close(FD_IMAGE_OUT);
    assert_int_equal(imagepost_send(pages, STDIN_FILENO, 2, BUILD), -EBADF);
    assert_false(was_signalled());
}

static void send__master_is_dead__its_error(void **state)
{
    pid_t pid = fork();

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    pages->orders.master_pid = pid;
    assert_int_equal(imagepost_send(pages, STDIN_FILENO, 2, BUILD), -ESRCH);
}

/* ---- the master's own ---- */

static void own__kept__is_image_1_and_what_the_master_runs(void **state)
{
    char why[80];

    (void)state;
    assert_int_equal(imagepost_keep_own(pages, why, sizeof why), 0);
    expect_kept(0, 1, OWN_BUILD);
    assert_int_equal(atomic_load(&pages->orders.master_image), 1);
    send_program(2);
    imagepost_receive(pages);
    expect_kept(1, 2, BUILD);
    expect_kept(0, 1, OWN_BUILD);
}

static void own__cannot_be_copied__why_and_no_image_to_go_back_to(void **state)
{
    char why[80];

    (void)state;
    copy_fails = true;
    assert_int_equal(imagepost_keep_own(pages, why, sizeof why), -ENOMEM);
    assert_string_equal(why, "no memory for it");
    expect_nothing_kept();
    assert_int_equal(atomic_load(&pages->orders.master_image), 1);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(open__both_ends__at_their_numbers_and_never_waiting),
        TEST(open__no_descriptor__its_error),
        TEST(sent__received__kept_with_number_and_build_and_told),
        TEST(received__own_image_lies_in_one_place__the_other_one_is_taken),
        TEST(received__two_were_sent__both_are_taken_and_the_later_one_stays),
        TEST(received__nothing_was_sent__nothing),
        TEST(received__no_descriptor_with_it__nothing),
        TEST(received__text_is_not_ours__descriptor_is_closed),
        TEST(received__cannot_be_placed__not_there_and_the_old_one_neither),
        TEST(send__nobody_receives__fails_before_it_waits),
        TEST(send__no_post__its_error),
        TEST(send__master_is_dead__its_error),
        TEST(own__kept__is_image_1_and_what_the_master_runs),
        TEST(own__cannot_be_copied__why_and_no_image_to_go_back_to),
        TEST(received__other_news_than_a_descriptor__nothing),
        TEST(received__two_descriptors__the_second_one_is_not_let_in),
        TEST(received__letters_without_end__some_of_them),
    };

    /* The fixed numbers are the test's alone: cmocka uses the standard streams. */
    close_range(STDERR_FILENO + 1, ~0u, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
