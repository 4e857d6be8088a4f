/* How the text of a value becomes the value of an option, by its kind (options_table.h). */
#include "master/options_table.h"

#include "master/duration.h"
#include "worker/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Digits of that base alone: strtol would also take signs, spaces and 0x. */
static int parse_whole(const char *text, int base, int64_t min, int64_t max, int64_t *value)
{
    char *end = NULL;

    if (text[0] < '0' || text[0] > '9' || text[1] == 'x' || text[1] == 'X')
        return -EINVAL;
    errno = 0;
    *value = strtoll(text, &end, base);
    return *end == '\0' && errno == 0 && *value >= min && *value <= max ? 0 : -EINVAL;
}

static int store_number(const struct option_spec *spec, const char *text, void *field)
{
    int64_t value = 0;
    uint32_t narrow;

    if (parse_whole(text, spec->kind == OPTION_OCTAL ? 8 : 10, spec->min, spec->max, &value) < 0)
        return -EINVAL;
    if (spec->kind == OPTION_DESCRIPTOR && fcntl((int)value, F_GETFD) < 0)
        return -EINVAL;
    narrow = (uint32_t)value;
    memcpy(field, &narrow, sizeof narrow);
    return 0;
}

static int store_service(const char *text, const struct service **field)
{
    const struct service *service = service_find(text);

    if (!service)
        return -EINVAL;
    *field = service;
    return 0;
}

static int store_switch(const char *text, bool *field)
{
    bool on = strcmp(text, "on") == 0;

    if (!on && strcmp(text, "off") != 0)
        return -EINVAL;
    *field = on;
    return 0;
}

static int store_text(const char *text, const char **field)
{
    if (text[0] == '\0')
        return -EINVAL;
    *field = text;
    return 0;
}

int option_store(const struct option_spec *spec, const char *text, struct options *options)
{
    void *field = (char *)options + spec->offset;

    switch (spec->kind) {
    case OPTION_FLAG:
        return store_switch(text ? text : "on", field);
    case OPTION_NUMBER:
    case OPTION_OCTAL:
    case OPTION_DESCRIPTOR:
        return store_number(spec, text, field);
    case OPTION_DURATION:
        return duration_parse(text, field) < 0 ? -EINVAL : 0;
    case OPTION_SWITCH:
        return store_switch(text, field);
    case OPTION_TEXT:
        return store_text(text, field);
    case OPTION_SERVICE:
        return store_service(text, field);
    case OPTION_LOG_LEVEL:
        return log_level_parse(text, field);
    case OPTION_LOG_FORMAT:
        return log_format_parse(text, field);
    case OPTION_SANDBOX:
        return sandbox_mode_parse(text, field);
    case OPTION_HELP:
    case OPTION_VERSION:
        return 0;
    }
    return -EINVAL;
}

static bool equal_texts(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool option_equal(const struct option_spec *spec, const struct options *a, const struct options *b)
{
    const void *field_a = (const char *)a + spec->offset, *field_b = (const char *)b + spec->offset;

    switch (spec->kind) {
    case OPTION_FLAG:
    case OPTION_SWITCH:
        return *(const bool *)field_a == *(const bool *)field_b;
    case OPTION_NUMBER:
    case OPTION_OCTAL:
    case OPTION_DESCRIPTOR:
        return memcmp(field_a, field_b, sizeof(uint32_t)) == 0;
    case OPTION_DURATION:
        return *(const int64_t *)field_a == *(const int64_t *)field_b;
    case OPTION_TEXT:
        return equal_texts(*(const char *const *)field_a, *(const char *const *)field_b);
    case OPTION_SERVICE:
        return *(const struct service *const *)field_a == *(const struct service *const *)field_b;
    case OPTION_LOG_FORMAT:
        return *(const enum log_format *)field_a == *(const enum log_format *)field_b;
    case OPTION_SANDBOX:
        return *(const enum sandbox_mode *)field_a == *(const enum sandbox_mode *)field_b;
    case OPTION_LOG_LEVEL:
        return *(const enum log_level *)field_a == *(const enum log_level *)field_b;
    case OPTION_HELP:
    case OPTION_VERSION:
        return true;
    }
    return true;
}

static void describe_services(char out[OPTION_ACCEPTED_SIZE])
{
    size_t used = (size_t)snprintf(out, OPTION_ACCEPTED_SIZE, "one of");

    for (size_t i = 0; service_at(i) && used < OPTION_ACCEPTED_SIZE; i++)
        used += (size_t)snprintf(out + used, OPTION_ACCEPTED_SIZE - used, "%s %s", i ? "," : "",
                                 service_at(i)->name);
}

void option_describe(const struct option_spec *spec, char out[OPTION_ACCEPTED_SIZE])
{
    switch (spec->kind) {
    case OPTION_NUMBER:
        snprintf(out, OPTION_ACCEPTED_SIZE, "a whole number from %lld to %lld", (long long)spec->min,
                 (long long)spec->max);
        return;
    case OPTION_OCTAL:
        snprintf(out, OPTION_ACCEPTED_SIZE, "an octal number from 0 to %#llo", (unsigned long long)spec->max);
        return;
    case OPTION_DESCRIPTOR:
        snprintf(out, OPTION_ACCEPTED_SIZE, "the number of an open descriptor, 3 or more,");
        return;
    case OPTION_DURATION:
        snprintf(out, OPTION_ACCEPTED_SIZE,
                 "a time from 0 (off) to 365 days, such as 250ms, 2s, 1.5m or 1h,");
        return;
    case OPTION_SERVICE:
        describe_services(out);
        return;
    case OPTION_LOG_LEVEL:
        snprintf(out, OPTION_ACCEPTED_SIZE, "one of error, warn, info, debug");
        return;
    case OPTION_LOG_FORMAT:
        snprintf(out, OPTION_ACCEPTED_SIZE, "text or json");
        return;
    case OPTION_SANDBOX:
        snprintf(out, OPTION_ACCEPTED_SIZE, "off, log or on");
        return;
    case OPTION_SWITCH:
    case OPTION_FLAG:
        snprintf(out, OPTION_ACCEPTED_SIZE, "on or off");
        return;
    case OPTION_TEXT:
        snprintf(out, OPTION_ACCEPTED_SIZE, "%s", spec->accepted);
        return;
    case OPTION_HELP:
    case OPTION_VERSION:
        snprintf(out, OPTION_ACCEPTED_SIZE, "no value");
        return;
    }
}
