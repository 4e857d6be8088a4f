#include "loadtool/progress.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "loadtool/limits.h"
#include "loadtool/live.h"
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

static struct live_view view_of(const struct engine *engine, uint64_t now_ns)
{
    const struct team_report *sum = &engine->sum;
    const struct seconds_sums *sums = &sum->sums;
    const struct series *series = engine->seconds.series;
    uint32_t modes = engine->team == NULL ? 0 : atomic_load(&engine->team->modes);

    /* A second has just begun: what was done in the one before is still news. */
    if (modes == 0 && series != NULL && series->count > 0)
        modes = series->rows[series->count - 1].modes;
    return (struct live_view){.phase = phase_words[engine->phase],
                              .elapsed_s = (double)(now_ns - engine->begin_ns) / 1e9,
                              .duration_s =
                                  engine->settings == NULL ? 0 : (double)engine->settings->duration_ms / 1e3,
                              .control = sum->control,
                              .lost = sums->lost,
                              .connections = sums->opened > sums->ended ? sums->opened - sums->ended : 0,
                              .sums = *sums,
                              .errors = sum->unanswered + sum->connect_timeouts + sum->unexpected_ends,
                              .series = series,
                              .modes = modes};
}

/* Lines of the view that stand on the terminal, the cursor below them. */
static int shown_lines;

/* Up to where it began, and away with it. */
static void erase(void)
{
    if (shown_lines > 0)
        fprintf(stderr, "\033[%dA", shown_lines);
    fputs("\r\033[J", stderr);
    shown_lines = 0;
}

static void show_view(const struct engine *engine, uint64_t now_ns, int columns)
{
    static char drawn[8192]; /* one write: a terminal that is slow shows no half of it */
    struct live_view view = view_of(engine, now_ns);
    struct live_style style = live_style_of(columns);
    FILE *out = fmemopen(drawn, sizeof(drawn), "w");

    if (out == NULL)
        return;
    int lines = live_write_view(out, &view, &style);
    fclose(out);
    erase();
    fputs(drawn, stderr);
    shown_lines = lines;
}

static void show_line(const struct engine *engine, uint64_t now_ns, int columns)
{
    char words[200];

    progress_format(words, sizeof(words), engine, now_ns);
    fprintf(stderr, "\r\033[K%.*s", columns - 1, words);
}

/* Once a second, and whatever stderr is. */
static void write_line_of_second(const struct engine *engine, uint64_t now_ns)
{
    static uint64_t told;
    struct live_view view = view_of(engine, now_ns);
    uint64_t second = (uint64_t)view.elapsed_s;

    if (second > told)
        live_write_line(stderr, &view);
    told = second;
}

void progress_show(const struct engine *engine, uint64_t now_ns)
{
    int columns = progress_columns(STDERR_FILENO);

    if (engine->settings != NULL && engine->settings->wants_progress && columns == 0)
        write_line_of_second(engine, now_ns);
    if (columns == 0 || engine->ticks / LIMIT_SWEEP_TICKS % 5 != 0)
        return;
    if (columns < LIVE_COLUMNS_MIN)
        show_line(engine, now_ns, columns);
    else
        show_view(engine, now_ns, columns);
}

void progress_clear(void)
{
    if (progress_columns(STDERR_FILENO) > 0)
        erase();
}
