/*
 * The simulation of the policy as a program: worlds by chance until the policy has made so many steps, then
 * every short sequence of disturbances; or one world, told again.
 */
/* wrap: heritage_poke check_failed */
#include "tests/model/world_shrink.h"
#include "tests/model/world_sweep.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char usage[] =
    "usage: sim [OPTION...]\n"
    "  --seed N      the first world (default 1); each world has the next number\n"
    "  --steps N     until the policy has made so many steps (default 1000000)\n"
    "  --depth N     then every sequence of up to N disturbances (default 2; 0: none)\n"
    "  --only LIST   one world, with these disturbances alone: TURN[.PLACE]:WORD[=VALUE],... ; all is shown\n"
    "  --turns N     of that world: it is calm after so many\n"
    "  --even        of that world: nothing else is left to chance\n"
    "  --mutant N    break the policy or the protocol on purpose\n"
    "Exit: 0 all is well, 1 something is wrong: the smallest form of it and the command that repeats it are "
    "shown.\n";

struct request {
    struct world_plan plan;
    uint64_t steps;
    unsigned depth;
    bool only;
};

static double used_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- the three ways to run ---- */

static int show_failure(const struct world_plan *plan)
{
    static struct shrunk shrunk;

    printf("seed %llu: %s\n", (unsigned long long)plan->seed, world.failure);
    if (world_shrink(plan, &shrunk))
        shrunk_print(&shrunk);
    else
        printf("  it cannot be told again: make sim SEED=%llu STEPS=1\n", (unsigned long long)plan->seed);
    return 1;
}

static int run_one(const struct world_plan *plan)
{
    world.trace = true;
    if (world_run(plan)) {
        printf("all is well\n");
        return 0;
    }
    printf("%s\n", world.failure);
    return 1;
}

static int run_by_chance(struct request *request)
{
    double begin_s = used_s(), took_s;
    uint64_t first = request->plan.seed;

    for (; world.counts.steps < request->steps; request->plan.seed++)
        if (!world_run(&request->plan))
            return show_failure(&request->plan);
    took_s = used_s() - begin_s;
    printf("%llu steps of the policy in %llu worlds (seeds %llu to %llu), %llu turns, %llu deaths, %llu "
           "supervisors ended: all is well; %.1f s of a processor, %.0f steps/s\n",
           (unsigned long long)world.counts.steps, (unsigned long long)(request->plan.seed - first),
           (unsigned long long)first, (unsigned long long)request->plan.seed - 1,
           (unsigned long long)world.counts.turns,
           (unsigned long long)(world.counts.worker_deaths + world.counts.keeper_deaths),
           (unsigned long long)world.counts.supervisor_deaths, took_s,
           (double)world.counts.steps / (took_s > 0 ? took_s : 1));
    return 0;
}

static int run_all_short(const struct request *request)
{
    double begin_s = used_s();
    struct sweep sweep = {.depth = request->depth, .mutant = request->plan.mutant};

    if (!world_sweep(&sweep))
        return show_failure(&sweep.failed);
    printf("%llu sequences of up to %u disturbances (%u kinds at turns 1 to %u, each %u turns after the one "
           "before "
           "at most, in %u worlds): all is well; %.1f s of a processor\n",
           (unsigned long long)sweep.sequences, sweep.depth, SWEEP_KIND_COUNT, SWEEP_TURNS, SWEEP_GAP_TURNS,
           SWEEP_WORLD_COUNT, used_s() - begin_s);
    return 0;
}

/* ---- options ---- */

static void refuse(const char *what)
{
    fprintf(stderr, "sim: %s\n%s", what, usage);
    exit(64);
}

static void take_list(struct request *request, const char *text)
{
    static struct tape tape;

    if (!tape_read(&tape, text))
        refuse("no such list of disturbances");
    request->plan.tape = &tape;
    request->only = true;
}

static void take_option(struct request *request, int option)
{
    unsigned long long number = optarg ? strtoull(optarg, NULL, 0) : 0;

    switch (option) {
    case 's':
        request->plan.seed = number;
        break;
    case 'n':
        request->steps = number;
        break;
    case 'd':
        request->depth = (unsigned)number;
        break;
    case 'o':
        take_list(request, optarg);
        break;
    case 't':
        request->plan.faulty_turns = (uint32_t)number;
        break;
    case 'e':
        request->plan.even = true;
        break;
    case 'm':
        request->plan.mutant = number < MUTANT_COUNT ? (enum world_mutant)number : MUTANT_NONE;
        break;
    default:
        refuse("no such option");
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"seed", required_argument, NULL, 's'},   {"steps", required_argument, NULL, 'n'},
        {"depth", required_argument, NULL, 'd'},  {"only", required_argument, NULL, 'o'},
        {"turns", required_argument, NULL, 't'},  {"even", no_argument, NULL, 'e'},
        {"mutant", required_argument, NULL, 'm'}, {0}};
    struct request request = {.plan = {.seed = 1}, .steps = 1000000, .depth = 2};
    int option, code = 0;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        take_option(&request, option);
    if (optind < argc)
        refuse("no such option");
    if (request.only)
        return run_one(&request.plan);
    if (request.steps > 0)
        code = run_by_chance(&request);
    if (code == 0 && request.depth > 0)
        code = run_all_short(&request);
    return code;
}
