#include "loadtool/result.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadtool/hdr.h"
#include "loadtool/report.h"

const char *result_histogram_name(int which)
{
    static const char *const names[] = {"latency", "latency_sent", "connect"};

    return names[which];
}

static int refuse(const struct result *result, const char *key, const char *why)
{
    fprintf(stderr, "loadtool: %s, key '%s': %s\n", result->path, key, why);
    return -EINVAL;
}

static int load(struct result *result)
{
    json_error_t error;
    FILE *in = strcmp(result->path, "-") == 0 ? stdin : fopen(result->path, "re");

    if (in == NULL) {
        fprintf(stderr, "loadtool: %s: %s\n", result->path, strerror(errno));
        return -EIO;
    }
    result->json = json_loadf(in, 0, &error);
    if (in != stdin)
        fclose(in);
    if (result->json != NULL)
        return 0;
    fprintf(stderr, "loadtool: %s, line %d, column %d: no JSON: %s\n", result->path, error.line, error.column,
            error.text);
    return -EINVAL;
}

static int check_head(struct result *result)
{
    const char *tool = json_string_value(json_object_get(result->json, "tool"));
    const json_t *format = json_object_get(result->json, "format");
    const json_t *code = json_object_get(result->json, "exit_code");

    if (tool == NULL || strcmp(tool, "loadtool") != 0)
        return refuse(result, "tool", "this is no report of loadtool --json");
    if (!json_is_integer(format) || json_integer_value(format) != REPORT_JSON_FORMAT)
        return refuse(result, "format", "a report of another version of loadtool");
    result->verdict = json_string_value(json_object_get(result->json, "verdict"));
    if (result->verdict == NULL)
        return refuse(result, "verdict", "is missing");
    if (!json_is_integer(code))
        return refuse(result, "exit_code", "is missing");
    result->exit_code = (int)json_integer_value(code);
    return 0;
}

/* The buckets from the encoding; what it has not, beside it. */
static int read_histogram(struct result *result, int which)
{
    char key[64];
    struct histogram *times = result->times[which];
    const json_t *all = json_object_get(result->json, "histograms");
    const json_t *object = json_object_get(all, result_histogram_name(which));
    const char *words = json_string_value(json_object_get(object, "hdr"));
    const json_t *over = json_object_get(object, "over"), *max = json_object_get(object, "max_ns");

    snprintf(key, sizeof(key), "histograms.%s", result_histogram_name(which));
    if (words == NULL || !json_is_integer(over) || !json_is_integer(max))
        return refuse(result, key, "is missing: written by an older loadtool?");
    if (json_integer_value(over) < 0 || json_integer_value(max) < 0)
        return refuse(result, key, "'over' and 'max_ns' are counts, not below 0");
    int rc = hdr_read(words, times);
    if (rc == -EINVAL)
        return refuse(result, key, "'hdr' is no histogram of loadtool");
    if (rc < 0)
        return rc;
    times->over_count = (uint64_t)json_integer_value(over);
    times->max_ns = (uint64_t)json_integer_value(max);
    times->sum_ns = json_number_value(json_object_get(object, "sum_ns"));
    return 0;
}

static int read_histograms(struct result *result)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < RESULT_HISTOGRAMS; i++) {
        result->times[i] = calloc(1, sizeof(*result->times[i]));
        rc = result->times[i] == NULL ? -ENOMEM : read_histogram(result, i);
    }
    return rc;
}

static double number_at(const json_t *seconds, const char *column, size_t row)
{
    return json_number_value(json_array_get(json_object_get(seconds, column), row));
}

static void read_row(const json_t *seconds, size_t i, uint64_t *begin_ns, struct series_row *row)
{
    *row = (struct series_row){.begin_ns = *begin_ns,
                               .length_ns = (uint64_t)(number_at(seconds, "length_s", i) * 1e9 + 0.5),
                               .p50_ns = (uint64_t)(number_at(seconds, "p50_us", i) * 1e3),
                               .p99_ns = (uint64_t)(number_at(seconds, "p99_us", i) * 1e3),
                               .max_ns = (uint64_t)(number_at(seconds, "max_us", i) * 1e3)};
    row->sums.right = (uint64_t)number_at(seconds, "right", i);
    row->sums.found_bytes = (uint64_t)number_at(seconds, "wrong_bytes", i);
    row->sums.kills = (uint64_t)number_at(seconds, "kills", i);
    row->sums.lost = (uint64_t)number_at(seconds, "lost", i);
    *begin_ns += row->length_ns;
}

/* Is every column a list of `rows` numbers that are not negative? */
static bool is_table(const json_t *seconds, size_t rows)
{
    static const char *const names[] = {"length_s", "right",  "wrong_bytes", "kills",
                                        "lost",     "p50_us", "p99_us",      "max_us"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const json_t *column = json_object_get(seconds, names[i]);
        if (!json_is_array(column) || json_array_size(column) != rows)
            return false;
        for (size_t k = 0; k < rows; k++)
            if (!json_is_number(json_array_get(column, k)) ||
                json_number_value(json_array_get(column, k)) < 0 ||
                json_number_value(json_array_get(column, k)) > 1e18)
                return false;
    }
    return true;
}

static int read_series(struct result *result)
{
    const json_t *seconds = json_object_get(result->json, "seconds");
    size_t rows = json_array_size(json_object_get(seconds, "length_s"));
    json_int_t per_row = json_integer_value(json_object_get(seconds, "per_row"));
    uint64_t begin_ns = 0;

    if (seconds == NULL)
        return refuse(result, "seconds", "is missing: written by an older loadtool?");
    if (rows > SERIES_ROWS_MAX || per_row < 1 || per_row > SERIES_ROWS_MAX * 1000 || !is_table(seconds, rows))
        return refuse(result, "seconds", "is no table of numbers, all columns of one length");
    int rc = series_init(&result->series);
    if (rc < 0)
        return rc;
    result->series.seconds_per_row = (uint64_t)per_row;
    for (size_t i = 0; i < rows; i++)
        read_row(seconds, i, &begin_ns, &result->series.rows[i]);
    result->series.count = rows;
    return 0;
}

int result_read(struct result *result, const char *path)
{
    *result = (struct result){.path = path};
    int rc = load(result);
    if (rc == 0)
        rc = check_head(result);
    if (rc == 0)
        rc = read_histograms(result);
    if (rc == 0)
        rc = read_series(result);
    if (rc == -ENOMEM)
        fprintf(stderr, "loadtool: %s: %s\n", path, strerror(ENOMEM));
    if (rc < 0)
        result_free(result);
    return rc;
}

void result_free(struct result *result)
{
    json_decref(result->json);
    for (int i = 0; i < RESULT_HISTOGRAMS; i++)
        free(result->times[i]);
    series_free(&result->series);
    *result = (struct result){.path = NULL};
}
