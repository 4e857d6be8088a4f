#include "master/ctl_connections.h"
#include "master/ctl_text.h"
#include "worker/limits.h"
#include "worker/peer.h"
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SOCKET_COUNT_MAX = 2000000,     /* lines of /proc/net that are looked at */
    DESCRIPTOR_COUNT_MAX = 1100000, /* of one worker */
};

struct kernel_socket {
    uint64_t inode;
    unsigned state; /* of TCP, net/tcp_states.h; 0: a UNIX socket */
    uint32_t unread, unsent;
    struct sockaddr_storage peer;
};

struct sockets {
    size_t count, size;
    struct kernel_socket *items;
};

/* ---- the kernel's lists ---- */

static struct kernel_socket *add_socket(struct sockets *sockets)
{
    if (sockets->count == sockets->size) {
        size_t size = sockets->size ? 2 * sockets->size : 1024;
        struct kernel_socket *larger =
            size > SOCKET_COUNT_MAX ? NULL : realloc(sockets->items, size * sizeof *larger);
        if (!larger)
            return NULL;
        sockets->items = larger;
        sockets->size = size;
    }
    struct kernel_socket *item = &sockets->items[sockets->count++];
    memset(item, 0, sizeof *item);
    return item;
}

/* Reads "0100007F:270F" or its IPv6 form: words of four bytes, each printed as the machine's number. */
static bool parse_endpoint(const char *text, struct sockaddr_storage *address)
{
    struct sockaddr_in *v4 = (void *)address;
    struct sockaddr_in6 *v6 = (void *)address;
    uint32_t words[4];
    const char *colon = strchr(text, ':');
    size_t count = colon ? (size_t)(colon - text) / 8 : 0;
    unsigned port = 0;
    if ((count != 1 && count != 4) || sscanf(colon + 1, "%x", &port) != 1)
        return false;
    for (size_t i = 0; i < count; i++)
        if (sscanf(text + i * 8, "%8" SCNx32, &words[i]) != 1)
            return false;
    address->ss_family = count == 1 ? AF_INET : AF_INET6;
    if (count == 1)
        v4->sin_addr.s_addr = words[0];
    else
        memcpy(v6->sin6_addr.s6_addr32, words, sizeof words);
    v4->sin_port = htons((uint16_t)port); /* at the same place in both */
    return true;
}

static void take_tcp_line(struct sockets *sockets, const char *line)
{
    char peer[48];
    struct kernel_socket found = {0};
    if (sscanf(line, " %*u: %*s %47s %x %" SCNx32 ":%" SCNx32 " %*s %*s %*u %*u %" SCNu64, peer, &found.state,
               &found.unsent, &found.unread, &found.inode) != 5 ||
        found.inode == 0 || !parse_endpoint(peer, &found.peer))
        return;
    struct kernel_socket *item = add_socket(sockets);
    if (item)
        *item = found;
}

static void take_unix_line(struct sockets *sockets, const char *line)
{
    struct kernel_socket found = {.peer = {.ss_family = AF_UNIX}};
    if (sscanf(line, "%*x: %*x %*x %*x %*x %*x %" SCNu64, &found.inode) != 1)
        return;
    struct kernel_socket *item = add_socket(sockets);
    if (item)
        *item = found;
}

static void read_list(struct sockets *sockets, int64_t pid, const char *name,
                      void (*take)(struct sockets *sockets, const char *line))
{
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%lld/net/%s", (long long)pid, name);
    FILE *list = fopen(path, "re");
    for (int i = 0; list && i < SOCKET_COUNT_MAX && fgets(line, sizeof line, list); i++)
        take(sockets, line);
    if (list)
        fclose(list);
}

static int by_inode(const void *a, const void *b)
{
    const struct kernel_socket *one = a, *other = b;
    return one->inode < other->inode ? -1 : one->inode > other->inode;
}

/* ---- one worker ---- */

static const char *state_name(unsigned state)
{
    static const char *const names[] = {"open",       "established", "syn-sent",  "syn-recv",
                                        "fin-wait-1", "fin-wait-2",  "time-wait", "closed",
                                        "close-wait", "last-ack",    "listening", "closing"};
    return state < sizeof names / sizeof names[0] ? names[state] : "?";
}

static json_t *connection_json(int64_t slot, int64_t pid, int fd, const struct kernel_socket *found)
{
    char peer[PEER_TEXT_SIZE] = "unix";
    bool is_unix = found && found->peer.ss_family == AF_UNIX;
    if (found && !is_unix)
        peer_format(peer, &found->peer, sizeof found->peer);
    return json_pack("{sI sI si ss ss sI sI}", "slot", (json_int_t)slot, "pid", (json_int_t)pid, "fd", fd,
                     "peer", found ? peer : "?", "state", found ? state_name(found->state) : "gone", "unread",
                     (json_int_t)(found ? found->unread : 0), "unsent",
                     (json_int_t)(found ? found->unsent : 0));
}

