/* What was probably meant by a value that is not accepted: the end of the line that says so. */
#include <stdio.h>
#include <string.h>

#include "loadtool/options_parts.h"

typedef void hint_fn(char *out, size_t size, const char *value);

static bool is_number(const char *word)
{
    return word[0] != '\0' && word[strspn(word, "0123456789.")] == '\0';
}

static void hint_target(char *out, size_t size, const char *value)
{
    const char *scheme_end = strstr(value, "://");
    const char *colon = strchr(value, ':');

    if (scheme_end != NULL)
        snprintf(out, size, "; leave out the %.*s", (int)(scheme_end - value) + 3, value);
    else if (value[0] != '\0' && value[strspn(value, "0123456789")] == '\0')
        snprintf(out, size, "; did you mean :%s?", value);
    else if (strncmp(value, "unix:", strlen("unix:")) == 0)
        snprintf(out, size, "; a path begins with / and has at most 107 bytes");
    else if (value[0] == '/' || value[0] == '@')
        snprintf(out, size, "; did you mean unix:%s?", value);
    else if (colon == NULL)
        snprintf(out, size, "; the port is missing: %s:PORT", value);
    else if (value[0] != '[' && strchr(colon + 1, ':') != NULL)
        snprintf(out, size, "; an address of IPv6 stands in brackets");
    else
        snprintf(out, size, "; a port is a number from 1 to 65535");
}

static bool is_share(const char *word, size_t length)
{
    return length > 1 && strspn(word, "0123456789.") == length - 1 && word[length - 1] == '%';
}

/* The first part of a list of kill modes that is not as it must be. */
static void hint_kill(char *out, size_t size, const char *value)
{
    if (is_share(value, strlen(value)))
        return; /* too much or too little */
    while (*value != '\0') {
        size_t length = strcspn(value, ","), name = strcspn(value, ":,");
        bool is_mode = plan_find_mode(value, name) != PLAN_MODE_COUNT;
        if (length == strlen("none") && strncmp(value, "none", length) == 0)
            snprintf(out, size, "; none stands alone");
        else if (is_share(value, length))
            snprintf(out, size, "; in a list every share has its mode: rst:%.*s", (int)length, value);
        else if (name == length && is_number(value))
            snprintf(out, size, "; did you mean %s%%?", value);
        else if (!is_mode)
            snprintf(out, size, "; there is no mode %.*s: loadtool --help lists them", (int)name, value);
        else if (name == length)
            snprintf(out, size, "; how many? %.*s:5%% of the clients, or %.*s:10/s", (int)name, value,
                     (int)name, value);
        else if (strcspn(value, "%/") > length || value[strcspn(value, "%/")] == '\0')
            snprintf(out, size, "; did you mean %.*s%%?", (int)length, value);
        if (out[0] != '\0')
            return;
        value += length + (value[length] == ',');
    }
}

static void hint_fail(char *out, size_t size, const char *value)
{
    size_t length = strcspn(value, "<>=");

    if (!thresholds_has_measure(value, length))
        snprintf(out, size, "; there is no measure %.*s: loadtool --help lists them", (int)length, value);
    else if (value[length] == '\0')
        snprintf(out, size, "; in quotes, since a shell takes < and > for itself");
    else if (value[length] != '=' && is_number(value + length + 1))
        snprintf(out, size, "; the unit is missing: us, ms, s, m, h or %%");
}

void options_write_hint(FILE *out, const char *option, const char *value)
{
    static const struct {
        const char *option;
        hint_fn *hint;
    } rows[] = {{"target", hint_target}, {"--kill", hint_kill}, {"--fail", hint_fail}};
    char words[200] = "";

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(option, rows[i].option) == 0)
            rows[i].hint(words, sizeof(words), value);
    fputs(words, out);
}
