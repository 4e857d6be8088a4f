#include "master/control_socket.h"
#include "master/holder.h"
#include "master/unix_path.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONTROL_MODE    0600
#define CONTROL_BACKLOG 64 /* clients that may wait for the next supervisor */

static void explain(int error, const char *path, const struct sockaddr_storage *address,
                    char why[CONTROL_WHY_SIZE])
{
    char holder[HOLDER_TEXT_SIZE];
    if (why[0])
        return;
    if (error == -EADDRINUSE) {
        holder_find(address, holder, sizeof holder);
        snprintf(why, CONTROL_WHY_SIZE, "%s is in use, held by %s", path, holder);
    } else {
        snprintf(why, CONTROL_WHY_SIZE, "%s cannot be bound: %s", path, strerror(-error));
    }
}

static int bind_and_listen(int fd, const struct sockaddr_storage *address, char why[CONTROL_WHY_SIZE])
{
    int error = unix_path_bind(fd, address, sizeof(struct sockaddr_un), CONTROL_MODE, why, CONTROL_WHY_SIZE);
    if (!error && listen(fd, CONTROL_BACKLOG) < 0) {
        error = -errno;
        unlink(unix_path_of(address)); /* ours: bind has just made it */
    }
    return error;
}

static int open_at(struct control_socket *control, const char *path, char why[CONTROL_WHY_SIZE])
{
    struct sockaddr_storage address = {.ss_family = AF_UNIX};
    struct sockaddr_un *unix_address = (void *)&address;
    why[0] = '\0';
    if (strlen(path) >= sizeof unix_address->sun_path) {
        snprintf(why, CONTROL_WHY_SIZE, "%s is longer than the %zu bytes of a socket's path", path,
                 sizeof unix_address->sun_path - 1);
        return -ENAMETOOLONG;
    }
    strcpy(unix_address->sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int error = fd < 0 ? -errno : bind_and_listen(fd, &address, why);
    if (error) {
        explain(error, path, &address, why);
        if (fd >= 0)
            close(fd);
        return error;
    }
    control->fd = fd;
    strcpy(control->path, path);
    unix_path_identify(path, &control->dev, &control->ino);
    return 0;
}

/* The short name, and the long one if a server on another address has that. */
static int open_in_place(struct control_socket *control, const struct control_place *place, uid_t uid,
                         const char *bound, char why[CONTROL_WHY_SIZE])
{
    char name[CONTROL_PATH_SIZE], path[CONTROL_PATH_SIZE];
    int error = control_place_prepare(place, uid);
    if (error) {
        snprintf(why, CONTROL_WHY_SIZE, "%.*s cannot be used: %s", CONTROL_PATH_SIZE, place->folder,
                 error == -EPERM ? "others may write there, or own it" : strerror(-error));
        return error;
    }
    for (int full = 0; full <= 1; full++) {
        control_socket_name(bound, full, name, sizeof name);
        error = control_path_join(place->folder, name, path);
        if (error)
            snprintf(why, CONTROL_WHY_SIZE, "%.*s/%s is too long for a socket's path", CONTROL_PATH_SIZE,
                     place->folder, name);
        else
            error = open_at(control, path, why);
        if (error != -EADDRINUSE)
            break;
    }
    return error;
}

int control_socket_open(struct control_socket *control, const char *wanted, const char *bound,
                        char why[CONTROL_WHY_SIZE])
{
    *control = (struct control_socket){.fd = -1};
    why[0] = '\0';
    if (wanted && strcmp(wanted, "off") == 0)
        return 0;
    if (wanted)
        return open_at(control, wanted, why);
    struct control_place places[CONTROL_PLACE_COUNT_MAX];
    struct control_user user = control_user_now();
    unsigned count = control_places_to_serve(&user, places);
    snprintf(why, CONTROL_WHY_SIZE, "the path of every folder for it is too long");
    for (unsigned i = 0; i < count; i++)
        if (open_in_place(control, &places[i], user.uid, bound, why) == 0) {
            why[0] = '\0';
            return 0;
        }
    return 0;
}

void control_socket_remove(const struct control_socket *control)
{
    if (control->path[0])
        unix_path_remove(control->path, control->dev, control->ino);
}
