/* What a client of the control socket reads: lines of a server, which may be another program, and the JSON in
 * them. `status`, `incidents` and a frame of `top` are made of whatever JSON it was. */
#include "tests/fuzz/fuzz.h"

#include "master/control_protocol.h"
#include "master/ctl_frame.h"
#include "master/ctl_status.h"

static void show(FILE *out, const json_t *status)
{
    struct ctl_frame frame = {.width = 145, .height = 12, .colors = true, .now = status, .before = status};

    ctl_status_print(out, status);
    ctl_frame_print(out, &frame, "\n");
    frame.width = 40;
    frame.before = NULL;
    ctl_frame_print(out, &frame, "\n");
    ctl_incident_print(out, status);
}

static void take_line(FILE *out, const char *line)
{
    struct control_reply reply;

    control_reply_parse(&reply, line);
    if (reply.kind == REPLY_LOG)
        fprintf(out, "%.*s %s", (int)reply.word_length, reply.word, reply.text);
    if (reply.kind == REPLY_END)
        FUZZ_MUST(reply.number <= 255 && reply.text);
    if (reply.kind != REPLY_JSON)
        return;

    json_t *json = json_loads(reply.text, 0, NULL);

    if (json)
        show(out, json);
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *printed = NULL, *text = fuzz_text(data, size), *at = text;
    size_t printed_size = 0, left = size;
    FILE *out = open_memstream(&printed, &printed_size);

    FUZZ_MUST(out != NULL);
    for (size_t length; (length = control_line_end(at, left)) > 0; at += length, left -= length)
        take_line(out, at);
    fclose(out);
    free(printed);
    free(text);
    return 0;
}
