#include "master/ctl_frame.h"
#include "master/ctl_text.h"
#include <stdarg.h>
#include <string.h>

#define STYLE_NONE   ""
#define STYLE_BOLD   "\033[1m"
#define STYLE_HEAD   "\033[7m"
#define STYLE_DIM    "\033[2m"
#define STYLE_BAD    "\033[31m"
#define STYLE_CHANGE "\033[33m"
#define STYLE_END    "\033[0m"

struct printer {
    FILE *out;
    const struct ctl_frame *frame;
    const char *end_of_line;
    unsigned lines; /* so far */
    double seconds; /* between the two statuses; 0: no rates */
};

/* One line, cut to the width. Nothing once the frame is full. */
__attribute__((format(printf, 3, 4))) static void line(struct printer *p, const char *style,
                                                       const char *format, ...)
{
    char text[CTL_FRAME_LINE_SIZE];
    unsigned width = p->frame->width < sizeof text - 1 ? p->frame->width : sizeof text - 1;
    va_list values;
    if (p->frame->height > 0 && p->lines >= p->frame->height)
        return;
    va_start(values, format);
    int length = vsnprintf(text, sizeof text, format, values);
    va_end(values);
    if (length > (int)width)
        text[width] = '\0';
    /* A heading is a bar over the whole width. */
    int padding = strcmp(style, STYLE_HEAD) == 0 && length < (int)width ? (int)width - length : 0;
    bool styled = p->frame->colors && style[0];
    fprintf(p->out, "%s%s%*s%s%s", styled ? style : "", text, styled ? padding : 0, "",
            styled ? STYLE_END : "",
            p->frame->height > 0 && p->lines + 1 == p->frame->height ? "" : p->end_of_line);
    p->lines++;
}

/* ---- rates ---- */

static double rate(const struct printer *p, const json_t *now, const json_t *before, const char *key)
{
    double difference = (double)(ctl_number_at(json_object_get(now, "counters"), key) -
                                 ctl_number_at(json_object_get(before, "counters"), key));
    return p->seconds > 0 && before && difference > 0 ? difference / p->seconds : 0;
}

static const json_t *slot_before(const struct printer *p, const json_t *slot)
{
    const json_t *slots = json_object_get(p->frame->before, "slots");
    for (size_t i = 0; i < json_array_size(slots); i++)
        if (ctl_number_at(json_array_get(slots, i), "slot") == ctl_number_at(slot, "slot"))
            return json_array_get(slots, i);
    return NULL;
}

/* Of another server nothing can be compared. */
static double seconds_between(const json_t *now, const json_t *before)
{
    double ms = (double)(ctl_number_at(now, "uptime_ms") - ctl_number_at(before, "uptime_ms"));
    return before && ms > 0 && ctl_number_at(now, "pid") == ctl_number_at(before, "pid") ? ms / 1000 : 0;
}

/* ---- the head ---- */

static void print_server(struct printer *p)
{
    const json_t *now = p->frame->now;
    char uptime[CTL_TEXT_SIZE];
    const char *stage = ctl_string_at(now, "stage");
    bool draining = ctl_true_at(now, "draining"), running = strcmp(stage, "running") == 0;
    ctl_duration(ctl_number_at(now, "uptime_ms"), uptime);
    line(p, STYLE_BOLD, "%s  process %lld, up %s  %s%s", ctl_string_at(now, "address"),
         (long long)ctl_number_at(now, "pid"), uptime, running && draining ? "drains" : stage,
         ctl_true_at(now, "protect") ? "" : "  NOT PROTECTED");
}

static void print_totals(struct printer *p)
{
    const json_t *now = json_object_get(p->frame->now, "totals"),
                 *queue = json_object_get(p->frame->now, "accept_queue");
    const json_t *before = json_object_get(p->frame->before, "totals");
    char connections[CTL_TEXT_SIZE], messages[CTL_TEXT_SIZE], bytes[CTL_TEXT_SIZE], waiting[64] = "";
    ctl_count((double)ctl_number_at(now, "connections"), connections);
    ctl_count(rate(p, now, before, "answered"), messages);
    ctl_bytes(rate(p, now, before, "bytes_out"), bytes);
    if (json_is_object(queue))
        snprintf(waiting, sizeof waiting, "  accept queue %lld of %lld",
                 (long long)ctl_number_at(queue, "waiting"), (long long)ctl_number_at(queue, "limit"));
    line(p, STYLE_NONE, "%s connections  %s messages/s  %s/s%s  deaths %lld", connections, messages, bytes,
         waiting, (long long)ctl_number_at(now, "deaths"));
}

static bool is_running(const json_t *operation)
{
    return strcmp(ctl_string_at(operation, "state"), "running") == 0;
}

static const char *style_of_operation(const json_t *operation)
{
    bool has_failed = strcmp(ctl_string_at(operation, "state"), "failed") == 0;
    return has_failed ? STYLE_BAD : is_running(operation) ? STYLE_CHANGE : STYLE_NONE;
}

