#include "loadtool/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* The words of the process; what it inherits is the file for the JSON. */
static char **make_words(char *const *words, size_t count, const char *const *more, const char *json_path)
{
    char **made = calloc(count + TRIAL_MORE_MAX + 4, sizeof(*made));
    size_t used = 0;

    if (made == NULL)
        return NULL;
    made[used++] = (char *)(uintptr_t) "loadtool";
    for (size_t i = 0; i < count; i++)
        made[used++] = words[i];
    for (size_t i = 0; i < TRIAL_MORE_MAX && more[i] != NULL; i++)
        made[used++] = (char *)(uintptr_t)more[i];
    made[used++] = (char *)(uintptr_t) "--json";
    made[used++] = (char *)(uintptr_t)json_path;
    return made;
}

/* SIGINT from a terminal goes to both: the process says what it has, and we wait for it. */
static int run(char **words, int *exit_code)
{
    posix_spawn_file_actions_t actions;
    pid_t pid = 0;
    int status = 0;

    int rc = posix_spawn_file_actions_init(&actions);
    if (rc != 0)
        return -rc;
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    rc = posix_spawn(&pid, "/proc/self/exe", &actions, NULL, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (rc != 0)
        return -rc;
    void (*before)(int) = signal(SIGINT, SIG_IGN);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    signal(SIGINT, before);
    *exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return 0;
}

int trial_run(struct trial *trial, char *const *words, size_t count, const char *const *more)
{
    char path[40];
    int fd = memfd_create("loadtool-trial", 0);
    int rc = fd < 0 ? -errno : 0;

    *trial = (struct trial){.has_result = false};
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    char **made = rc < 0 ? NULL : make_words(words, count, more, path);
    if (rc == 0)
        rc = made == NULL ? -ENOMEM : run(made, &trial->exit_code);
    if (rc < 0)
        fprintf(stderr, "loadtool: no trial could be run: %s\n", strerror(-rc));
    /* Without a run there is no report: 2, or it ended by a signal. */
    if (rc == 0 && lseek(fd, 0, SEEK_END) > 0)
        trial->has_result = result_read(&trial->result, path) == 0;
    free(made);
    if (fd >= 0)
        close(fd);
    return rc;
}

void trial_free(struct trial *trial)
{
    if (trial->has_result)
        result_free(&trial->result);
    trial->has_result = false;
}
