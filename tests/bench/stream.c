/*
 * One bulk stream: a client that sends without end and reads what comes back.
 *
 *     stream PORT upper|echo         until it is killed; exit 1 when the server ends it or answers wrongly
 *
 * It does less than the server does, so that the server is what is measured: it copies nothing but into and out of the
 * kernel, and compares the first and the last byte of what each read brought (every byte is loadtool's job). No more
 * than 256 KiB are on their way: with megabytes in the queues a MB costs up to twice as much from one tenth of a second
 * to the next, whatever the service, and the difference that is looked for drowns in that.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PATTERN_BYTES = 256 << 10
}; /* repeated without end; as much is on its way, and moved by a call, at most */

static char sent_pattern[PATTERN_BYTES], due_pattern[PATTERN_BYTES], incoming[PATTERN_BYTES];
static size_t sent_place, due_place, unanswered;

static void make_patterns(bool is_upper)
{
    for (size_t i = 0; i < PATTERN_BYTES; i++) {
        sent_pattern[i] = (char)('a' + i % 26);
        due_pattern[i] = (char)((is_upper ? 'A' : 'a') + i % 26);
    }
}

static int connect_to(const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ? -1 : fd;
}

static size_t give_most(void)
{
    size_t to_end = PATTERN_BYTES - sent_place, room = PATTERN_BYTES - unanswered;

    return to_end < room ? to_end : room;
}

/* Each returns false when the stream has ended. */
static bool give(int fd)
{
    ssize_t n = send(fd, sent_pattern + sent_place, give_most(), MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n < 0)
        return errno == EAGAIN;
    unanswered += (size_t)n;
    sent_place = (sent_place + (size_t)n) % PATTERN_BYTES;
    return true;
}

/* By read(), whose bytes the kernel counts for each process (/proc/PID/io). */
static bool take(int fd)
{
    ssize_t n = read(fd, incoming, PATTERN_BYTES - due_place);

    if (n <= 0 || incoming[0] != due_pattern[due_place] ||
        incoming[n - 1] != due_pattern[due_place + (size_t)n - 1])
        return false;
    unanswered -= (size_t)n;
    due_place = (due_place + (size_t)n) % PATTERN_BYTES;
    return true;
}

int main(int argc, char **argv)
{
    struct pollfd at = {.fd = argc == 3 ? connect_to(argv[1]) : -1};

    if (at.fd < 0) {
        fprintf(stderr, "usage: %s PORT upper|echo (of a server on 127.0.0.1)\n", argv[0]);
        return 64;
    }
    make_patterns(strcmp(argv[2], "upper") == 0);
    do {
        at.events = POLLIN | (give_most() > 0 ? POLLOUT : 0);
        poll(&at, 1, -1);
    } while ((!(at.revents & POLLOUT) || give(at.fd)) && (!(at.revents & ~POLLOUT) || take(at.fd)));
    fprintf(stderr, "%s: the stream was ended, or answered wrongly\n", argv[0]);
    return 1;
}
