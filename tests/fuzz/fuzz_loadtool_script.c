/* A script of the load tool: the input is the file. What is read must come out again, byte for byte, as the
 * endless streams that clients send and expect. */
#include "tests/fuzz/fuzz.h"

#include "loadtool/script.h"

#include <errno.h>

static void check_side(const struct script *script, const struct script_side *side)
{
    static uint8_t twice[2 * SCRIPT_BYTES_MAX];
    uint64_t sum = 0;

    FUZZ_MUST(side->bytes >= 1 && side->bytes <= SCRIPT_BYTES_MAX);
    for (uint32_t i = 0; i < script->count; i++) {
        uint64_t part = script_part_bytes(script, side, i);

        FUZZ_MUST(part >= 1 && part == script_part_bytes(script, side, i + script->count));
        sum += part;
        FUZZ_MUST(sum == side->end_of[i]);
    }
    FUZZ_MUST(sum == side->bytes);
    script_fill(side, 1, twice, 2 * (size_t)side->bytes - 1);
    FUZZ_MUST(memcmp(twice, side->text + 1, side->bytes - 1) == 0);
    FUZZ_MUST(memcmp(twice + side->bytes - 1, side->text, side->bytes) == 0);
}

/* The same text as the words of --send and --expect. */
static void check_words(const uint8_t *data, size_t size)
{
    static struct script script;
    char *text = fuzz_text(data, size);
    int result = script_make(&script, text, "x");

    FUZZ_MUST(result == 0 || result == -EINVAL || result == -ERANGE);
    if (result == 0)
        check_side(&script, &script.requests);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct script script;
    unsigned line = 0;
    char *text = fuzz_text(data, size);
    FILE *in = fmemopen(text, size > 0 ? size : 1, "r");

    FUZZ_MUST(in != NULL);

    int result = script_read(&script, in, &line);

    fclose(in);
    free(text);
    FUZZ_MUST(result == 0 || result == -EINVAL || result == -ERANGE);
    if (result == 0) {
        FUZZ_MUST(script.count >= 1 && script.count <= SCRIPT_EXCHANGES_MAX);
        check_side(&script, &script.requests);
        check_side(&script, &script.replies);
    }
    check_words(data, size);
    return 0;
}
