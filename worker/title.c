#include "worker/title.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TITLE_LENGTH_MAX 255

static char *area;         /* argv[0] as execve laid it */
static size_t area_length; /* to the end of the last string that follows without a gap */

static char **arguments, **environment; /* the copies, which live to the end */

/* Stretches the area over the strings of a list that lie one behind the other; false: the chain is broken. */
static bool stretch_over(char *const *strings)
{
    for (; *strings; strings++) {
        if (*strings != area + area_length)
            return false;
        area_length += strlen(*strings) + 1;
    }
    return true;
}

/* A copy of the list and of all its strings, in one piece of memory; NULL without memory. */
static char **copy_strings(char *const *strings)
{
    size_t count = 0, byte_count = 0;

    for (; strings[count]; count++)
        byte_count += strlen(strings[count]) + 1;

    char **copies = malloc((count + 1) * sizeof *copies + byte_count);

    if (!copies)
        return NULL;

    char *next = (char *)copies + (count + 1) * sizeof *copies;

    for (size_t i = 0; i < count; i++) {
        copies[i] = next;
        next = stpcpy(next, strings[i]) + 1;
    }
    copies[count] = NULL;
    return copies;
}

/* glibc keeps pointers to argv[0] for error messages. */
static void move_program_name(char *name)
{
    char *slash = strrchr(name, '/');

    program_invocation_name = name;
    program_invocation_short_name = slash ? slash + 1 : name;
}

void title_init(int argc, char **argv)
{
    if (argc < 1 || area)
        return;

    arguments = copy_strings(argv);
    environment = copy_strings(environ);
    if (!arguments || !environment) {
        free(arguments);
        free(environment);
        arguments = argv;
        return;
    }
    area = argv[0];
    if (stretch_over(argv))
        stretch_over(environ);
    memcpy(argv, arguments, (size_t)argc * sizeof *argv);
    environ = environment;
    move_program_name(argv[0]);
}

char **title_arguments(void)
{
    return arguments;
}

void title_drop_argument(void)
{
    if (!arguments || !arguments[0])
        return;
    for (char **argument = arguments + 1; *argument; argument++)
        argument[0] = argument[1];
}

void title_set(const char *format, ...)
{
    char title[TITLE_LENGTH_MAX + 1];
    va_list values;

    if (!area)
        return;
    va_start(values, format);
    int length = vsnprintf(title, sizeof title, format, values);
    va_end(values);
    if (length < 0)
        return;

    size_t kept = strnlen(title, area_length - 1);

    /* Whoever reads it meanwhile may see a half, but never the new title with the end of the old one: "worker 0" written
     * over "keeper 0 a" is no worker "0 a". */
    memset(area + kept, '\0', area_length - kept);
    atomic_thread_fence(memory_order_release);
    memcpy(area, title, kept);
}
