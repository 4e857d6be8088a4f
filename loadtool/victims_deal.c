/* Which places are victims, of which mode, and whose: the list of victims.h. */
#include <errno.h>
#include <stdlib.h>

#include "loadtool/kills.h"
#include "loadtool/limits.h"
#include "loadtool/victims_parts.h"

static uint32_t list_length(const struct victims *victims, const uint32_t by_mode[PLAN_MODE_COUNT])
{
    uint32_t length = 0;

    if (victims->takes_turns)
        return victims->places;
    for (size_t mode = 0; mode < PLAN_MODE_COUNT; mode++) {
        bool in_child = kills_find((enum plan_mode)mode)->in_child;
        length += in_child ? (by_mode[mode] + LIMIT_CHILD_CLIENTS - 1) / LIMIT_CHILD_CLIENTS : by_mode[mode];
    }
    return length;
}

static void deal_mode(struct victims *victims, enum plan_mode mode, uint32_t places)
{
    while (places > 0) {
        struct victim *victim = &victims->list[victims->count++];
        uint32_t width = kills_find(mode)->in_child ? LIMIT_CHILD_CLIENTS : 1;
        victim->width = width < places ? width : places;
        victim->mode_id = mode;
        victim->in_mode = victims->by_mode[mode] - places;
        places -= victim->width;
    }
}

/* Keep the entries of our share, and forget the others. */
static void keep_share(struct victims *victims)
{
    uint32_t shares = victims->settings.shares == 0 ? 1 : victims->settings.shares;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < victims->total; i++) {
        struct victim *victim = &victims->list[i];
        if (i % shares != victims->settings.share)
            continue;
        if (kept != i)
            victims->list[kept] = *victim;
        victims->list[kept].client.owner = &victims->list[kept];
        kept++;
    }
    for (uint32_t n = 0; n < victims->places; n++) {
        uint32_t number = victims->of_place[n];
        victims->of_place[n] =
            number % shares == victims->settings.share ? number / shares : VICTIMS_NOT_OURS;
    }
    victims->count = victims->away_count = kept;
}

int victims_init(struct victims *victims, struct client_world *world, struct load *load,
                 const struct victims_settings *settings)
{
    *victims = (struct victims){.world = world, .load = load, .settings = *settings};
    uint32_t *by_mode = victims->by_mode;
    uint32_t places = victims->places = plan_deal(settings->plan, settings->clients, by_mode);
    victims->takes_turns = places < plan_mode_count(settings->plan);
    uint32_t length = list_length(victims, by_mode);
    if (length == 0)
        return 0;
    victims->list = calloc(length, sizeof(*victims->list));
    victims->of_place = calloc(places, sizeof(*victims->of_place));
    uint32_t capacity = schedule_capacity(load, settings->timeout_ns);
    victims->dues = calloc((size_t)length * capacity + 1, sizeof(*victims->dues));
    if (victims->list == NULL || victims->of_place == NULL || victims->dues == NULL)
        return -ENOMEM;
    for (size_t mode = 0; !victims->takes_turns && mode < PLAN_MODE_COUNT; mode++)
        deal_mode(victims, (enum plan_mode)mode, by_mode[mode]);
    victims->total = length;
    victims->is_replacing = true;
    uint32_t place = 0;
    for (uint32_t i = 0; i < length; i++) {
        struct victim *victim = &victims->list[i];
        victim->all = victims;
        victim->number = i;
        victim->width = victim->width == 0 ? 1 : victim->width;
        victim->client.owner = victim;
        victim->client.group = "victim";
        victim->pace.capacity = capacity;
        victim->pace.due_ns = victims->dues + (size_t)i * capacity;
        victim->pace.place = settings->clients - places + place;
        for (uint32_t k = 0; k < victim->width && place < places; k++)
            victims->of_place[place++] = i;
    }
    keep_share(victims);
    return 0;
}

void victims_free(struct victims *victims)
{
    for (uint32_t i = 0; i < victims->count; i++) {
        if (victims->list[i].child == NULL)
            continue;
        child_free(victims->list[i].child);
        free(victims->list[i].child);
    }
    free(victims->list);
    free(victims->of_place);
    free(victims->dues);
    victims->dues = NULL;
    victims->list = NULL;
    victims->of_place = NULL;
    victims->count = 0;
}