/* The one under way, else the last one, else nothing. */
static void print_operation(struct printer *p)
{
    const json_t *operations = json_object_get(p->frame->now, "operations"), *shown = NULL;
    if (p->frame->trouble) {
        line(p, STYLE_BAD, "%s", p->frame->trouble);
        return;
    }
    for (size_t i = 0; i < json_array_size(operations); i++)
        if (!shown || is_running(json_array_get(operations, i)) || !is_running(shown))
            shown = json_array_get(operations, i);
    if (!shown) {
        line(p, STYLE_NONE, "no operation yet");
        return;
    }
    const char *why = ctl_string_at(shown, "why"), *state = ctl_string_at(shown, "state");
    char name[CTL_TEXT_SIZE];
    ctl_operation_text(shown, name);
    line(p, style_of_operation(shown), "operation %lld, %s: %s%s%s",
         (long long)ctl_number_at(shown, "number"), name, state, why[0] ? ": " : "", why);
}

/* ---- the table ---- */

static bool is_wide(const struct printer *p)
{
    return p->frame->width >= CTL_FRAME_WIDE;
}

static void print_heading(struct printer *p)
{
    char more[160] = "";
    if (is_wide(p))
        snprintf(more, sizeof more, " %9s %9s %9s %8s %8s %8s %7s", "accepts/s", "resets/s", "blocked/s",
                 "accepted", "messages", "memory", "keepers");
    line(p, STYLE_HEAD, "%4s  %-11s%5s %8s %6s %6s %8s %9s %8s %6s%s", "slot", "state", "gen", "pid", "up",
         "conns", "msgs/s", "bytes/s", "slowest", "deaths", more);
}

static void format_more(const struct printer *p, const json_t *slot, const json_t *before, char *out,
                        size_t size)
{
    const json_t *counters = json_object_get(slot, "counters");
    char accepts[CTL_TEXT_SIZE], resets[CTL_TEXT_SIZE], blocked[CTL_TEXT_SIZE], accepted[CTL_TEXT_SIZE];
    char messages[CTL_TEXT_SIZE], memory[CTL_TEXT_SIZE];
    ctl_count(rate(p, slot, before, "accepted"), accepts);
    ctl_count(rate(p, slot, before, "closed_reset"), resets);
    ctl_count(rate(p, slot, before, "blocked"), blocked);
    ctl_count((double)ctl_number_at(counters, "accepted"), accepted);
    ctl_count((double)ctl_number_at(counters, "answered"), messages);
    ctl_bytes((double)ctl_number_at(slot, "memory_kib") * 1024, memory);
    snprintf(out, size, " %9s %9s %9s %8s %8s %8s %7u", accepts, resets, blocked, accepted, messages, memory,
             ctl_keepers_ready(slot));
}

static const char *style_of(const json_t *slot)
{
    const char *state = ctl_string_at(slot, "state");
    if (strcmp(state, "resting") == 0 || strcmp(state, "retrying") == 0 || strcmp(state, "leaving") == 0)
        return STYLE_BAD;
    bool steady = strcmp(state, "serving") == 0 && !ctl_true_at(slot, "going_out") &&
                  !ctl_true_at(slot, "handing_over");
    return steady ? STYLE_NONE : STYLE_CHANGE;
}

static void print_slot(struct printer *p, const json_t *slot)
{
    const json_t *before = slot_before(p, slot);
    char state[CTL_TEXT_SIZE], uptime[CTL_TEXT_SIZE], connections[CTL_TEXT_SIZE], messages[CTL_TEXT_SIZE];
    char bytes[CTL_TEXT_SIZE], slowest[CTL_TEXT_SIZE], deaths[CTL_TEXT_SIZE], more[160] = "";
    ctl_slot_state(slot, state);
    ctl_duration(ctl_number_at(slot, "uptime_ms"), uptime);
    ctl_count((double)ctl_number_at(slot, "connections"), connections);
    ctl_count(rate(p, slot, before, "answered"), messages);
    ctl_bytes(rate(p, slot, before, "bytes_out"), bytes);
    ctl_delay(ctl_real_at(slot, "slowest_turn_ms"), slowest);
    ctl_count((double)ctl_number_at(slot, "deaths"), deaths);
    if (is_wide(p))
        format_more(p, slot, before, more, sizeof more);
    line(p, style_of(slot), "%4lld  %-11s%5lld %8lld %6s %6s %8s %9s %8s %6s%s",
         (long long)ctl_number_at(slot, "slot"), state, (long long)ctl_number_at(slot, "generation"),
         (long long)ctl_number_at(slot, "pid"), uptime, connections, messages, bytes, slowest, deaths, more);
}

static void print_slots(struct printer *p)
{
    const json_t *slots = json_object_get(p->frame->now, "slots");
    size_t count = json_array_size(slots), room = count;
    unsigned reserved = p->lines + (p->frame->hint ? 1 : 0);
    if (p->frame->height > 0)
        room = p->frame->height > reserved ? p->frame->height - reserved : 0;
    if (count > room)
        room = room > 0 ? room - 1 : 0; /* for the line below */
    for (size_t i = 0; i < count && i < room; i++)
        print_slot(p, json_array_get(slots, i));
    if (count > room)
        line(p, STYLE_DIM, "      and %zu more slots", count - room);
}

void ctl_frame_print(FILE *out, const struct ctl_frame *frame, const char *end_of_line)
{
    struct printer p = {.out = out,
                        .frame = frame,
                        .end_of_line = end_of_line,
                        .seconds = seconds_between(frame->now, frame->before)};
    print_server(&p);
    print_totals(&p);
    print_operation(&p);
    print_heading(&p);
    print_slots(&p);
    if (frame->hint)
        line(&p, STYLE_DIM, "%s", frame->hint);
}
