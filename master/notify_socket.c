#include "master/notify_socket.h"
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int notify_socket_find(struct notify_socket *manager)
{
    const char *name = getenv("NOTIFY_SOCKET");
    *manager = (struct notify_socket){.address = {.sun_family = AF_UNIX}};
    if (!name || !*name)
        return 0;
    if (name[0] != '/' && name[0] != '@')
        return -EINVAL;
    size_t length = strlen(name);
    if (length >= sizeof manager->address.sun_path)
        return -ENAMETOOLONG;
    memcpy(manager->address.sun_path, name, length);
    if (name[0] == '@')
        manager->address.sun_path[0] = '\0'; /* unix(7): and every byte behind it belongs to the name */
    else
        length++;
    manager->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return 0;
}

/* A number of the environment and nothing behind it; 0: there is none. */
static long long number_of(const char *name)
{
    const char *text = getenv(name);
    char *end = NULL;
    long long value = text ? strtoll(text, &end, 10) : 0;
    return text && end != text && *end == '\0' && value > 0 ? value : 0;
}

int64_t notify_watchdog_ms(pid_t main_pid)
{
    long long interval_us = number_of("WATCHDOG_USEC");
    bool is_ours = !getenv("WATCHDOG_PID") || number_of("WATCHDOG_PID") == main_pid;
    if (interval_us == 0 || !is_ours)
        return 0;
    return interval_us < 1000 ? 1 : interval_us / 1000;
}

int notify_socket_send(const struct notify_socket *manager, const char *text, size_t length)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    const struct sockaddr *address = (const void *)&manager->address;
    ssize_t sent = sendto(fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT, address, manager->length);
    int result = sent < 0 ? -errno : 0;
    close(fd);
    return result;
}
