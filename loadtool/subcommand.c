#include "loadtool/subcommand.h"

#include <string.h>

#include "loadtool/compare.h"
#include "loadtool/find.h"
#include "loadtool/merge.h"
#include "loadtool/shrink.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *sentence;
} subcommands[] = {
    {"compare", compare_main, "is B worse than A, beyond the spread of their seconds?"},
    {"merge", merge_main, "several reports as one, histograms added exactly"},
    {"find", find_main, "the highest rate at which the server keeps a promise"},
    {"shrink", shrink_main, "the fewest clients and kill modes that still fail"},
};

enum { SUBCOMMANDS = sizeof(subcommands) / sizeof(subcommands[0]) };

bool subcommand_run(int argc, char **argv, int *exit_code)
{
    for (size_t i = 0; argc > 1 && i < SUBCOMMANDS; i++) {
        if (strcmp(argv[1], subcommands[i].name) != 0)
            continue;
        *exit_code = subcommands[i].run(argc - 1, argv + 1);
        return true;
    }
    return false;
}

const char *subcommand_name(size_t index)
{
    return index < SUBCOMMANDS ? subcommands[index].name : NULL;
}

const char *subcommand_sentence(size_t index)
{
    return subcommands[index].sentence;
}

void subcommand_write_names(FILE *out)
{
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        fprintf(out, "  loadtool %-8s %s\n", subcommands[i].name, subcommands[i].sentence);
}
