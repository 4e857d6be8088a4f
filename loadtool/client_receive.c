/* client.h: what comes, and its comparison. */
#include "loadtool/client_parts.h"

#include <string.h>

#include "loadtool/diagnosis.h"
#include "loadtool/limits.h"

/* A piece must be so long to be called strange: enough to be known by, wherever it is cut. */
enum { STRANGE_BYTES_MIN = 16 };

static void on_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct client *client = handle->data;

    (void)suggested;
    *buffer = uv_buf_init((char *)client->world->in, LIMIT_PIECE_BYTES);
}

/* -- what is wrong with it -- */

static void keep_example(struct client *client, enum finding kind, const uint8_t *got, size_t length)
{
    const struct client_world *world = client->world;
    struct tally_wrong *example = &world->tally->examples[kind];
    size_t before = client->answered < TALLY_BEFORE_BYTES ? (size_t)client->answered : TALLY_BEFORE_BYTES;
    size_t after = length < TALLY_SHOWN_BYTES - before ? length : TALLY_SHOWN_BYTES - before;

    *example = (struct tally_wrong){.is_set = true,
                                    .connection = client->serial,
                                    .offset = client->answered,
                                    .shown_offset = client->answered - before,
                                    .count = TALLY_SHOWN_BYTES,
                                    .got_count = before + after};
    oracle_expect(&world->oracle, client->key, example->shown_offset, example->expected, example->count);
    memcpy(example->got, example->expected, before); /* these had been compared */
    if (got != NULL && after > 0)
        memcpy(example->got + before, got, after);
}

static void count_found(struct client *client, enum finding kind, uint64_t bytes, const uint8_t *got,
                        size_t length)
{
    struct tally *tally = client->world->tally;

    tally->found_bytes[kind] += bytes;
    if (!tally->examples[kind].is_set)
        keep_example(client, kind, got, length);
    if (client->events->found != NULL)
        client->events->found(client, bytes);
}

/* So many bytes at this place are not as they must be. `got` is what came instead. */
static void find(struct client *client, enum finding kind, uint64_t bytes, const uint8_t *got, size_t length)
{
    static const char *const sentences[] = {
        [FINDING_WRONG] = "a reply byte is not what it must be",
        [FINDING_MISSING] = "bytes of the reply are missing",
        [FINDING_EXTRA] = "bytes came that nobody asked for",
        [FINDING_DUPLICATED] = "bytes came twice",
        [FINDING_CROSSTALK] = "bytes came that belong to another connection",
    };

    count_found(client, kind, bytes, got, length);
    client->is_spoilt = true;
    client_note(client, tally_finding_fault(kind), WHERE_REPLY, sentences[kind]);
}

/* Whose bytes are these? Looked for among the connections that are, and those that were a moment ago. */
static size_t find_owner(struct client *client, const uint8_t *got, size_t length, uint64_t *serial,
                         uint64_t *offset)
{
    const struct client_world *world = client->world;

    for (const struct client *other = world->first; other != NULL; other = other->next) {
        struct diagnosis_stream stream = {.key = other->key, .end = other->reply_end};
        *serial = other->serial;
        size_t count = other == client
                           ? 0
                           : diagnosis_find_in(&world->oracle, &stream, other->answered, got, length, offset);
        if (count > 0)
            return count;
    }
    for (size_t i = 0; i < LIMIT_DEPARTED_CLIENTS && i < world->departed_count; i++) {
        const struct client_departed *other = &world->departed[i];
        struct diagnosis_stream stream = {.key = other->key, .end = other->reply_end};
        *serial = other->serial;
        size_t count = diagnosis_find_in(&world->oracle, &stream, other->answered, got, length, offset);
        if (count > 0)
            return count;
    }
    return 0;
}

static struct diagnosis diagnose(struct client *client, const uint8_t *got, size_t length)
{
    struct client_world *world = client->world;
    struct diagnosis_stream own = {.key = client->key, .end = client->reply_end};
    struct tally_wrong *example = &world->tally->examples[FINDING_CROSSTALK];
    uint64_t serial = 0;
    uint64_t offset = 0;

