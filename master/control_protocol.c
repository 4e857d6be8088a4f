#include "master/control_protocol.h"
#include "worker/log.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct verb {
    const char *word;
    enum control_operand operand;
    const char *extra; /* the one word that may follow */
};

static const struct verb verbs[] = {
#define X(verb, word, operand, extra) {word, CONTROL_##operand, extra},
    CONTROL_VERBS(X)
#undef X
};

enum { VERB_COUNT = sizeof verbs / sizeof verbs[0], SHOWN_LENGTH = 40 };

/* Digits alone; 0: it is a number of 32 bits, and only then *end is set. */
static int parse_number(const char *text, uint32_t *value, const char **end)
{
    uint64_t sum = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9' && sum <= UINT32_MAX; at++)
        sum = sum * 10 + (uint64_t)(*at - '0');
    if (at == text || sum > UINT32_MAX)
        return -EINVAL;
    *value = (uint32_t)sum;
    *end = at;
    return 0;
}

/* ---- requests ---- */

static int refuse(char why[CONTROL_SENTENCE_SIZE], const struct verb *verb, const char *wanted)
{
    snprintf(why, CONTROL_SENTENCE_SIZE, "%s takes %s", verb->word, wanted);
    return -EINVAL;
}

static int parse_operand(struct control_request *request, const struct verb *verb, const char *operand,
                         char why[CONTROL_SENTENCE_SIZE])
{
    const char *end = "";
    enum log_level level = LOG_LEVEL_INFO;
    switch (verb->operand) {
    case CONTROL_NONE:
        return *operand ? refuse(why, verb, "no operand") : 0;
    case CONTROL_NUMBER:
        return parse_number(operand, &request->number, &end) < 0 || *end ? refuse(why, verb, "a whole number")
                                                                         : 0;
    case CONTROL_WORD:
        request->has_word = *operand != '\0';
        return *operand && strcmp(operand, verb->extra) != 0 ? refuse(why, verb, verb->extra) : 0;
    case CONTROL_PATH:
        request->path = *operand ? operand : NULL;
        return *operand && *operand != '/' ? refuse(why, verb, "an absolute path") : 0;
    case CONTROL_TEXT:
        request->text = operand;
        return *operand ? 0 : refuse(why, verb, "a text");
    case CONTROL_LEVEL:
        if (log_level_parse(operand, &level) < 0)
            return refuse(why, verb, "one of error, warn, info, debug");
        request->number = (uint32_t)level;
        return 0;
    }
    return -EINVAL;
}

/* What came is shown, but nothing in it commands a terminal. */
static void refuse_unknown(char why[CONTROL_SENTENCE_SIZE], const char *line)
{
    char shown[SHOWN_LENGTH + 1];
    size_t length = 0;
    for (; length < SHOWN_LENGTH && line[length]; length++)
        shown[length] = line[length] >= ' ' && line[length] < 0x7f ? line[length] : '?';
    shown[length] = '\0';
    snprintf(why, CONTROL_SENTENCE_SIZE, "\"%s\" is nothing that this version knows", shown);
}

int control_request_parse(struct control_request *request, const char *line, char why[CONTROL_SENTENCE_SIZE])
{
    size_t length = strcspn(line, " ");
    const char *operand = line[length] ? line + length + 1 : line + length;
    for (unsigned i = 0; i < VERB_COUNT; i++)
        if (strlen(verbs[i].word) == length && strncmp(line, verbs[i].word, length) == 0) {
            *request = (struct control_request){.verb = (enum control_verb)i};
            return parse_operand(request, &verbs[i], operand, why);
        }
    refuse_unknown(why, line);
    return -EINVAL;
}

size_t control_line_end(char *buffer, size_t used)
{
    char *newline = memchr(buffer, '\n', used);
    if (!newline)
        return 0;
    size_t length = (size_t)(newline - buffer);
    for (size_t i = 0; i < length; i++)
        if (buffer[i] == '\0')
            buffer[i] = '?';
    *newline = '\0';
    if (length > 0 && newline[-1] == '\r')
        newline[-1] = '\0';
    return length + 1;
}

/* ---- replies ---- */

/* Behind `word` and a blank; NULL: the line is of another kind. */
static const char *rest_behind(const char *line, const char *word)
{
    size_t length = strlen(word);
    return strncmp(line, word, length) == 0 && line[length] == ' ' ? line + length + 1 : NULL;
}

static const char *skip_blank(const char *text)
{
    return *text == ' ' ? text + 1 : text;
}

void control_reply_parse(struct control_reply *reply, const char *line)
{
    const char *rest, *end = "";
    *reply = (struct control_reply){.kind = REPLY_UNKNOWN, .text = line};
    if ((rest = rest_behind(line, "attempt"))) {
        if (parse_number(rest, &reply->number, &end) == 0 && *end == '\0')
            reply->kind = REPLY_ATTEMPT;
    } else if ((rest = rest_behind(line, "log"))) {
        reply->kind = REPLY_LOG;
        reply->word = rest;
        reply->word_length = strcspn(rest, " ");
        reply->text = skip_blank(rest + reply->word_length);
    } else if ((rest = rest_behind(line, "json"))) {
        reply->kind = REPLY_JSON;
        reply->text = rest;
    } else if ((rest = rest_behind(line, "end"))) {
        if (parse_number(rest, &reply->number, &end) < 0 || (*end && *end != ' ') || reply->number > 255)
            return;
        reply->kind = REPLY_END;
        reply->text = skip_blank(end);
    }
}
