#include "loadtool/csv.h"

#include <inttypes.h>

enum { CATCH_UP_MAX = 3600 };

static const uint64_t second_ns = 1000000000;

void csv_begin(struct csv *csv, FILE *out, const struct csv_sums *sums, uint64_t now_ns)
{
    csv->out = out;
    csv->begin_ns = now_ns;
    csv->seconds = 0;
    csv->before = *sums;
    histogram_init(&csv->latency);
    if (out != NULL)
        fputs("second,sent,right,bytes_right,wrong_bytes,connected,ended,kills,lost,missed,p50_us,p99_us,max_"
              "us\n",
              out);
}

static void write_second(struct csv *csv, const struct csv_sums *sums)
{
    const struct csv_sums *before = &csv->before;

    fprintf(csv->out,
            "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
            ",%" PRIu64 ",%" PRIu64 ",%.1f,%.1f,%.1f\n",
            ++csv->seconds, sums->sent - before->sent, sums->right - before->right,
            sums->bytes_right - before->bytes_right, sums->found_bytes - before->found_bytes,
            sums->opened - before->opened, sums->ended - before->ended, sums->kills - before->kills,
            sums->lost - before->lost, sums->missed - before->missed,
            (double)histogram_percentile_ns(&csv->latency, 50) / 1e3,
            (double)histogram_percentile_ns(&csv->latency, 99) / 1e3, (double)csv->latency.max_ns / 1e3);
    csv->before = *sums;
    histogram_init(&csv->latency);
}

void csv_step(struct csv *csv, const struct csv_sums *sums, uint64_t now_ns)
{
    if (csv->out == NULL)
        return;
    for (int i = 0; i < CATCH_UP_MAX && now_ns - csv->begin_ns >= (csv->seconds + 1) * second_ns; i++)
        write_second(csv, sums);
}
