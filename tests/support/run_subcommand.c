#include "tests/support/run_subcommand.h"
#include "tests/support/cmocka_all.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARGUMENT_COUNT_MAX = 16 };

char said[65536], complained[8192];

static void read_back(FILE *file, char *text, size_t size)
{
    rewind(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

static void redirect(int fd, int to)
{
    assert_true(dup2(fd, to) >= 0);
}

/* Standard output may be a file that is full, of which stdio would remember its error. */
static int run_with(FILE *out, FILE *errors, subcommand *run, int argc, char **argv)
{
    int saved[2] = {dup(STDOUT_FILENO), dup(STDERR_FILENO)};

    fflush(stdout);
    redirect(fileno(out), STDOUT_FILENO);
    redirect(fileno(errors), STDERR_FILENO);
    int code = run(argc, argv);
    fflush(stdout);
    clearerr(stdout);
    redirect(saved[0], STDOUT_FILENO);
    redirect(saved[1], STDERR_FILENO);
    close(saved[0]);
    close(saved[1]);
    return code;
}

int run_subcommand_to(FILE *out, subcommand *run, const char *name, const char *const words[])
{
    char *argv[ARGUMENT_COUNT_MAX + 1] = {strdup(name)};
    FILE *errors = tmpfile();
    int argc = 1;

    for (; words[argc - 1]; argc++) {
        assert_true(argc < ARGUMENT_COUNT_MAX);
        argv[argc] = strdup(words[argc - 1]);
    }
    assert_non_null(errors);
    int code = run_with(out, errors, run, argc, argv);
    read_back(errors, complained, sizeof complained);
    while (argc-- > 0)
        free(argv[argc]);
    return code;
}

int run_subcommand(subcommand *run, const char *name, const char *const words[])
{
    FILE *out = tmpfile();

    assert_non_null(out);
    int code = run_subcommand_to(out, run, name, words);
    read_back(out, said, sizeof said);
    return code;
}
