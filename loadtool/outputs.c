#include "loadtool/outputs.h"

#include <errno.h>
#include <string.h>

#include "loadtool/report.h"

#define X(id, option, name) [OUTPUT_##id] = option,
static const char *const options[] = {OUTPUTS(X)};
#undef X
#define X(id, option, name) [OUTPUT_##id] = name,
static const char *const names[] = {OUTPUTS(X)};
#undef X

/* NULL: written while the run goes on. */
static int (*const writers[OUTPUT_COUNT])(FILE *out, const struct report *report) = {
    [OUTPUT_JSON] = report_write_json, [OUTPUT_JUNIT] = report_write_junit, [OUTPUT_MD] = report_write_md,
    [OUTPUT_PROM] = report_write_prom, [OUTPUT_HTML] = report_write_html,
};

const char *outputs_option(enum output output)
{
    return options[output];
}

static int complain(int output, const char *path)
{
    fprintf(stderr, "loadtool: --%s %s: %s\n", options[output], path, strerror(errno));
    return -EIO;
}

int outputs_open(struct outputs *outputs, const char *const paths[OUTPUT_COUNT])
{
    for (int i = 0; i < OUTPUT_COUNT; i++) {
        if (paths[i] == NULL)
            continue;
        outputs->files[i] = strcmp(paths[i], "-") == 0 ? stdout : fopen(paths[i], "we");
        if (outputs->files[i] == NULL)
            return complain(i, paths[i]);
    }
    return 0;
}

bool outputs_use_stdout(const struct outputs *outputs)
{
    for (int i = 0; i < OUTPUT_COUNT; i++)
        if (outputs->files[i] == stdout)
            return true;
    return false;
}

int outputs_write(const struct outputs *outputs, const struct report *report)
{
    int rc = 0;

    for (int i = 0; i < OUTPUT_COUNT; i++) {
        int one = outputs->files[i] == NULL || writers[i] == NULL ? 0 : writers[i](outputs->files[i], report);
        if (one < 0)
            fprintf(stderr, "loadtool: the %s could not be written: %s\n", names[i], strerror(-one));
        rc = rc < 0 ? rc : one;
    }
    return rc;
}

int outputs_close(struct outputs *outputs, const char *const paths[OUTPUT_COUNT])
{
    int rc = 0;

    for (int i = 0; i < OUTPUT_COUNT; i++) {
        FILE *out = outputs->files[i];
        outputs->files[i] = NULL;
        if (out != NULL && (out == stdout ? fflush(out) : fclose(out)) != 0)
            rc = complain(i, paths[i]);
    }
    return rc;
}
