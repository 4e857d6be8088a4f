#include "loadtool/html.h"

#include <errno.h>

#include "loadtool/chart.h"
#include "loadtool/markup.h"

/* Colours first, for light, dark and paper; then the page, then what stands in it, then what narrow windows and paper
 * change. */
/* clang-format off */
static const char style[] =
    ":root{color-scheme:light dark;--paper:#fff;--ink:#1b1f24;--soft:#5b6570;--grid:#dfe3e8;--panel:#f5f7f9;"
        "--one:#1f6fd1;--two:#d9581c;--three:#8a94a0;--good:#157a3d;--bad:#c3232f;--so:#8a6100}\n"
    "@media(prefers-color-scheme:dark){:root{--paper:#14171b;--ink:#e6e9ed;--soft:#9aa5b1;--grid:#2c333b;--panel:#1d2228;"
        "--one:#62a5f5;--two:#f58a54;--three:#7d8894;--good:#4cc27a;--bad:#f0727b;--so:#d9ab3c}}\n"
    "@media print{:root{color-scheme:light;--paper:#fff;--ink:#000;--soft:#444;--grid:#ccc;--panel:#fff;"
        "--one:#1f6fd1;--two:#d9581c;--three:#777;--good:#157a3d;--bad:#c3232f;--so:#8a6100}}\n"
    "*{box-sizing:border-box}"
    "body{margin:0 auto;max-width:60rem;padding:1rem;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}\n"
    "h1{font-size:1.5rem;margin:.5rem 0;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:2rem 0 .5rem}"
    ".good{color:var(--good)}.bad{color:var(--bad)}.so-so{color:var(--so)}\n"
    "figure{margin:1.5rem 0 0}figcaption{font-weight:600}.wide{overflow-x:auto}.wide>svg{display:block;width:100%}"
    "text{font:12px system-ui,sans-serif;fill:var(--soft)}\n"
    ".grid{stroke:var(--grid);fill:none}.line{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}"
    ".one{stroke:var(--one)}.two{stroke:var(--two)}.three{stroke:var(--three);stroke-dasharray:4 3}\n"
    ".worst{fill:var(--two)}.heat{fill:var(--one)}rect.kills{fill:var(--soft)}rect.bad{fill:var(--bad)}"
    "rect.outage{fill:var(--bad);fill-opacity:.18}\n"
    ".legend{margin:.2rem 0;color:var(--soft);font-size:.85rem}.key{margin-right:1rem;white-space:nowrap}"
    ".key svg{width:24px;height:8px}.key i{display:inline-block;width:12px;height:8px}"
    "i.kills{background:var(--soft)}i.bad{background:var(--bad)}i.outage{background:var(--bad);opacity:.3}\n"
    "table{border-collapse:collapse;width:100%;min-width:34rem;font-size:.9rem}"
    "th,td{text-align:left;padding:.25rem 1rem .25rem 0;border-bottom:1px solid var(--grid);vertical-align:top}"
    ".n{text-align:right;font-variant-numeric:tabular-nums}td.n{white-space:nowrap}th{color:var(--soft);font-weight:600}\n"
    "pre{background:var(--panel);padding:.7rem;overflow-x:auto;font-size:.85rem}"
    "pre.command{white-space:pre-wrap;overflow-wrap:anywhere}mark{background:var(--bad);color:var(--paper)}\n"
    "@media screen and (max-width:40rem){text{font-size:18px}.line{stroke-width:2.6}}\n"
    "@media print{body{padding:0}figure,table,pre.bytes{break-inside:avoid}h2{break-after:avoid}.wide{overflow:visible}"
        "pre{padding:0;font-size:.62rem;white-space:pre-wrap;overflow:visible}"
        ".heat,rect,i,mark{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n";
/* clang-format on */

void html_begin(FILE *out, const char *title)
{
    fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>",
          out);
    markup_write_xml(out, title);
    fprintf(out, "</title>\n<style>\n%s</style></head>\n<body>\n", style);
}

void html_end(FILE *out)
{
    fputs("</body></html>\n", out);
}

void html_write_headline(FILE *out, const char *tone, const char *word, const char *words)
{
    fprintf(out, "<h1><span class=\"%s\">%s</span> ", tone, word);
    markup_write_xml(out, words);
    fputs("</h1>\n", out);
}

void html_write_cell(FILE *out, const char *css, const char *words)
{
    fprintf(out, "<td class=\"%s\">", css);
    markup_write_xml(out, words);
    fputs("</td>", out);
}

/* -- two runs -- */

static void write_rows(FILE *out, const struct comparison *comparison)
{
    static const char *const tones[] = {
        [COMPARE_SAME] = "n", [COMPARE_BETTER] = "n good", [COMPARE_WORSE] = "n bad"};
    char a[40], b[40], spread[40], change[40];

    fputs("<div class=\"wide\"><table><tr><th>median of the seconds</th><th class=\"n\">A</th><th "
          "class=\"n\">B</th><th class=\"n\">"
          "spread</th><th class=\"n\">change</th></tr>\n",
          out);
    for (size_t i = 0; i < COMPARE_MEASURES; i++) {
        const struct compare_row *row = &comparison->rows[i];
        compare_format_row(row, i, a, b, spread, change);
        fputs("<tr>", out);
        html_write_cell(out, "", row->name);
        html_write_cell(out, "n", a);
        html_write_cell(out, "n", b);
        html_write_cell(out, "n", spread);
        html_write_cell(out, tones[row->kind], change);
        fputs("</tr>\n", out);
    }
    fputs("</table></div>\n", out);
}

static void write_run(FILE *out, const char *name, const struct result *result)
{
    const char *command = json_string_value(json_object_get(result->json, "command"));

    fprintf(out, "<h2>%s: %s, exit %d</h2>\n<pre class=\"command\">", name, result->verdict,
            result->exit_code);
    markup_write_xml(out, command == NULL ? "(merged)" : command);
    fputs("</pre>\n", out);
}

int html_write_comparison(FILE *out, const struct result *a, const struct result *b,
                          const struct comparison *comparison)
{
    static const char *const words[] = {
        [COMPARE_SAME] = "SAME", [COMPARE_BETTER] = "BETTER", [COMPARE_WORSE] = "WORSE"};
    static const char *const tones[] = {
        [COMPARE_SAME] = "so-so", [COMPARE_BETTER] = "good", [COMPARE_WORSE] = "bad"};
    const struct chart_line rate[] = {{&a->series, chart_rate, "one", "A"},
                                      {&b->series, chart_rate, "two", "B"}};
    const struct chart_line p99[] = {{&a->series, chart_p99, "one", "A"},
                                     {&b->series, chart_p99, "two", "B"}};
    const struct chart_curve curves[] = {{a->times[RESULT_LATENCY], "one", "A"},
                                         {b->times[RESULT_LATENCY], "two", "B"}};

    html_begin(out, "loadtool compare");
    html_write_headline(out, tones[comparison->kind], words[comparison->kind], "B beside A");
    write_rows(out, comparison);
    chart_timeline(out, "Right replies per second", rate, 2, false, NULL);
    chart_timeline(out, "p99 of each second", p99, 2, true, NULL);
    chart_percentiles(out, curves, 2);
    write_run(out, "A", a);
    write_run(out, "B", b);
    html_end(out);
    return ferror(out) ? -EIO : 0;
}
