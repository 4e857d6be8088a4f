#include "master/options_pack.h"
#include "master/options_table.h"
#include <errno.h>
#include <string.h>

static const char **text_field(const struct option_spec *spec, struct options *options)
{
    return (const char **)(void *)((char *)options + spec->offset);
}

int options_pack(struct options_packed *packed, const struct options *options)
{
    size_t used = 0;
    *packed = (struct options_packed){.options = *options};
    while (service_at(packed->service_index) && service_at(packed->service_index) != options->service)
        packed->service_index++;
    for (size_t i = 0; option_at(i); i++) {
        if (option_at(i)->kind != OPTION_TEXT)
            continue;
        const char **field = text_field(option_at(i), &packed->options);
        size_t size = *field ? strlen(*field) + 1 : 0;
        if (used + size > sizeof packed->texts)
            return -E2BIG;
        if (*field) {
            memcpy(packed->texts + used, *field, size);
            packed->text_places[i] = (uint16_t)(used + 1);
        }
        *field = NULL;
        used += size;
    }
    packed->options.service = NULL;
    packed->options.texts = NULL;
    return 0;
}

void options_unpack(struct options *options, const struct options_packed *packed)
{
    *options = packed->options;
    options->service = service_at(packed->service_index);
    for (size_t i = 0; option_at(i); i++)
        if (option_at(i)->kind == OPTION_TEXT)
            *text_field(option_at(i), options) =
                packed->text_places[i] ? packed->texts + packed->text_places[i] - 1 : NULL;
}
