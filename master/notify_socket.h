/*
 * notify_socket: where a service manager wants to be told about the service, as the environment says.
 *
 * Source: sd_notify(3), sd_watchdog_enabled(3). NOTIFY_SOCKET is a path, or with "@" in front an abstract
 * name, of a UNIX datagram socket. The environment comes through every exec of an upgrade, so a new image finds the
 * same manager. Nothing stays open: a datagram goes through a socket of its own. Supervisor only.
 */
#ifndef MASTER_NOTIFY_SOCKET_H
#define MASTER_NOTIFY_SOCKET_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

struct notify_socket {
    struct sockaddr_un address;
    socklen_t length; /* 0: nobody wants to be told */
};

/* Reads NOTIFY_SOCKET. Returns 0, also where there is none, or -EINVAL (neither path nor abstract name) or
 * -ENAMETOOLONG, after which nobody is told. */
int notify_socket_find(struct notify_socket *manager);

/* The interval of the manager's watchdog for the service whose main process is `main_pid`; 0: there is none. */
int64_t notify_watchdog_ms(pid_t main_pid);

/* One datagram, never waited for. Returns 0 or a negative errno. */
int notify_socket_send(const struct notify_socket *manager, const char *text, size_t length);

#endif
