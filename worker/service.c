#include "worker/service.h"

#include <string.h>

static const struct service *const services[] = {&service_upper, &service_echo, &service_faulty};

const struct service *service_at(size_t index)
{
    return index < sizeof services / sizeof services[0] ? services[index] : NULL;
}

const struct service *service_find(const char *name)
{
    for (size_t i = 0; service_at(i); i++)
        if (strcmp(services[i]->name, name) == 0)
            return services[i];
    return NULL;
}
