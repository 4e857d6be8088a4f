#include "master/program.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Is that file the one that runs? */
static bool is_this(const char *path)
{
    struct stat found, running;
    return stat(path, &found) == 0 && stat("/proc/self/exe", &running) == 0 &&
           found.st_dev == running.st_dev && found.st_ino == running.st_ino;
}

/* False: it does not fit, or is not the program. */
static bool try_path(const char *folder, size_t folder_length, const char *name, char out[], size_t size)
{
    int length = snprintf(out, size, "%.*s/%s", (int)folder_length, folder, name);
    return (size_t)length < size && out[0] == '/' && is_this(out);
}

static bool find_in_path(const char *name, char out[], size_t size)
{
    const char *folders = getenv("PATH");
    while (folders && *folders) {
        size_t length = strcspn(folders, ":");
        if (try_path(folders, length, name, out, size))
            return true;
        folders += length + (folders[length] == ':');
    }
    return false;
}

static bool find_here(const char *name, char out[], size_t size)
{
    char here[4096];
    return getcwd(here, sizeof here) && try_path(here, strlen(here), name, out, size);
}

static bool is_absolute(const char *name, char out[], size_t size)
{
    int length = snprintf(out, size, "%s", name);
    return name[0] == '/' && (size_t)length < size && is_this(out);
}

void program_path(const char *name, char out[], size_t size)
{
    bool has_folder = strchr(name, '/') != NULL;
    if (is_absolute(name, out, size) || (has_folder && find_here(name, out, size)) ||
        (!has_folder && find_in_path(name, out, size)))
        return;
    ssize_t length = readlink("/proc/self/exe", out, size);
    out[length > 0 && (size_t)length < size ? (size_t)length : 0] = '\0';
}
