#include "loadtool/progress.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "loadtool/limits.h"
#include "loadtool/units.h"

static const char *const phase_words[] = {
    [ENGINE_RAMP] = "connecting", [ENGINE_WARM] = "warming up",        [ENGINE_MAIN] = "loading",
    [ENGINE_BETWEEN] = "proving", [ENGINE_KILLS] = "last disconnects", [ENGINE_AFTER] = "proving",
    [ENGINE_CLOSE] = "closing",
};

int progress_columns(int fd)
{
    struct winsize size = {.ws_col = 0};

    if (!isatty(fd))
        return 0;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return 80;
    return size.ws_col;
}

void progress_format(char *out, size_t size, const struct engine *engine, uint64_t now_ns)
{
    const struct seconds_sums *sums = &engine->sum.sums;
    struct text right, wrong, kills, lost;

    snprintf(out, size, "%5.1f s  %s  %s right  %s wrong  %s disconnects  %s lost",
             (double)(now_ns - engine->begin_ns) / 1e9, phase_words[engine->phase],
             units_format_count(&right, sums->right), units_format_count(&wrong, sums->found_bytes),
             units_format_count(&kills, sums->kills), units_format_count(&lost, sums->lost));
}

void progress_show(const struct engine *engine, uint64_t now_ns)
{
    char words[200];
    int columns = progress_columns(STDERR_FILENO);

    if (columns == 0 || engine->ticks / LIMIT_SWEEP_TICKS % 5 != 0)
        return;
    progress_format(words, sizeof(words), engine, now_ns);
    fprintf(stderr, "\r\033[K%.*s", columns - 1, words);
}

void progress_clear(void)
{
    if (progress_columns(STDERR_FILENO) > 0)
        fputs("\r\033[K", stderr);
}
