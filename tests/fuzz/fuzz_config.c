/* A configuration file: the input is its content. */
#include "tests/fuzz/fuzz.h"

#include "master/config.h"
#include "master/options_table.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

static void check_accepted(const struct options *options)
{
    FUZZ_MUST(options->texts != NULL);
    FUZZ_MUST(options->worker_count >= 1 && options->service && options->bind[0]);
    FUZZ_MUST(options->idle_timeout_ms >= 0 && options->drain_timeout_ms >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct options options;
    char path[40], error[OPTIONS_ERROR_SIZE] = "";
    int fd = memfd_create("config", MFD_CLOEXEC);

    FUZZ_MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    options_set_defaults(&options);

    int result = config_read(&options, path, error, sizeof error);

    FUZZ_MUST(result == 0 || result == -EINVAL);
    FUZZ_MUST((result == 0) == (error[0] == '\0'));
    FUZZ_MUST(!strchr(error, '\n'));
    if (result == 0)
        check_accepted(&options);
    else
        FUZZ_MUST(options.texts == NULL);
    options_free(&options);
    close(fd);
    return 0;
}
