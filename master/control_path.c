#include "master/control_path.h"
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_OF_ROOT   "/run/prefork-upper"
#define FOLDER_NAME      "prefork-upper"
#define TEMP_DIR         "/tmp"
#define UNIX_NAME_LENGTH 32 /* kept of a path's last part */
#define NAME_LENGTH_MAX  48 /* of a whole address, its suffix not counted */
#define ROOM_BYTES_MIN   12 /* that a folder must leave: "/65535.sock" and NUL */

/* ---- places ---- */

struct control_user control_user_now(void)
{
    return (struct control_user){
        .uid = geteuid(),
        .runtime_dir = secure_getenv("XDG_RUNTIME_DIR"),
        .temp_dir = secure_getenv("TMPDIR"),
    };
}

static void add_place(struct control_place places[CONTROL_PLACE_COUNT_MAX], unsigned *count,
                      const char *folder, mode_t mode)
{
    struct control_place *place = &places[*count];
    if (strlen(folder) + ROOM_BYTES_MIN > sizeof place->folder)
        return;
    snprintf(place->folder, sizeof place->folder, "%s", folder);
    place->mode = mode;
    ++*count;
}

static void add_places_of_user(const struct control_user *user,
                               struct control_place places[CONTROL_PLACE_COUNT_MAX], unsigned *count)
{
    char folder[2 * CONTROL_PATH_SIZE];
    if (user->runtime_dir && user->runtime_dir[0] == '/') {
        snprintf(folder, sizeof folder, "%s/" FOLDER_NAME, user->runtime_dir);
        add_place(places, count, folder, 0700);
    }
    bool has_temp = user->temp_dir && user->temp_dir[0] == '/';
    snprintf(folder, sizeof folder, "%s/" FOLDER_NAME "-%u", has_temp ? user->temp_dir : TEMP_DIR, user->uid);
    add_place(places, count, folder, 0700);
}

unsigned control_places_to_serve(const struct control_user *user,
                                 struct control_place places[CONTROL_PLACE_COUNT_MAX])
{
    unsigned count = 0;
    if (user->uid == 0)
        add_place(places, &count, FOLDER_OF_ROOT, 0755);
    else
        add_places_of_user(user, places, &count);
    return count;
}

unsigned control_places_to_look(const struct control_user *user,
                                struct control_place places[CONTROL_PLACE_COUNT_MAX])
{
    unsigned count = 0;
    add_place(places, &count, FOLDER_OF_ROOT, 0755);
    add_places_of_user(user, places, &count);
    return count;
}

int control_place_check(const struct control_place *place, uid_t uid)
{
    struct stat status;
    if (lstat(place->folder, &status) < 0)
        return -errno;
    if (!S_ISDIR(status.st_mode))
        return -ENOTDIR;
    bool owned = status.st_uid == uid || status.st_uid == 0;
    bool closed = (status.st_mode & 0777 & ~place->mode) == 0; /* never more open than we make it */
    return owned && closed ? 0 : -EPERM;
}

int control_place_prepare(const struct control_place *place, uid_t uid)
{
    mode_t umask_before = umask(0777 & ~place->mode);
    int result = mkdir(place->folder, place->mode) < 0 && errno != EEXIST ? -errno : 0;
    umask(umask_before);
    return result < 0 ? result : control_place_check(place, uid);
}

/* ---- names ---- */

/* FNV-1a: two addresses of one last part have different names. */
static uint32_t hash(const char *text)
{
    uint32_t sum = 2166136261u;
    for (; *text; text++)
        sum = (sum ^ (unsigned char)*text) * 16777619u;
    return sum;
}

/* What a shell, a terminal and a listing bear in a file name. */
static void make_plain(char *name)
{
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr(".:_-", *name))
            *name = '_';
}

void control_socket_name(const char *bound, bool full, char *out, size_t size)
{
    const char *end = strrchr(bound, strncmp(bound, "unix:", 5) == 0 ? '/' : ':');
    const char *last = end ? end + 1 : bound;
    if (strncmp(bound, "unix:", 5) == 0)
        snprintf(out, size, "unix:%.*s-%08x" CONTROL_SUFFIX, UNIX_NAME_LENGTH, end ? last : bound + 5,
                 hash(bound));
    else
        snprintf(out, size, "%.*s" CONTROL_SUFFIX, NAME_LENGTH_MAX, full ? bound : last);
    make_plain(out);
}

int control_path_join(const char *folder, const char *name, char out[CONTROL_PATH_SIZE])
{
    int length = snprintf(out, CONTROL_PATH_SIZE, "%s/%s", folder, name);
    return length >= CONTROL_PATH_SIZE ? -ENAMETOOLONG : 0;
}
