#include "loadtool/hdr_log.h"

#include <errno.h>

#include "loadtool/hdr.h"

void hdr_log_begin(struct hdr_log *log)
{
    struct timespec now;
    char date[40] = "";
    struct tm parts;

    log->has_begun = true;
    histogram_init(&log->written);
    clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &parts) != NULL)
        strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &parts);
    fprintf(log->out,
            "#[loadtool: latencies of the control group in ns; Interval_Max in ms]\n"
            "#[Histogram log format version 1.3]\n"
            "#[StartTime: %lld.%03ld (seconds since epoch), %s]\n"
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n",
            (long long)now.tv_sec, now.tv_nsec / 1000000, date);
}

static void write_line(struct hdr_log *log, const struct histogram *histogram, double begin_s,
                       double length_s)
{
    fprintf(log->out, "%.3f,%.3f,%.6f,", begin_s, length_s, (double)histogram->max_ns / 1e6);
    int rc = hdr_write(log->out, histogram);
    fputc('\n', log->out);
    if (log->rc == 0)
        log->rc = rc;
    histogram_add(&log->written, histogram);
}

void hdr_log_add(struct hdr_log *log, const struct second *second)
{
    if (second->latency->count > 0)
        write_line(log, second->latency, (double)second->begin_ns / 1e9, (double)second->length_ns / 1e9);
}

/* The rest has the maximum of the whole: that of its own buckets is as good as can be known. */
static void find_max(struct histogram *histogram)
{
    histogram->max_ns = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        if (histogram->buckets[i] > 0)
            histogram->max_ns = histogram_bucket_top_ns(i);
}

int hdr_log_end(struct hdr_log *log, const struct histogram *all)
{
    static struct histogram rest; /* large: not for the stack */

    if (!log->has_begun)
        hdr_log_begin(log);
    rest = *all;
    histogram_subtract(&rest, &log->written);
    find_max(&rest);
    if (rest.count > 0)
        write_line(log, &rest, 0, 0);
    return log->rc < 0 ? log->rc : ferror(log->out) ? -EIO : 0;
}
