/*
 * The server's command line: the input is its words, one a line.
 *
 * A start prints help and ends; a reload of the same words must not find anything else. No file is read: a path would
 * be one of this machine.
 */
/* wrap: exit config_read options_print_help puts */
#include "tests/fuzz/fuzz.h"

#include "master/config.h"
#include "master/options_table.h"

#include <errno.h>
#include <setjmp.h>

static jmp_buf exited;
static bool parses; /* else it is the fuzzer that ends */

__attribute__((weak)) void __lsan_disable(void);
__attribute__((weak)) void __lsan_enable(void);

_Noreturn void __real_exit(int code);
_Noreturn void __wrap_exit(int code);
_Noreturn void __wrap_exit(int code)
{
    if (!parses)
        __real_exit(code);
    FUZZ_MUST(code == EXIT_SUCCESS);
    longjmp(exited, 1);
}

int __wrap_config_read(struct options *options, const char *path, char error[], size_t error_size);
int __wrap_config_read(struct options *options, const char *path, char error[], size_t error_size)
{
    (void)options;
    snprintf(error, error_size, "%s: not read", path);
    return -EINVAL;
}

void __wrap_options_print_help(void);
void __wrap_options_print_help(void)
{
}

int __real_puts(const char *text);
int __wrap_puts(const char *text);
int __wrap_puts(const char *text)
{
    return parses ? 0 : __real_puts(text);
}

static void check_accepted(const struct options *options)
{
    FUZZ_MUST(options->worker_count >= 1 && options->service && options->bind[0]);
    FUZZ_MUST(options->max_connections >= 1 && options->hang_timeout_ms >= 0);
    FUZZ_MUST(options->ready_fd == -1);
}

/* What is wrong, as a running server says it: without ending anybody. */
static void parse(int argc, char **argv)
{
    struct options options;
    static char error[OPTIONS_ERROR_SIZE];

    error[0] = '\0';

    int result = options_parse_again(&options, argc, argv, error);

    FUZZ_MUST(result == 0 || result == OPTIONS_USAGE);
    FUZZ_MUST((result == 0) == (error[0] == '\0'));
    if (result == 0)
        check_accepted(&options);
    FUZZ_MUST(!options.texts || result == 0);
}

/* True: help was asked for, and the process would have ended. What argp has allocated by then is no leak of the
 * parser. */
static bool ends(int argc, char **argv)
{
    if (__lsan_disable)
        __lsan_disable();
    int jumped = setjmp(exited);
    if (!jumped)
        parse(argc, argv);
    if (__lsan_enable)
        __lsan_enable();
    return jumped;
}

/* Once to see whether it ends, and if not once more, to see whether memory is lost. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char name[] = "prefork-upper";
    char *words[FUZZ_WORDS_MAX + 1];
    char *text = fuzz_text(data, size);
    int count = fuzz_words(text, name, words);

    parses = true;
    if (!ends(count, words))
        parse(count, words);
    parses = false;
    free(text);
    return 0;
}
