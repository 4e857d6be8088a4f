#include "loadtool/oracle.h"

#include <errno.h>
#include <string.h>

static const char *const check_names[] = {
    [ORACLE_UPPER] = "upper", [ORACLE_ECHO] = "echo", [ORACLE_NONE] = "none"};

void oracle_init(struct oracle *oracle, enum oracle_check check, const struct dialogue *dialogue)
{
    oracle->check = check;
    oracle->script = dialogue != NULL && dialogue_has_script(dialogue) ? &dialogue->script : NULL;
    for (int byte = 0; byte < 256; byte++)
        oracle->reply_of[byte] = (uint8_t)byte;
    if (check == ORACLE_UPPER)
        for (int letter = 'a'; letter <= 'z'; letter++)
            oracle->reply_of[letter] = (uint8_t)('A' + (letter - 'a'));
}

void oracle_expect(const struct oracle *oracle, uint64_t key, uint64_t offset, uint8_t *out, size_t length)
{
    if (oracle->script != NULL) {
        script_fill(&oracle->script->replies, offset, out, length);
        return;
    }
    payload_fill(key, offset, out, length);
    for (size_t i = 0; i < length; i++)
        out[i] = oracle->reply_of[out[i]];
}

/* The same, and tells whether the reply is anything else than the request. */
static bool expect_piece(struct oracle *oracle, uint64_t key, uint64_t offset, size_t length)
{
    uint8_t changed = 0;

    if (oracle->script != NULL) {
        script_fill(&oracle->script->replies, offset, oracle->expected, length);
        return true;
    }
    payload_fill(key, offset, oracle->expected, length);
    for (size_t i = 0; i < length; i++) {
        uint8_t reply = oracle->reply_of[oracle->expected[i]];
        changed |= reply ^ oracle->expected[i];
        oracle->expected[i] = reply;
    }
    return changed != 0;
}

static void count_wrong(const struct oracle *oracle, const uint8_t *got, size_t at, size_t length,
                        struct oracle_finding *finding)
{
    for (size_t i = 0; i < length; i++) {
        if (got[i] == oracle->expected[i])
            continue;
        if (finding->wrong_count++ == 0)
            finding->first_wrong = at + i;
    }
}

static bool equals_request(struct oracle *oracle, uint64_t key, uint64_t offset, const uint8_t *got,
                           size_t length)
{
    if (oracle->script != NULL)
        return false;
    payload_fill(key, offset, oracle->expected, length);
    return memcmp(got, oracle->expected, length) == 0;
}

struct oracle_finding oracle_compare(struct oracle *oracle, uint64_t key, uint64_t offset, const uint8_t *got,
                                     size_t length)
{
    struct oracle_finding finding = {.wrong_count = 0, .first_wrong = 0, .is_echo = true};

    if (oracle->check == ORACLE_NONE)
        return finding;
    for (size_t at = 0; at < length;) {
        size_t piece = length - at < ORACLE_PIECE_BYTES ? length - at : ORACLE_PIECE_BYTES;
        bool changed = expect_piece(oracle, key, offset + at, piece);
        if (memcmp(got + at, oracle->expected, piece) == 0) {
            finding.is_echo = finding.is_echo && !changed;
        } else {
            count_wrong(oracle, got + at, at, piece, &finding);
            finding.is_echo = finding.is_echo && equals_request(oracle, key, offset + at, got + at, piece);
        }
        at += piece;
    }
    return finding;
}

const char *oracle_check_name(enum oracle_check check)
{
    return check_names[check];
}

int oracle_find_check(const char *name, enum oracle_check *check)
{
    for (size_t i = 0; i < sizeof(check_names) / sizeof(check_names[0]); i++) {
        if (strcmp(name, check_names[i]) != 0)
            continue;
        *check = (enum oracle_check)i;
        return 0;
    }
    return -EINVAL;
}
