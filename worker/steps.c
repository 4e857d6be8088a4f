/*
 * The trial build (-DWITH_STEPS): workers that kill themselves at chosen steps. In a normal build this file
 * is empty.
 *
 *     PREFORK_UPPER_STEPS=GIVEN:3,RECOVERED:1 prefork-upper -w 1
 *
 * kills the worker at the third passage of GIVEN, and the next one at its first passage of RECOVERED. An
 * entry counts passages from the death of the one before it, over all workers together. The count stands in a
 * page that all processes of the server share, so it outlives those who die of it.
 */
#include "worker/steps.h"

#ifdef WITH_STEPS

#include "worker/log.h"
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ORDER_COUNT_MAX = 16 };

struct step_order {
    enum step step;
    uint32_t passage; /* counted from 1 */
};

static const char *const step_names[STEP_COUNT] = {
#define X(name) #name,
    STEP_LIST(X)
#undef X
};

static struct step_order orders[ORDER_COUNT_MAX];
static uint32_t order_count;
static _Atomic(uint64_t) *progress; /* orders carried out << 32 | passages of the next one */

/* "NAME:N" up to a comma; returns what follows, NULL when it means nothing. */
static const char *parse_order(const char *text, struct step_order *order)
{
    for (int i = 0; i < STEP_COUNT; i++) {
        size_t length = strlen(step_names[i]);

        if (strncmp(text, step_names[i], length) != 0 || text[length] != ':')
            continue;
        char *end;
        order->step = (enum step)i;
        order->passage = (uint32_t)strtoul(text + length + 1, &end, 10);
        if (order->passage == 0 || (*end != ',' && *end != '\0'))
            return NULL;
        return *end == ',' ? end + 1 : end;
    }
    return NULL;
}

/* Before main(), in the process from which all others are forked. */
__attribute__((constructor)) static void steps_init(void)
{
    const char *text = getenv("PREFORK_UPPER_STEPS");

    while (text && *text) {
        text = order_count < ORDER_COUNT_MAX ? parse_order(text, &orders[order_count++]) : NULL;
        if (!text) {
            fprintf(stderr, "PREFORK_UPPER_STEPS: expected STEP:PASSAGE,... of at most %d\n",
                    ORDER_COUNT_MAX);
            _exit(64);
        }
    }
    void *page = mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        _exit(1);
    progress = page;
}

void step_reached(enum step step)
{
    uint64_t before = atomic_load(progress);
    uint32_t done = (uint32_t)(before >> 32);

    if (done >= order_count || orders[done].step != step)
        return;
    if ((uint32_t)(atomic_fetch_add(progress, 1) + 1) != orders[done].passage)
        return;
    atomic_store(progress, (uint64_t)(done + 1) << 32);
    log_event(LOG_LEVEL_WARN, "event=step_killed order=%u step=%s pid=%d", done + 1, step_names[step],
              (int)getpid());
    raise(SIGKILL);
}

#endif
