#include "master/ctl_text.h"
#include <string.h>

/* ---- values ---- */

int64_t ctl_number_at(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

double ctl_real_at(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

bool ctl_true_at(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

const char *ctl_string_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "?";
}

/* ---- numbers ---- */

void ctl_duration(int64_t ms, char out[CTL_TEXT_SIZE])
{
    int64_t s = ms / 1000;
    if (ms < 1000)
        snprintf(out, CTL_TEXT_SIZE, "%lldms", (long long)(ms < 0 ? 0 : ms));
    else if (s < 60)
        snprintf(out, CTL_TEXT_SIZE, "%llds", (long long)s);
    else if (s < 3600)
        snprintf(out, CTL_TEXT_SIZE, "%lldm%02llds", (long long)(s / 60), (long long)(s % 60));
    else if (s < 86400)
        snprintf(out, CTL_TEXT_SIZE, "%lldh%02lldm", (long long)(s / 3600), (long long)(s / 60 % 60));
    else
        snprintf(out, CTL_TEXT_SIZE, "%lldd%02lldh", (long long)(s / 86400), (long long)(s / 3600 % 24));
}

void ctl_delay(double ms, char out[CTL_TEXT_SIZE])
{
    if (ms <= 0)
        snprintf(out, CTL_TEXT_SIZE, "-");
    else if (ms < 1)
        snprintf(out, CTL_TEXT_SIZE, "%.2fms", ms);
    else if (ms < 10)
        snprintf(out, CTL_TEXT_SIZE, "%.1fms", ms);
    else if (ms < 1000)
        snprintf(out, CTL_TEXT_SIZE, "%.0fms", ms);
    else
        snprintf(out, CTL_TEXT_SIZE, "%.1fs", ms / 1000);
}

/* Three digits and the letter of the thousands. */
static void scaled(double value, const char *unit, char out[CTL_TEXT_SIZE])
{
    static const char letters[] = "kMGTPE";
    int letter = 0;
    value /= 1000;
    while (value >= 999.5 && letters[letter + 1]) {
        value /= 1000;
        letter++;
    }
    int places = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    snprintf(out, CTL_TEXT_SIZE, "%.*f%c%s", places, value, letters[letter], unit);
}

void ctl_count(double count, char out[CTL_TEXT_SIZE])
{
    if (count < 99999.5)
        snprintf(out, CTL_TEXT_SIZE, "%.0f", count < 0 ? 0 : count);
    else
        scaled(count, "", out);
}

void ctl_bytes(double bytes, char out[CTL_TEXT_SIZE])
{
    if (bytes < 999.5)
        snprintf(out, CTL_TEXT_SIZE, "%.0fB", bytes < 0 ? 0 : bytes);
    else
        scaled(bytes, "B", out);
}

/* ---- slots ---- */

void ctl_slot_state(const json_t *slot, char out[CTL_TEXT_SIZE])
{
    char left[CTL_TEXT_SIZE];
    const char *state = ctl_string_at(slot, "state");
    if (strcmp(state, "resting") == 0) {
        ctl_duration(ctl_number_at(slot, "resting_ms"), left);
        snprintf(out, CTL_TEXT_SIZE, "rests %.6s", left);
    } else if (ctl_true_at(slot, "going_out")) {
        snprintf(out, CTL_TEXT_SIZE, "going out");
    } else if (ctl_true_at(slot, "handing_over")) {
        snprintf(out, CTL_TEXT_SIZE, "renewing");
    } else {
        snprintf(out, CTL_TEXT_SIZE, "%.12s", state);
    }
}

/* The goals of the others are numbers that only the server knows. */
void ctl_operation_text(const json_t *operation, char out[CTL_TEXT_SIZE])
{
    const char *name = ctl_string_at(operation, "operation");
    if (strcmp(name, "scale") == 0 || strcmp(name, "restart") == 0)
        snprintf(out, CTL_TEXT_SIZE, "%s %lld", name, (long long)ctl_number_at(operation, "goal"));
    else
        snprintf(out, CTL_TEXT_SIZE, "%.20s", strcmp(name, "drain_off") == 0 ? "drain --off" : name);
}

unsigned ctl_keepers_ready(const json_t *slot)
{
    const json_t *keepers = json_object_get(slot, "keepers");
    unsigned count = 0;
    for (size_t i = 0; i < json_array_size(keepers); i++)
        count += strcmp(ctl_string_at(json_array_get(keepers, i), "state"), "ready") == 0;
    return count;
}
