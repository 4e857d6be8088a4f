#include "loadtool/csv.h"

#include <inttypes.h>

void csv_write_header(FILE *out)
{
    fputs(
        "second,sent,right,bytes_right,wrong_bytes,connected,ended,kills,lost,missed,p50_us,p99_us,max_us\n",
        out);
}

void csv_write_second(FILE *out, const struct second *second)
{
    const struct seconds_sums *sums = &second->sums;

    fprintf(out,
            "%.12g,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
            ",%" PRIu64 ",%" PRIu64 ",%.1f,%.1f,%.1f\n",
            (double)(second->begin_ns + second->length_ns) / 1e9, sums->sent, sums->right, sums->bytes_right,
            sums->found_bytes, sums->opened, sums->ended, sums->kills, sums->lost, sums->missed,
            (double)histogram_percentile_ns(second->latency, 50) / 1e3,
            (double)histogram_percentile_ns(second->latency, 99) / 1e3,
            (double)second->latency->max_ns / 1e3);
}
