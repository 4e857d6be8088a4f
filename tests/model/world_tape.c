#include "tests/model/world_tape.h"

#include "tests/model/socket_prng.h"

#include <stdio.h>
#include <string.h>

static const char *const words[] = {
#define X(word, odds, most) #word,
    DISTURBANCES(X)
#undef X
};

static const struct {
    unsigned odds, most;
} draws[] = {
#define X(word, odds, most) {odds, most},
    DISTURBANCES(X)
#undef X
};

static struct {
    const struct tape *played;
    struct tape recorded;
    struct prng luck;
    unsigned chances[DISTURBANCE_COUNT]; /* in 1000 */
    uint16_t places[DISTURBANCE_COUNT];  /* asked about in this turn */
    uint32_t turn;
    uint32_t first; /* of this turn's items in what is played */
    bool calm;
} deck;

const char *disturbance_word(enum disturbance_kind kind)
{
    return words[kind];
}

/* ---- what happens ---- */

void tape_play(const struct tape *played)
{
    deck.played = played;
}

const struct tape *tape_recorded(void)
{
    return &deck.recorded;
}

void tape_begin(uint64_t seed)
{
    prng_init(&deck.luck, seed);
    deck.recorded.count = 0;
    deck.recorded.overflown = deck.calm = false;
    deck.first = 0;
    for (int kind = 0; kind < DISTURBANCE_COUNT; kind++) {
        bool known = prng_below(&deck.luck, 1000) < draws[kind].odds;

        deck.chances[kind] = known ? 1 + prng_below(&deck.luck, draws[kind].most) : 0;
    }
    tape_turn(0);
}

void tape_turn(uint32_t turn)
{
    deck.turn = turn;
    memset(deck.places, 0, sizeof deck.places);
    while (deck.played && deck.first < deck.played->count && deck.played->items[deck.first].turn < turn)
        deck.first++;
}

void tape_calm(void)
{
    deck.calm = true;
}

static const struct disturbance *find(enum disturbance_kind kind, uint16_t place)
{
    for (uint32_t i = deck.first; i < deck.played->count; i++) {
        const struct disturbance *item = &deck.played->items[i];

        if (item->turn != deck.turn)
            return NULL;
        if (item->kind == kind && item->place == place)
            return item;
    }
    return NULL;
}

static void record(enum disturbance_kind kind, uint16_t place, uint32_t value)
{
    struct tape *tape = &deck.recorded;

    if (tape->count == TAPE_COUNT_MAX) {
        tape->overflown = true;
        return;
    }
    tape->items[tape->count++] =
        (struct disturbance){.turn = deck.turn, .place = place, .kind = (uint16_t)kind, .value = value};
}

/* By chance a value is small now and then, so that it is easy to read. */
static bool strikes(enum disturbance_kind kind, uint16_t place, uint32_t *value)
{
    const struct disturbance *item;

    if (!deck.played) {
        if (deck.chances[kind] == 0 || prng_below(&deck.luck, 1000) >= deck.chances[kind])
            return false;
        *value = (uint32_t)(prng_next(&deck.luck) >> 40);
        return true;
    }
    item = find(kind, place);
    if (item)
        *value = item->value;
    return item != NULL;
}

bool disturbed(enum disturbance_kind kind, uint32_t *value)
{
    uint16_t place;

    if (deck.calm && kind != DISTURBANCE_refusing_worker)
        return false;
    place = deck.places[kind]++;
    if (!strikes(kind, place, value))
        return false;
    record(kind, place, *value);
    return true;
}

/* ---- as text ---- */

static bool find_word(const char *word, size_t length, uint16_t *kind)
{
    for (uint16_t i = 0; i < DISTURBANCE_COUNT; i++)
        if (strlen(words[i]) == length && strncmp(words[i], word, length) == 0) {
            *kind = i;
            return true;
        }
    return false;
}

/* TURN[.PLACE]:WORD[=VALUE], of which `rest` is what follows. */
static bool read_item(const char *text, struct disturbance *item, const char **rest)
{
    unsigned turn, place = 0, value = 0;
    int used = 0;
    size_t length;

    if (sscanf(text, "%u.%u:%n", &turn, &place, &used) < 2 || used == 0) {
        place = 0;
        if (sscanf(text, "%u:%n", &turn, &used) < 1 || used == 0)
            return false;
    }
    text += used;
    length = strcspn(text, "=,");
    *item = (struct disturbance){.turn = turn, .place = (uint16_t)place};
    if (!find_word(text, length, &item->kind))
        return false;
    text += length;
    if (*text == '=') {
        if (sscanf(text, "=%u%n", &value, &used) < 1)
            return false;
        text += used;
    }
    item->value = value;
    *rest = text;
    return *text == ',' || *text == '\0';
}

bool tape_read(struct tape *tape, const char *text)
{
    while (*text) {
        struct disturbance item;

        if (tape->count == TAPE_COUNT_MAX || !read_item(text, &item, &text))
            return false;
        if (tape->count > 0 && item.turn < tape->items[tape->count - 1].turn)
            return false;
        tape->items[tape->count++] = item;
        text += *text == ',';
    }
    return true;
}

static int write_item(const struct disturbance *item, char *text, size_t size)
{
    char place[8] = "", value[16] = "";

    if (item->place)
        snprintf(place, sizeof place, ".%u", (unsigned)item->place);
    if (item->value)
        snprintf(value, sizeof value, "=%u", item->value);
    return snprintf(text, size, "%u%s:%s%s", item->turn, place, words[item->kind], value);
}

size_t tape_write(const struct tape *tape, char *text, size_t size)
{
    size_t used = 0;

    if (size > 0)
        text[0] = '\0';
    for (uint32_t i = 0; i < tape->count; i++) {
        size_t room = used < size ? size - used : 0;

        if (i > 0) {
            if (room > 1)
                memcpy(text + used, ",", 2);
            used++;
            room = used < size ? size - used : 0;
        }
        used += (size_t)write_item(&tape->items[i], room ? text + used : NULL, room);
    }
    return used;
}
