/*
 * title: what `ps` shows as the command line of this process.
 *
 * The kernel shows the memory in which execve laid argv and, behind it, the environment (proc(5), cmdline):
 * writing there changes the title. title_init() copies all of those strings away first, so argv, environ and
 * what getenv() returned later stay good. The room is what execve gave; longer titles are cut. Children of
 * fork and clone have their own copy of that memory and set their own title.
 */
#ifndef WORKER_TITLE_H
#define WORKER_TITLE_H

/* To be called first in main, once, before anybody keeps a pointer into argv or the environment. The copies
 * live to the end of the process. Without memory for them titles stay as they are, nothing else suffers. */
void title_init(int argc, char **argv);

/* The command line as it was, NULL at its end; NULL before title_init. */
char **title_arguments(void);

/* Takes the first argument after the program's name out of that. */
void title_drop_argument(void);

/* Sets the title, printf-like. Does nothing before title_init. */
__attribute__((format(printf, 1, 2))) void title_set(const char *format, ...);

#endif
