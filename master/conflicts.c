#include "master/conflicts.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define UNIX_SCHEME "unix:"

enum { PLACE_COUNT = 6 };

struct place {
    const char *option;
    char text[PATH_MAX]; /* empty: none */
};

static bool is_device(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode));
}

/* Of something that is not there, by its folder; as it was written where there is none either. */
static void resolve(char out[PATH_MAX], const char *path)
{
    char folder[PATH_MAX], name[PATH_MAX], real[PATH_MAX];

    if (realpath(path, out))
        return;
    snprintf(folder, sizeof folder, "%s", path); /* dirname() and basename() write there */
    snprintf(name, sizeof name, "%s", path);
    if (!realpath(dirname(folder), real) ||
        snprintf(out, PATH_MAX, "%s/%s", strcmp(real, "/") == 0 ? "" : real, basename(name)) >= PATH_MAX)
        snprintf(out, PATH_MAX, "%s", path);
}

static struct place path_place(const char *option, const char *path)
{
    struct place place = {.option = option};

    if (path && !is_device(path))
        resolve(place.text, path);
    return place;
}

/* With port 0 each gets its own; the scheme tells apart what is no path. */
static struct place address_place(const char *option, const char *address)
{
    struct place place = {.option = option};
    size_t length = address ? strlen(address) : 0;

    if (length == 0 || (length > 2 && strcmp(address + length - 2, ":0") == 0))
        return place;
    if (strncmp(address, UNIX_SCHEME, strlen(UNIX_SCHEME)) == 0 && address[strlen(UNIX_SCHEME)] != '@')
        return path_place(option, address + strlen(UNIX_SCHEME));
    snprintf(place.text, sizeof place.text, "address %s", address);
    return place;
}

int conflicts_find(const struct options *options, char why[], size_t why_size)
{
    bool has_control = options->control && strcmp(options->control, "off") != 0;
    const struct place places[PLACE_COUNT] = {
        path_place("config", options->config),
        address_place("bind", options->bind),
        address_place("metrics", options->metrics),
        path_place("log-file", options->log_file),
        path_place("control", has_control ? options->control : NULL),
        path_place("pid-file", options->pid_file),
    };

    for (int later = 1; later < PLACE_COUNT; later++)
        for (int earlier = 0; earlier < later; earlier++) {
            char origin[OPTION_ORIGIN_SIZE];

            if (places[later].text[0] == '\0' || strcmp(places[later].text, places[earlier].text) != 0)
                continue;
            options_origin(options, places[later].option, origin);
            snprintf(why, why_size, "%s: %s is that of --%s already", origin, places[later].text,
                     places[earlier].option);
            return -EINVAL;
        }
    return 0;
}
