#include "loadtool/script.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka_all.h"

static struct script script;

static int read_text(const char *text, unsigned *line)
{
    FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");

    int rc = script_read(&script, in, line);
    fclose(in);
    return rc;
}

static void make__every_escape__is_its_byte(void **state)
{
    (void)state;
    assert_int_equal(script_make(&script, "a\\r\\n\\t\\0\\\\\\x7f\\xFf", "ok"), 0);
    assert_int_equal(script.requests.bytes, 8);
    assert_memory_equal(script.requests.text, "a\r\n\t\0\\\x7f\xff", 8);
    assert_int_equal(script.count, 1);
}

static void make__bad_texts__are_refused(void **state)
{
    static const char *const texts[] = {"", "\\", "a\\q", "\\x", "\\x1", "\\xg1"};
    char *text = malloc(SCRIPT_BYTES_MAX + 2);

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(script_make(&script, texts[i], "x"), -EINVAL);
        assert_int_equal(script_make(&script, "x", texts[i]), -EINVAL);
    }
    memset(text, 'a', SCRIPT_BYTES_MAX + 1);
    text[SCRIPT_BYTES_MAX + 1] = '\0';
    assert_int_equal(script_make(&script, text, "x"), -ERANGE);
    text[SCRIPT_BYTES_MAX] = '\0';
    assert_int_equal(script_make(&script, text, "x"), 0);
    free(text);
}

static void read__two_exchanges__are_parts_of_endless_streams(void **state)
{
    unsigned line = 0;
    uint8_t out[12];

    (void)state;
    assert_int_equal(
        read_text("# greeting\nsend HE\nsend LO\n\nexpect OK\nsend Q\nexpect B\nexpect YE\n", &line), 0);
    assert_int_equal(script.count, 2);
    assert_int_equal(script_part_bytes(&script, &script.requests, 0), 4);
    assert_int_equal(script_part_bytes(&script, &script.requests, 3), 1);
    assert_int_equal(script_part_bytes(&script, &script.replies, 1), 3);
    script_fill(&script.requests, 3, out, 12);
    assert_memory_equal(out, "OQHELOQHELOQ", 12);
    script_fill(&script.replies, 7, out, 4); /* a round is OKBYE */
    assert_memory_equal(out, "BYEO", 4);
}

static void read__bad_files__are_refused_with_the_line(void **state)
{
    static const struct {
        const char *text;
        unsigned line;
    } cases[] = {{"expect x\n", 1},         {"send x\n", 1}, {"send x\nexpect y\nsend z\n", 3},
                 {"send x\nexcept y\n", 2}, {"send\n", 1},   {"send x\nexpect y\\q\n", 2},
                 {"send x\nexpect \n", 2}};
    unsigned line = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(read_text(cases[i].text, &line), -EINVAL);
        assert_int_equal(line, cases[i].line);
    }
}

static void read__too_many_exchanges__is_refused(void **state)
{
    enum { PAIRS = SCRIPT_EXCHANGES_MAX + 1 };
    static char text[PAIRS * 20];
    unsigned line = 0;

    (void)state;
    for (int i = 0; i < PAIRS; i++)
        strcat(text, "send a\nexpect b\n");
    assert_int_equal(read_text(text, &line), -ERANGE);
    text[(PAIRS - 1) * strlen("send a\nexpect b\n")] = '\0';
    assert_int_equal(read_text(text, &line), 0);
    assert_int_equal(script.count, SCRIPT_EXCHANGES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(make__every_escape__is_its_byte),
        cmocka_unit_test(make__bad_texts__are_refused),
        cmocka_unit_test(read__two_exchanges__are_parts_of_endless_streams),
        cmocka_unit_test(read__bad_files__are_refused_with_the_line),
        cmocka_unit_test(read__too_many_exchanges__is_refused),
    };

    return cmocka_run_group_tests_name("loadtool script", tests, NULL, NULL);
}