    struct diagnosis diagnosis = diagnosis_make(&world->oracle, &own, client->answered, got, length);
    if (diagnosis.kind != FINDING_WRONG)
        return diagnosis;
    size_t count = find_owner(client, got, length, &serial, &offset);
    if (count == 0)
        return diagnosis;
    if (!example->is_set) {
        keep_example(client, FINDING_CROSSTALK, got, length);
        example->other_connection = serial;
        example->other_offset = offset;
    }
    return (struct diagnosis){FINDING_CROSSTALK, count};
}

/* A reply that is wrong throughout, not in a byte: what came is kept, for its owner to be looked for when the
 * run is over. */
static void keep_stranger(struct client *client, const uint8_t *got, size_t length, size_t wrong_count)
{
    struct tally *tally = client->world->tally;
    size_t kept = length < TALLY_SHOWN_BYTES ? length : TALLY_SHOWN_BYTES;

    if (tally->stranger_count == TALLY_STRANGERS_MAX)
        return;
    struct tally_stranger *stranger = &tally->strangers[tally->stranger_count++];
    *stranger = (struct tally_stranger){.serial = client->serial,
                                        .offset = client->answered,
                                        .at_ns = client->world->now_ns,
                                        .wrong_bytes = wrong_count,
                                        .length = kept};
    memcpy(stranger->got, got, kept);
}

static bool is_strange(size_t part, size_t wrong_count)
{
    return part >= STRANGE_BYTES_MIN && wrong_count * 4 >= part * 3;
}

/*
 * Explain the first byte that differs, and go on behind what is explained, so that one lost byte is not
 * reported as a wrong rest of the stream. `got` begins with that byte; `part` bytes of it lie before the end
 * of the message, `wrong_count` of them differ. Returns how many bytes of it are dealt with.
 */
static size_t explain(struct client *client, const uint8_t *got, size_t part, size_t wrong_count,
                      size_t length)
{
    struct diagnosis diagnosis = diagnose(client, got, length);
    uint64_t rest = client->reply_end - client->answered;

    if (diagnosis.kind == FINDING_WRONG && is_strange(part, wrong_count)) {
        find(client, FINDING_WRONG, wrong_count, got, length);
        keep_stranger(client, got, part, wrong_count);
        client->world->tally->bytes_right += part - wrong_count;
        client->answered += part;
        return part;
    }
    find(client, diagnosis.kind, diagnosis.bytes, got, length);
    switch (diagnosis.kind) {
    case FINDING_MISSING:
        client->answered += diagnosis.bytes;
        return 0;
    case FINDING_EXTRA:
    case FINDING_DUPLICATED:
        return (size_t)diagnosis.bytes;
    case FINDING_CROSSTALK:
        /* They came in the place of ours; beyond that place, on top. */
        client->answered += diagnosis.bytes < rest ? diagnosis.bytes : rest;
        return (size_t)diagnosis.bytes;
    case FINDING_WRONG:
    case FINDING_COUNT:
        break;
    }
    client->answered += 1;
    return 1;
}

/* -- comparing -- */

/*
 * Compare what came up to the end of the oldest message without a whole reply. `length` bytes came, of which
 * `part` may belong to that message. Returns how many are dealt with: at least one, or the place in the
 * stream has moved.
 */
static size_t take_part(struct client *client, const uint8_t *got, size_t part, size_t length)
{
    struct client_world *world = client->world;
    struct tally *tally = world->tally;
    struct oracle_finding finding = oracle_compare(&world->oracle, client->key, client->answered, got, part);

    tally->differs_from_request = tally->differs_from_request || !finding.is_echo;
    if (finding.wrong_count == 0) {
        tally->bytes_right += part;
        client->answered += part;
        return part;
    }
    if (world->diagnoses >= LIMIT_DIAGNOSES) {
        tally->bytes_right += part - finding.wrong_count;
        find(client, FINDING_WRONG, finding.wrong_count, got, part);
        client->answered += part;
        return part;
    }
    world->diagnoses++;
    tally->bytes_right += finding.first_wrong;
    client->answered += finding.first_wrong;
    return finding.first_wrong + explain(client, got + finding.first_wrong, part - finding.first_wrong,
                                         finding.wrong_count, length - finding.first_wrong);
}

