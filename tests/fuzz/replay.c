/*
 * Gives a target every input of its corpus, in a build without libFuzzer: test_fuzz_NAME [FILE...]
 *
 * Without arguments: all of tests/fuzz/corpus/NAME, from the top of the tree. The answer is TAP, one test; an
 * empty corpus fails it, and the last line before a crash names the input.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <unistd.h>

#define CORPUS          "tests/fuzz/corpus/"
#define INPUT_BYTES_MAX 65536

static unsigned replayed;

static void replay_file(const char *path)
{
    static uint8_t input[INPUT_BYTES_MAX];
    FILE *file = fopen(path, "re");

    printf("# %s\n", path);
    fflush(stdout);
    if (!file)
        return;
    size_t size = fread(input, 1, sizeof input, file);
    fclose(file);
    LLVMFuzzerTestOneInput(input, size);
    replayed++;
}

/* In the order of the names, so that two runs are alike. */
static void replay_corpus(const char *name)
{
    char folder[128], path[512];
    struct dirent **entries;

    snprintf(folder, sizeof folder, CORPUS "%s", name);
    int count = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            replay_file(path);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

int main(int argc, char **argv)
{
    const char *name = strstr(argv[0], "test_fuzz_");

    alarm(30); /* one that never comes back fails */
    puts("1..1");
    for (int i = 1; i < argc; i++)
        replay_file(argv[i]);
    if (argc == 1 && name)
        replay_corpus(name + strlen("test_fuzz_"));
    printf("%s 1 - corpus__%u_inputs__all_are_borne\n", replayed > 0 ? "ok" : "not ok", replayed);
    return replayed > 0 ? 0 : 1;
}