static int by_fd(const void *a, const void *b)
{
    const json_t *one = *(json_t *const *)a, *other = *(json_t *const *)b;
    return (int)(ctl_number_at(one, "fd") - ctl_number_at(other, "fd"));
}

/* The inode that "socket:[123]" names; 0: no socket. */
static uint64_t inode_of(DIR *folder, const char *name)
{
    char link[64];
    uint64_t inode = 0;
    ssize_t length = readlinkat(dirfd(folder), name, link, sizeof link - 1);
    if (length <= 0)
        return 0;
    link[length] = '\0';
    return sscanf(link, "socket:[%" SCNu64 "]", &inode) == 1 ? inode : 0;
}

static void add_connections(json_t *list, const json_t *slot, DIR *folder, const struct sockets *sockets)
{
    int64_t number = ctl_number_at(slot, "slot"), pid = ctl_number_at(slot, "pid");
    struct dirent *entry;
    for (int i = 0; i < DESCRIPTOR_COUNT_MAX && (entry = readdir(folder)); i++) {
        int fd = atoi(entry->d_name);
        struct kernel_socket wanted = {.inode = fd >= FIRST_CONNECTION ? inode_of(folder, entry->d_name) : 0};
        if (wanted.inode == 0)
            continue;
        const struct kernel_socket *found =
            sockets->count ? bsearch(&wanted, sockets->items, sockets->count, sizeof wanted, by_inode) : NULL;
        json_array_append_new(list, connection_json(number, pid, fd, found));
    }
}

static void add_worker(json_t *list, const json_t *slot, const struct sockets *sockets)
{
    char path[64];
    int64_t pid = ctl_number_at(slot, "pid");
    if (pid <= 0)
        return;
    snprintf(path, sizeof path, "/proc/%lld/fd", (long long)pid);
    DIR *folder = opendir(path);
    if (!folder) {
        json_array_append_new(list, json_pack("{sI sI ss}", "slot", (json_int_t)ctl_number_at(slot, "slot"),
                                              "pid", (json_int_t)pid, "error", strerror(errno)));
        return;
    }
    add_connections(list, slot, folder, sockets);
    closedir(folder);
}

/* Those of one slot in the order of their numbers. */
static void append_sorted(json_t *list, json_t *of_slot)
{
    size_t count = json_array_size(of_slot);
    json_t **items = count ? malloc(count * sizeof *items) : NULL;
    for (size_t i = 0; items && i < count; i++)
        items[i] = json_array_get(of_slot, i);
    if (items)
        qsort(items, count, sizeof *items, by_fd);
    for (size_t i = 0; items && i < count; i++)
        json_array_append(list, items[i]);
    free(items);
    json_decref(of_slot);
}

json_t *ctl_connections_json(const json_t *status)
{
    struct sockets sockets = {0};
    int64_t master = ctl_number_at(status, "pid");
    json_t *list = json_array(), *slot;
    size_t i;
    read_list(&sockets, master, "tcp", take_tcp_line);
    read_list(&sockets, master, "tcp6", take_tcp_line);
    read_list(&sockets, master, "unix", take_unix_line);
    if (sockets.count > 0)
        qsort(sockets.items, sockets.count, sizeof sockets.items[0], by_inode);
    json_array_foreach (json_object_get(status, "slots"), i, slot) {
        json_t *of_slot = json_array();
        add_worker(of_slot, slot, &sockets);
        append_sorted(list, of_slot);
    }
    free(sockets.items);
    return list;
}

/* ---- text ---- */

void ctl_connections_print(FILE *out, const json_t *connections)
{
    size_t i;
    json_t *connection;
    fprintf(out, "\n%4s %8s  %-32s %-11s %9s %9s\n", "slot", "fd", "peer", "state", "unread", "unsent");
    json_array_foreach (connections, i, connection) {
        const json_t *error = json_object_get(connection, "error");
        if (error)
            fprintf(out, "%4lld  the descriptors of process %lld cannot be read: %s\n",
                    (long long)ctl_number_at(connection, "slot"), (long long)ctl_number_at(connection, "pid"),
                    json_string_value(error));
        else
            fprintf(out, "%4lld %8lld  %-32s %-11s %9lld %9lld\n",
                    (long long)ctl_number_at(connection, "slot"), (long long)ctl_number_at(connection, "fd"),
                    ctl_string_at(connection, "peer"), ctl_string_at(connection, "state"),
                    (long long)ctl_number_at(connection, "unread"),
                    (long long)ctl_number_at(connection, "unsent"));
    }
}