/* Up to where may the server have answered? A script's reply may be there before the last byte of its request
 * was sent. */
static uint64_t asked_end(const struct client *client)
{
    return dialogue_has_script(client->world->dialogue) ? client->reply_end : client->sent;
}

static void take_surplus(struct client *client, const uint8_t *got, size_t length)
{
    struct diagnosis_stream own = {.key = client->key, .end = client->answered};
    struct diagnosis diagnosis = diagnosis_of_surplus(&client->world->oracle, &own, got, length);

    find(client, diagnosis.kind, length, got, length);
    client->is_spoilt = client_is_waiting(client) && client->is_spoilt;
}

/* Is the oldest reply whole now? Then the next one begins. */
static bool end_message(struct client *client, uint64_t *right)
{
    if (client->answered < client->message_end || client->answered_count == client->begun_count)
        return false;
    *right += !client->is_spoilt;
    client->is_spoilt = false;
    client->answered_count++;
    client->message_end +=
        dialogue_message(client->world->dialogue, client->key, client->answered_count).reply_bytes;
    return true;
}

static void take(struct client *client, const uint8_t *got, size_t length)
{
    uint64_t count = 0;
    uint64_t right = 0;

    while (length > 0 && client->answered < asked_end(client)) {
        uint64_t asked = asked_end(client) < client->message_end ? asked_end(client) : client->message_end;
        size_t part = asked - client->answered < length ? (size_t)(asked - client->answered) : length;
        size_t done = take_part(client, got, part, length);
        got += done;
        length -= done;
        while (end_message(client, &right))
            count++;
    }
    if (length > 0)
        take_surplus(client, got, length);
    /* A half-closed client waits for the FIN too. */
    client->since_ns = client_is_waiting(client) || client->is_shut ? client->world->now_ns : 0;
    client->world->tally->messages_right += right;
    if (count > 0)
        client->events->answered(client, count, right);
}

static void take_end(struct client *client)
{
    uint64_t missing = client->reply_end - client->answered;

    if (!client->is_shut) {
        client_fail(client, FAULT_CLOSED, WHERE_REPLY, "the server closed the connection");
    } else if (missing > 0) {
        count_found(client, FINDING_MISSING, missing, NULL, 0);
        client_fail(client, FAULT_MISSING, WHERE_HALFCLOSE, "FIN came before the last reply bytes");
    } else {
        client->silence_ns = client_silence_ns(client, uv_hrtime());
        client->since_ns = 0;
        client->events->finished(client);
    }
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct client *client = stream->data;

    if (length == 0 || client->state != CLIENT_OPEN)
        return;
    if (length == UV_EOF) {
        take_end(client);
        return;
    }
    if (length < 0) {
        client_fail_with(client, WHERE_REPLY, (int)length);
        return;
    }
    uint64_t now_ns = uv_hrtime();
    client->silence_ns = client_silence_ns(client, now_ns);
    client->world->now_ns = now_ns;
    take(client, (const uint8_t *)buffer->base, (size_t)length);
}

void client_read(struct client *client)
{
    uv_read_start(&client->handle.stream, on_buffer, on_read);
}

void client_pause(struct client *client)
{
    if (client->state != CLIENT_OPEN)
        return;
    uv_read_stop(&client->handle.stream);
    client->is_paused = true;
    client->since_ns = 0;
}

void client_resume(struct client *client)
{
    if (client->state != CLIENT_OPEN || !client->is_paused)
        return;
    client->is_paused = false;
    if (client_is_waiting(client) || client->is_shut)
        client->since_ns = uv_hrtime();
    client_read(client);
}
