#include "master/roles.h"
#include "master/checker.h"
#include "master/facts.h"
#include "master/master.h"
#include "master/subcommand.h"
#include "worker/heritage.h"
#include "worker/image.h"
#include "worker/keeper.h"
#include "worker/log.h"
#include "worker/sandbox.h"
#include "worker/title.h"
#include "worker/worker.h"
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

static int refuse(const char *argument)
{
    fprintf(stderr, "prefork-upper: %s: only an upgrade can ask for that\n", argument);
    return EXIT_USAGE;
}

/* ---- check: prints who it is, after everything was tried that can be tried without doing harm ---- */

static int play_check(int argc, char **argv)
{
    struct options options;
    char line[128], why[OPTIONS_ERROR_SIZE];
    if (options_parse_again(&options, argc, argv, why) != 0) {
        fprintf(stderr, "%s\n", why);
        return EXIT_USAGE;
    }
    options_free(&options);
    checker_line(line, sizeof line);
    puts(line);
    return fflush(stdout) == 0 ? 0 : EXIT_FAILED;
}

/* ---- master ---- */

static int play_master(struct shared_pages *pages, uint32_t image, int argc, char **argv)
{
    static struct service_facts facts;
    static struct options options;
    facts_read(pages, &facts);
    log_init(FD_LOG, LOG_LEVEL_INFO);
    log_share_level(&pages->orders.log_level);
    atomic_store_explicit(&pages->orders.master_image, image, memory_order_release);
    options_unpack(&options, &facts.options); /* a file may have become bad since */
    facts.setup.pages = pages;
    facts.setup.options = &options;
    facts.setup.argc = argc;
    facts.setup.argv = argv;
    facts.setup.ready_fd = -1;
    sandbox_prepare((enum sandbox_mode)facts.setup.sandbox.mode);
    title_set("prefork-upper: master");
    master_block_signals();
    int exit_code = master_run(&facts.setup);
    facts_tidy_up(&facts);
    return exit_code;
}

/* ---- keeper, worker ---- */

/* Each image has a list of its own for its workers: it knows what it calls. Returns the size of the table. */
static uint32_t prepare_for_workers(struct shared_pages *pages)
{
    struct service_facts facts;
    memcpy(&facts, pages->orders.facts, sizeof facts);
    sandbox_prepare((enum sandbox_mode)facts.setup.sandbox.mode);
    return FIRST_CONNECTION + facts.setup.connection_count_max + DESCRIPTOR_RESERVE;
}

int roles_is_one(const char *argument)
{
    return strncmp(argument, IMAGE_ROLE, strlen(IMAGE_ROLE)) == 0;
}

int roles_play(const char *argument, int argc, char **argv)
{
    const char *role = argument + strlen(IMAGE_ROLE);
    prctl(PR_SET_NAME, "prefork-upper"); /* exec has named us after the descriptor */
    struct shared_pages *pages;
    unsigned slot, letter, generation, image;
    if (strcmp(role, "check") == 0)
        return play_check(argc, argv);
    if (shared_pages_attach(&pages, facts_layout()) < 0)
        return refuse(argument);
    if (sscanf(role, "keeper:%u:%u:%u:%u", &slot, &letter, &generation, &image) == 4 &&
        slot < SLOT_COUNT_MAX && letter < KEEPER_COUNT)
        keeper_resume_main(pages, slot, (enum keeper_letter)letter, generation, image,
                           prepare_for_workers(pages));
    if (sscanf(role, "worker:%u:%u", &slot, &generation) == 2 && slot < SLOT_COUNT_MAX) {
        prepare_for_workers(pages);
        worker_main(pages, slot, generation);
    }
    if (sscanf(role, "master:%u", &image) == 1)
        return play_master(pages, image, argc, argv);
    return refuse(argument);
}
