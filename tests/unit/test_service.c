/* The services. The file of upper is included, to test on a processor with AVX2 what others get as well. */
#include "tests/support/cmocka_all.h"

#include "worker/service_upper.c"

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define GUARD 0xa5

typedef void transform_function(unsigned char *out, const unsigned char *in, size_t byte_count);

/* What upper_transform is on a processor without AVX2. */
VECTORIZED static void upper_plain(unsigned char *out, const unsigned char *in, size_t byte_count)
{
    upper_bytes(out, in, byte_count);
}

static unsigned char expected_upper(unsigned char byte)
{
    return byte >= 'a' && byte <= 'z' ? (unsigned char)(byte - 32) : byte;
}

static void check_every_value(transform_function *transform)
{
    unsigned char in[256], out[256];

    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (unsigned char)i;
    transform(out, in, sizeof in);
    for (size_t i = 0; i < sizeof in; i++)
        assert_int_equal(out[i], expected_upper(in[i]));
}

/* All lengths around the widths of vector registers, at all alignments; nothing beside the output is written.
 */
static void check_every_cut(transform_function *transform)
{
    unsigned char in[256 + 32], out[256 + 64];

    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (unsigned char)(i * 7 + 'a');
    for (size_t offset = 0; offset < 32; offset++)
        for (size_t length = 0; length < 200; length++) {
            memset(out, GUARD, sizeof out);
            transform(out + offset, in + (31 - offset), length);
            for (size_t i = 0; i < sizeof out; i++) {
                bool is_inside = i >= offset && i < offset + length;

                assert_int_equal(out[i], is_inside ? expected_upper(in[31 - offset + i - offset]) : GUARD);
            }
        }
}

static void upper__every_byte_value__as_python_says(void **state)
{
    (void)state;
    check_every_value(service_upper.transform);
    check_every_value(upper_plain);
}

static void upper__every_length_and_alignment__only_its_own_bytes(void **state)
{
    (void)state;
    check_every_cut(service_upper.transform);
    check_every_cut(upper_plain);
}

static void echo__every_byte_value__unchanged(void **state)
{
    unsigned char in[256], out[256];

    (void)state;
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (unsigned char)i;
    service_echo.transform(out, in, sizeof in);
    assert_memory_equal(out, in, sizeof in);
}

static void faulty__no_trigger__as_upper(void **state)
{
    (void)state;
    check_every_value(service_faulty.transform);
    check_every_cut(service_faulty.transform);
}

static void faulty__trigger_cut_in_two__as_upper(void **state)
{
    static const unsigned char in[] = "!SEGV!!!";
    unsigned char out[8];

    (void)state;
    service_faulty.transform(out, in, 7);
    service_faulty.transform(out + 7, in + 7, 1);
    assert_memory_equal(out, "!SEGV!!!", 8);
}

/* What the test runner or a sanitizer does about signals is not for the child. */
static void forget_handlers(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGVTALRM};
    const struct rlimit no_core = {0, 0};

    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        signal(signals[i], SIG_DFL);
    setrlimit(RLIMIT_CORE, &no_core);
}

/* The wait status of a process that answers a message with that text in its midst. SIGVTALRM comes after 50
 * ms of its own processor time: it says that the process was still at work. */
static int status_of(const char *text)
{
    unsigned char in[64] = {0}, out[64];
    int status = 0;
    pid_t pid;

    memset(in, 'x', sizeof in);
    memcpy(in + 20, text, strlen(text));
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct itimerval limit = {.it_value = {.tv_usec = 50000}};

        forget_handlers();
        setitimer(ITIMER_VIRTUAL, &limit, NULL);
        service_faulty.transform(out, in, sizeof in);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void faulty__trigger__does_what_it_says(void **state)
{
    (void)state;
    assert_int_equal(WTERMSIG(status_of("!SEGV!!!")), SIGSEGV);
    assert_int_equal(WTERMSIG(status_of("!ABRT!!!")), SIGABRT);
    assert_int_equal(WTERMSIG(status_of("!HANG!!!")), SIGVTALRM);

    int status = status_of("!EXIT!!!");

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
    status = status_of("!segv!!!");
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void faulty__what_a_sandbox_forbids__harmless_without_one(void **state)
{
    static const char *const words[] = {"!OPEN!!!", "!CONN!!!", "!EXEC!!!", "!KILL!!!"};

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(status_of(words[i]), 0);
}

static void table__names__found_and_nothing_else(void **state)
{
    (void)state;
    assert_ptr_equal(service_at(0), &service_upper);
    for (size_t i = 0; i < 3; i++) {
        assert_non_null(service_at(i));
        assert_ptr_equal(service_find(service_at(i)->name), service_at(i));
        assert_true(strlen(service_at(i)->summary) > 0);
    }
    assert_null(service_at(3));
    assert_null(service_find("uppe"));
    assert_null(service_find(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(upper__every_byte_value__as_python_says),
        cmocka_unit_test(upper__every_length_and_alignment__only_its_own_bytes),
        cmocka_unit_test(echo__every_byte_value__unchanged),
        cmocka_unit_test(faulty__no_trigger__as_upper),
        cmocka_unit_test(faulty__trigger_cut_in_two__as_upper),
        cmocka_unit_test(faulty__trigger__does_what_it_says),
        cmocka_unit_test(faulty__what_a_sandbox_forbids__harmless_without_one),
        cmocka_unit_test(table__names__found_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
