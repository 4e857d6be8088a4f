#include "tests/bench/prefork.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int open_tcp(const char *port)
{
    const int one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ? -1 : fd;
}

static int open_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    if (strlen(path) >= sizeof address.sun_path)
        return -1;
    strcpy(address.sun_path, path);
    return bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ? -1 : fd;
}

static int open_listener(const char *place)
{
    int fd = strchr(place, '/') ? open_unix(place) : open_tcp(place);

    return fd < 0 || listen(fd, BENCH_BACKLOG) < 0 ? -1 : fd;
}

int prefork_main(int argc, char **argv, void (*serve)(int listener))
{
    int listener = argc == 3 ? open_listener(argv[2]) : -1;
    if (listener < 0) {
        fprintf(stderr, "usage: %s WORKERS PORT|PATH (a free port of 127.0.0.1, or a path with a /)\n",
                argv[0]);
        return 64;
    }
    for (int i = 0; i < atoi(argv[1]); i++) {
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            serve(listener);
            _exit(1);
        }
    }
    puts("ready");
    fflush(stdout);
    pause();
    return 0;
}

#if defined(__GNUC__) && !defined(__clang__)
__attribute__((optimize("O3")))
#endif
void prefork_upper(char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        bytes[i] = (char)(byte - ((unsigned char)(byte - 'a') < 26 ? 'a' - 'A' : 0));
    }
}
