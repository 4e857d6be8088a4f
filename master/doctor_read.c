/* doctor_read: the readings of the checks, from the files of /proc and /sys. */
#include "master/doctor.h"

#include <errno.h>
#include <limits.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PROCESS_LINE_COUNT_MAX = 64 }; /* of /proc/PID/limits and cgroup */

static FILE *open_file(const char *root, const char *path)
{
    char whole[PATH_MAX];
    int length = snprintf(whole, sizeof whole, "%s%s", root, path);

    if ((size_t)length >= sizeof whole) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    return fopen(whole, "re");
}

/* The first line, white space between words made one blank; an empty file is an empty value. */
static int read_value(const char *root, const char *path, char out[DOCTOR_VALUE_SIZE])
{
    char line[DOCTOR_VALUE_SIZE] = "";
    FILE *file = open_file(root, path);

    if (!file)
        return -errno;
    errno = 0;
    bool failed = !fgets(line, sizeof line, file) && ferror(file);
    int error = errno;

    fclose(file);
    if (failed)
        return -error;
    out[0] = '\0';
    for (char *rest = NULL, *word = strtok_r(line, " \t\n", &rest); word;
         word = strtok_r(NULL, " \t\n", &rest))
        snprintf(out + strlen(out), DOCTOR_VALUE_SIZE - strlen(out), "%s%s", out[0] ? " " : "", word);
    return 0;
}

static void read_sysctl(const char *root, const char *name, struct doctor_reading *reading)
{
    char path[128];

    snprintf(path, sizeof path, "/proc/sys/%s", name);
    for (char *at = path; *at; at++)
        if (*at == '.')
            *at = '/';
    reading->error = read_value(root, path, reading->text);
}

/* ---- of a process ---- */

static FILE *open_of_process(const char *root, int pid, const char *name)
{
    char path[64];

    if (pid)
        snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    else
        snprintf(path, sizeof path, "/proc/self/%s", name);
    return open_file(root, path);
}

/* The first line that begins so, without that beginning. False: none does. */
static bool find_line(FILE *file, const char *beginning, char *out, size_t size)
{
    for (int i = 0; i < PROCESS_LINE_COUNT_MAX && fgets(out, (int)size, file); i++) {
        if (strncmp(out, beginning, strlen(beginning)) != 0)
            continue;
        memmove(out, out + strlen(beginning), strlen(out + strlen(beginning)) + 1);
        out[strcspn(out, "\n")] = '\0';
        return true;
    }
    return false;
}

static int read_limit(const char *root, int pid, bool hard, char out[DOCTOR_VALUE_SIZE])
{
    char line[DOCTOR_VALUE_SIZE], soft_text[32], hard_text[32];
    FILE *file = open_of_process(root, pid, "limits");

    if (!file)
        return -errno;
    bool found = find_line(file, "Max open files ", line, sizeof line) &&
                 sscanf(line, " %31s %31s", soft_text, hard_text) == 2;

    fclose(file);
    if (!found)
        return -EPROTO;
    snprintf(out, DOCTOR_VALUE_SIZE, "%s", hard ? hard_text : soft_text);
    return 0;
}

/* ---- the control group ---- */

/* The path of the process in the hierarchy of version 2. */
static int find_group(const char *root, int pid, char out[PATH_MAX])
{
    FILE *file = open_of_process(root, pid, "cgroup");

    if (!file)
        return -errno;
    bool found = find_line(file, "0::/", out, PATH_MAX);

    fclose(file);
    /* Outside of our name space it is "/..": nothing that we could see. */
    return found && strncmp(out, "..", 2) != 0 ? 0 : -ENOENT;
}

/* Of the group and those above it: the kernel ends all that the highest one which is set contains. */
static int read_oom_group(const char *root, int pid, char out[DOCTOR_VALUE_SIZE])
{
    char group[PATH_MAX], path[PATH_MAX + 64], value[DOCTOR_VALUE_SIZE];
    int result = find_group(root, pid, group);

    if (result < 0)
        return result;
    for (result = -ENOENT;;) {
        snprintf(path, sizeof path, "/sys/fs/cgroup/%s/memory.oom.group", group);
        int error = read_value(root, path, value);

        if (error != -ENOENT)
            result = error;
        if (error == 0 && strcmp(value, "0") != 0) {
            snprintf(out, DOCTOR_VALUE_SIZE, "%.8s, of /%.200s", value, group);
            return 0;
        }
        char *last = strrchr(group, '/');

        if (group[0] == '\0')
            break;
        *(last ? last : group) = '\0';
    }
    if (result == 0)
        snprintf(out, DOCTOR_VALUE_SIZE, "0");
    return result;
}

/* ---- all of it ---- */

/* No file tells it: the one for people lies in a file system that containers do not mount. */
static int read_landlock(char out[DOCTOR_VALUE_SIZE])
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    if (version < 0)
        return errno == ENOSYS || errno == EOPNOTSUPP ? -ENOENT : -errno;
    snprintf(out, DOCTOR_VALUE_SIZE, "%ld", version);
    return 0;
}

static void read_one(const char *root, int pid, const struct doctor_check *check,
                     struct doctor_reading *reading)
{
    switch (check->source) {
    case DOCTOR_SYSCTL:
        read_sysctl(root, check->name, reading);
        return;
    case DOCTOR_PROCESS_SOFT:
    case DOCTOR_PROCESS_HARD:
        reading->error = read_limit(root, pid, check->source == DOCTOR_PROCESS_HARD, reading->text);
        return;
    case DOCTOR_CGROUP:
        reading->error = read_oom_group(root, pid, reading->text);
        return;
    case DOCTOR_KERNEL:
        reading->error = read_landlock(reading->text);
        return;
    }
}

void doctor_read(const char *root, int pid, struct doctor_reading readings[DOCTOR_COUNT])
{
    for (size_t i = 0; i < DOCTOR_COUNT; i++) {
        readings[i] = (struct doctor_reading){0};
        read_one(root, pid, doctor_check((enum doctor_id)i), &readings[i]);
    }
}
