#include "loadtool/live.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "loadtool/chart.h"
#include "loadtool/plan.h"
#include "loadtool/units.h"

enum { LABEL_COLUMNS = 13, WORDS_COLUMNS = 34, LINE_BYTES = 512, GRAPH_LEVELS = 8 };

static bool says_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && value[0] != '\0')
            return strcasestr(value, "utf-8") != NULL || strcasestr(value, "utf8") != NULL;
    }
    return false;
}

struct live_style live_style_of(int columns)
{
    const char *terminal = getenv("TERM"), *no_colour = getenv("NO_COLOR");
    bool is_dumb = terminal == NULL || strcmp(terminal, "dumb") == 0;

    return (struct live_style){.columns = columns,
                               .has_colour = !is_dumb && (no_colour == NULL || no_colour[0] == '\0'),
                               .has_blocks = says_utf8()};
}

/* -- pieces -- */

static const struct series_row *last_row(const struct live_view *view)
{
    return view->series == NULL || view->series->count == 0 ? NULL
                                                            : &view->series->rows[view->series->count - 1];
}

/* A bar for each of the last rows, as high as the highest of them allows. */
static void write_graph(FILE *out, const struct series *series,
                        double (*measure)(const struct series_row *row), int room, bool has_blocks)
{
    static const char *const blocks[GRAPH_LEVELS] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char letters[GRAPH_LEVELS + 1] = "_.:-=+*#";
    size_t count = series == NULL ? 0 : series->count;
    size_t first = count > (size_t)room ? count - (size_t)room : 0;
    double most = 0;

    for (size_t i = first; i < count; i++)
        most = measure(&series->rows[i]) > most ? measure(&series->rows[i]) : most;
    for (size_t i = first; i < count; i++) {
        double share = most > 0 ? measure(&series->rows[i]) / most : 0;
        int level = (int)(share * (GRAPH_LEVELS - 1) + 0.5);
        if (has_blocks)
            fputs(blocks[level], out);
        else
            fputc(letters[level], out);
    }
}

/* A label, words cut to the room that there is, and a graph where it fits. */
static void write_row(FILE *out, const struct live_style *style, const char *label, const char *colour,
                      const char *words)
{
    int room = style->columns - 1 - LABEL_COLUMNS;

    fprintf(out, "%-*s%s%.*s%s\n", LABEL_COLUMNS, label, style->has_colour ? colour : "", room, words,
            style->has_colour && colour[0] != '\0' ? "\033[0m" : "");
}

static void write_graph_row(FILE *out, const struct live_view *view, const struct live_style *style,
                            const char *label, const char *words,
                            double (*measure)(const struct series_row *row), const char *colour)
{
    int room = style->columns - 1 - LABEL_COLUMNS - WORDS_COLUMNS;

    fprintf(out, "%-*s%-*.*s%s", LABEL_COLUMNS, label, WORDS_COLUMNS, WORDS_COLUMNS - 1, words,
            style->has_colour ? colour : "");
    write_graph(out, view->series, measure, room, style->has_blocks);
    fprintf(out, "%s\n", style->has_colour ? "\033[0m" : "");
}

/* -- the view -- */

static void write_rates(FILE *out, const struct live_view *view, const struct live_style *style)
{
    const struct series_row *row = last_row(view);
    char words[LINE_BYTES] = "-", times[LINE_BYTES] = "-";
    struct text rate, p50, p99;

    if (row != NULL) {
        snprintf(words, sizeof(words), "%s/s", units_format_count(&rate, (uint64_t)(chart_rate(row) + 0.5)));
        snprintf(times, sizeof(times), "p50 %s  p99 %s", units_format_ns(&p50, row->p50_ns),
                 units_format_ns(&p99, row->p99_ns));
    }
    write_graph_row(out, view, style, "rate", words, chart_rate, "\033[34m");
    write_graph_row(out, view, style, "latency", times, chart_p99, "\033[33m");
}

int live_write_view(FILE *out, const struct live_view *view, const struct live_style *style)
{
    char words[LINE_BYTES], modes[LINE_BYTES];
    struct text one, two, three;
    bool is_bad = view->lost + view->errors + view->sums.found_bytes > 0;

    if (view->duration_s > 0)
        snprintf(words, sizeof(words), "%.1f s of %.6g s, %s", view->elapsed_s, view->duration_s,
                 view->phase);
    else
        snprintf(words, sizeof(words), "%.1f s, %s", view->elapsed_s, view->phase);
    write_row(out, style, "loadtool", "\033[1m", words);
    write_rates(out, view, style);
    snprintf(words, sizeof(words), "%s connections, %s right replies",
             units_format_count(&one, view->connections), units_format_count(&two, view->sums.right));
    write_row(out, style, "clients", "", words);
    snprintf(words, sizeof(words), "%s so far%s%s", units_format_count(&one, view->sums.kills),
             view->modes != 0 ? ", just now: " : "", plan_format_modes(modes, sizeof(modes), view->modes));
    write_row(out, style, "disconnects", view->modes != 0 ? "\033[35m" : "", words);
    snprintf(words, sizeof(words), "%s of the control group lost, %s other errors, %s wrong bytes",
             units_format_count(&one, view->lost), units_format_count(&two, view->errors),
             units_format_count(&three, view->sums.found_bytes));
    write_row(out, style, "errors", is_bad ? "\033[1;31m" : "\033[32m", words);
    return 6;
}

void live_write_line(FILE *out, const struct live_view *view)
{
    const struct series_row *row = last_row(view);
    char modes[LINE_BYTES];
    struct text p50, p99;

    fprintf(out, "%.0f s  %s", view->elapsed_s, view->phase);
    if (row != NULL)
        fprintf(out, "  %.0f/s  p50 %s  p99 %s", chart_rate(row), units_format_ns(&p50, row->p50_ns),
                units_format_ns(&p99, row->p99_ns));
    fprintf(out, "  %" PRIu64 " connections  %" PRIu64 " disconnects", view->connections, view->sums.kills);
    if (view->modes != 0)
        fprintf(out, " (%s)", plan_format_modes(modes, sizeof(modes), view->modes));
    fprintf(out, "  %" PRIu64 " lost  %" PRIu64 " errors  %" PRIu64 " wrong bytes\n", view->lost,
            view->errors, view->sums.found_bytes);
}
