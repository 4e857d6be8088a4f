/* client.h: what comes, and its comparison. */
#include "loadtool/client_parts.h"

#include <string.h>

#include "loadtool/limits.h"

static void on_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct client *client = handle->data;

    (void)suggested;
    *buffer = uv_buf_init((char *)client->world->in, LIMIT_PIECE_BYTES);
}

static void note_wrong(struct client *client, const uint8_t *got, size_t length, size_t first_wrong)
{
    struct tally_wrong *first = &client->world->tally->first_wrong;

    client_note(client, FAULT_WRONG, WHERE_REPLY, "a reply byte is not what it must be");
    if (first->is_set)
        return;
    first->is_set = true;
    first->connection = client->serial;
    first->offset = client->answered + first_wrong;
    first->count = length - first_wrong < TALLY_SHOWN_BYTES ? length - first_wrong : TALLY_SHOWN_BYTES;
    oracle_expect(&client->world->oracle, client->key, first->offset, first->expected, first->count);
    memcpy(first->got, got + first_wrong, first->count);
}

static void compare(struct client *client, const uint8_t *got, size_t length)
{
    struct tally *tally = client->world->tally;
    struct oracle_finding finding =
        oracle_compare(&client->world->oracle, client->key, client->answered, got, length);

    tally->bytes_right += length - finding.wrong_count;
    tally->differs_from_request = tally->differs_from_request || !finding.is_echo;
    if (finding.wrong_count == 0)
        return;
    tally->wrong_bytes += finding.wrong_count;
    note_wrong(client, got, length, finding.first_wrong);
}

/* Compare what came up to the end of the oldest unanswered message; true if that message is whole now. */
static bool take_part(struct client *client, const uint8_t **got, size_t *length)
{
    uint64_t rest = client->message_end - client->answered;
    size_t part = rest < *length ? (size_t)rest : *length;
    uint64_t wrong_before = client->world->tally->wrong_bytes;

    compare(client, *got, part);
    client->is_spoilt = client->is_spoilt || client->world->tally->wrong_bytes != wrong_before;
    client->answered += part;
    *got += part;
    *length -= part;
    return client->answered == client->message_end;
}

static void take(struct client *client, const uint8_t *got, size_t length)
{
    uint64_t count = 0;
    uint64_t right = 0;

    while (length > 0 && client->answered < client->sent) {
        uint64_t sent = client->sent - client->answered;
        size_t known = sent < length ? (size_t)sent : length;
        size_t left = known;
        if (take_part(client, &got, &left)) {
            count++;
            right += !client->is_spoilt;
            client->is_spoilt = false;
            client->message_end += client->world->size_bytes;
        }
        length -= known - left;
    }
    if (length > 0) {
        client->world->tally->extra_bytes += length;
        client_note(client, FAULT_EXTRA, WHERE_REPLY, "bytes came that nobody asked for");
    }
    client->world->tally->messages_right += right;
    if (count > 0)
        client->events->answered(client, count, right);
}

static void take_end(struct client *client)
{
    uint64_t missing = client->send_end - client->answered;

    if (!client->is_shut) {
        client_fail(client, FAULT_CLOSED, WHERE_REPLY, "the server closed the connection");
    } else if (missing > 0) {
        client->world->tally->missing_bytes += missing;
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
    /* A half-closed client waits for the FIN too. */
    client->since_ns = client->answered + (uint64_t)length < client->send_end || client->is_shut ? now_ns : 0;
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
