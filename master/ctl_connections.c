#include "master/ctl_connections.h"
#include "master/ctl_text.h"
#include "master/procnet.h"
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
    SOCKET_COUNT_MAX = 2000000, /* lines of /proc/net that are looked at */
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

static bool parse_peer(const char *text, struct sockaddr_storage *peer)
{
    struct sockaddr_in6 *v6 = (void *)peer; /* an IPv4 peer is one that is mapped, and shown as what it is */
    struct procnet_endpoint endpoint;
    if (!procnet_parse_endpoint(text, &endpoint))
        return false;
    *v6 = (struct sockaddr_in6){
        .sin6_family = AF_INET6, .sin6_addr = endpoint.address, .sin6_port = htons((uint16_t)endpoint.port)};
    return true;
}

static void take_tcp_line(struct sockets *sockets, const char *line)
{
    char peer[48];
    struct kernel_socket found = {0};
    if (sscanf(line, " %*u: %*s %47s %x %" SCNx32 ":%" SCNx32 " %*s %*s %*u %*u %" SCNu64, peer, &found.state,
               &found.unsent, &found.unread, &found.inode) != 5 ||
        found.inode == 0 || !parse_peer(peer, &found.peer))
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

/* The inode that "socket:[123]" names; 0: no socket. */
static uint64_t inode_of(const char *folder, const char *name)
{
    char path[128], link[64];
    uint64_t inode = 0;
    snprintf(path, sizeof path, "%.63s/%.32s", folder, name);
    ssize_t length = readlink(path, link, sizeof link - 1);
    if (length <= 0)
        return 0;
    link[length] = '\0';
    return sscanf(link, "socket:[%" SCNu64 "]", &inode) == 1 ? inode : 0;
}

static int is_connection(const struct dirent *entry)
{
    return atoi(entry->d_name) >= FIRST_CONNECTION;
}

static void add_connection(json_t *list, const json_t *slot, const char *folder, const char *name,
                           const struct sockets *sockets)
{
    struct kernel_socket wanted = {.inode = inode_of(folder, name)};
    if (wanted.inode == 0)
        return;
    const struct kernel_socket *found =
        sockets->count ? bsearch(&wanted, sockets->items, sockets->count, sizeof wanted, by_inode) : NULL;
    json_array_append_new(
        list, connection_json(ctl_number_at(slot, "slot"), ctl_number_at(slot, "pid"), atoi(name), found));
}

/* In the order of their numbers. */
static void add_worker(json_t *list, const json_t *slot, const struct sockets *sockets)
{
    char folder[64];
    struct dirent **names = NULL;
    int64_t pid = ctl_number_at(slot, "pid");
    snprintf(folder, sizeof folder, "/proc/%lld/fd", (long long)pid);
    int count = pid > 0 ? scandir(folder, &names, is_connection, versionsort) : 0;
    if (count < 0)
        json_array_append_new(list, json_pack("{sI sI ss}", "slot", (json_int_t)ctl_number_at(slot, "slot"),
                                              "pid", (json_int_t)pid, "error", strerror(errno)));
    for (int i = 0; i < count; i++) {
        add_connection(list, slot, folder, names[i]->d_name, sockets);
        free(names[i]);
    }
    free(names);
}

json_t *ctl_connections_json(const json_t *status)
{
    struct sockets sockets = {0};
    int64_t master = ctl_number_at(status, "pid");
    const json_t *slots = json_object_get(status, "slots");
    json_t *list = json_array();
    read_list(&sockets, master, "tcp", take_tcp_line);
    read_list(&sockets, master, "tcp6", take_tcp_line);
    read_list(&sockets, master, "unix", take_unix_line);
    if (sockets.count > 0)
        qsort(sockets.items, sockets.count, sizeof sockets.items[0], by_inode);
    for (size_t i = 0; i < json_array_size(slots); i++)
        add_worker(list, json_array_get(slots, i), &sockets);
    free(sockets.items);
    return list;
}

/* ---- text ---- */

static void print_connection(FILE *out, const json_t *connection)
{
    fprintf(out, "%4lld %8lld  %-32s %-11s %9lld %9lld\n", (long long)ctl_number_at(connection, "slot"),
            (long long)ctl_number_at(connection, "fd"), ctl_string_at(connection, "peer"),
            ctl_string_at(connection, "state"), (long long)ctl_number_at(connection, "unread"),
            (long long)ctl_number_at(connection, "unsent"));
}

void ctl_connections_print(FILE *out, const json_t *connections)
{
    fprintf(out, "\n%4s %8s  %-32s %-11s %9s %9s\n", "slot", "fd", "peer", "state", "unread", "unsent");
    for (size_t i = 0; i < json_array_size(connections); i++) {
        const json_t *connection = json_array_get(connections, i);
        if (json_object_get(connection, "error"))
            fprintf(out, "%4lld  the descriptors of process %lld cannot be read: %s\n",
                    (long long)ctl_number_at(connection, "slot"), (long long)ctl_number_at(connection, "pid"),
                    ctl_string_at(connection, "error"));
        else
            print_connection(out, connection);
    }
}
