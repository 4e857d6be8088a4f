#include "master/holder.h"

#include "master/procnet.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* What is worth looking through for one sentence of an error message. */
#define SOCKET_LINE_COUNT_MAX 200000
#define DESCRIPTOR_COUNT_MAX  1000000 /* over all processes */
#define COMMAND_LENGTH_MAX    72
#define TCP_STATE_LISTEN      0x0a /* net/tcp_states.h of the kernel */
#define UNIX_FLAG_ACCEPTS     0x10000

/* A socket of /proc/net: its inode names it in /proc/PID/fd. */
struct found_socket {
    uint64_t inode; /* 0: none found */
    unsigned uid;   /* UID_UNKNOWN where the list does not say */
};

#define UID_UNKNOWN (~0u)

static bool is_wildcard(const struct in6_addr *address)
{
    return IN6_IS_ADDR_UNSPECIFIED(address) || (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr32[3] == 0);
}

static bool collides(const struct procnet_endpoint *wanted, const struct procnet_endpoint *other)
{
    return wanted->port == other->port && (is_wildcard(&wanted->address) || is_wildcard(&other->address) ||
                                           IN6_ARE_ADDR_EQUAL(&wanted->address, &other->address));
}

/* Takes one line of /proc/net/tcp or tcp6 into account. A listener is the better answer; but a connection
 * that uses our port as its own end of the line holds the address as well. */
static void look_at_tcp_line(const char *line, const struct procnet_endpoint *wanted,
                             struct found_socket *found)
{
    char local[48];
    unsigned state;
    unsigned uid;
    uint64_t inode;
    struct procnet_endpoint other;

    if (sscanf(line, " %*u: %47s %*s %x %*s %*s %*s %u %*u %" SCNu64, local, &state, &uid, &inode) != 4)
        return;
    if (inode == 0 || !procnet_parse_endpoint(local, &other) || !collides(wanted, &other))
        return;
    if (state == TCP_STATE_LISTEN || found->inode == 0)
        *found = (struct found_socket){.inode = inode, .uid = uid};
}

static void look_at_unix_line(const char *line, const char *name, struct found_socket *found)
{
    unsigned flags;
    uint64_t inode;
    int name_start = (int)strlen(line); /* it has none */

    if (sscanf(line, "%*x: %*x %*x %x %*x %*x %" SCNu64 " %n", &flags, &inode, &name_start) != 2)
        return;
    if (strcmp(line + name_start, name) == 0 && ((flags & UNIX_FLAG_ACCEPTS) || found->inode == 0))
        *found = (struct found_socket){.inode = inode, .uid = UID_UNKNOWN};
}

/* Goes through a list of /proc/net, with either of the two keys. */
static void scan_list(const char *path, const struct procnet_endpoint *wanted, const char *name,
                      struct found_socket *found)
{
    char line[512];
    FILE *list = fopen(path, "re");

    for (int i = 0; list && i < SOCKET_LINE_COUNT_MAX && fgets(line, sizeof line, list); i++) {
        line[strcspn(line, "\n")] = '\0';
        if (name)
            look_at_unix_line(line, name, found);
        else
            look_at_tcp_line(line, wanted, found);
    }
    if (list)
        fclose(list);
}

static struct found_socket find_tcp(const struct sockaddr_storage *address)
{
    const void *any = address;
    const struct sockaddr_in *v4 = any;
    const struct sockaddr_in6 *v6 = any;
    struct procnet_endpoint wanted = {.port = ntohs(v4->sin_port)}; /* at the same place in both */
    struct found_socket found = {0};

    if (address->ss_family == AF_INET)
        procnet_map_v4(&wanted.address, v4->sin_addr.s_addr);
    else
        wanted.address = v6->sin6_addr;
    scan_list("/proc/net/tcp", &wanted, NULL, &found);
    scan_list("/proc/net/tcp6", &wanted, NULL, &found);
    return found;
}

static struct found_socket find_unix(const struct sockaddr_storage *address)
{
    const void *any = address;
    const struct sockaddr_un *unix_address = any;
    char name[sizeof unix_address->sun_path + 1];
    struct found_socket found = {0};

    memcpy(name, unix_address->sun_path, sizeof unix_address->sun_path);
    name[sizeof name - 1] = '\0';
    if (name[0] == '\0')
        name[0] = '@'; /* as the list shows abstract names */
    scan_list("/proc/net/unix", NULL, name, &found);
    return found;
}

/* Has that process the socket open? *budget counts the descriptors looked at. */
static bool has_socket(int proc_fd, const char *pid, const char *link_wanted, int *budget)
{
    char path[64];
    char link[64];
    bool found = false;

    snprintf(path, sizeof path, "%.16s/fd", pid);
    int fd = openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);

    if (!directory) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    for (struct dirent *entry; !found && *budget > 0 && (entry = readdir(directory)); --*budget) {
        ssize_t length = readlinkat(fd, entry->d_name, link, sizeof link - 1);

        if (length <= 0)
            continue;
        link[length] = '\0';
        found = strcmp(link, link_wanted) == 0;
    }
    closedir(directory);
    return found;
}

/* The command line of a process, arguments joined by spaces; "?" when it cannot be read. */
static void read_command(int proc_fd, const char *pid, char out[COMMAND_LENGTH_MAX + 1])
{
    char path[64];
    ssize_t length = -1;

    snprintf(path, sizeof path, "%.16s/cmdline", pid);
    int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);

    if (fd >= 0) {
        length = read(fd, out, COMMAND_LENGTH_MAX);
        close(fd);
    }
    if (length <= 0) {
        memcpy(out, "?", 2);
        return;
    }
    while (length > 0 && out[length - 1] == '\0')
        length--;
    out[length] = '\0';
    for (ssize_t i = 0; i < length; i++)
        if (!isprint((unsigned char)out[i]))
            out[i] = out[i] == '\0' ? ' ' : '?';
}

/* Finds the process that has the socket open. The kernel lists processes by rising number, so of a family
 * that shares it the parent comes first. */
static int find_process(uint64_t inode, char *out, size_t size)
{
    char link[64];
    char command[COMMAND_LENGTH_MAX + 1];
    int budget = DESCRIPTOR_COUNT_MAX;
    int result = -EACCES;
    DIR *proc = opendir("/proc");

    snprintf(link, sizeof link, "socket:[%" PRIu64 "]", inode);
    for (struct dirent *entry; proc && budget > 0 && (entry = readdir(proc));) {
        if (!isdigit((unsigned char)entry->d_name[0]) ||
            !has_socket(dirfd(proc), entry->d_name, link, &budget))
            continue;
        read_command(dirfd(proc), entry->d_name, command);
        snprintf(out, size, "pid %.16s (%s)", entry->d_name, command);
        result = 0;
        break;
    }
    if (proc)
        closedir(proc);
    return result;
}

int holder_find(const struct sockaddr_storage *address, char *out, size_t size)
{
    struct found_socket found = address->ss_family == AF_UNIX ? find_unix(address) : find_tcp(address);

    if (found.inode == 0) {
        snprintf(out, size, "a socket that /proc does not list here");
        return -ENOENT;
    }

    int result = find_process(found.inode, out, size);

    if (result < 0 && found.uid == UID_UNKNOWN)
        snprintf(out, size, "a process that is not visible to us");
    else if (result < 0)
        snprintf(out, size, "a process of user %u that is not visible to us", found.uid);
    return result;
}
