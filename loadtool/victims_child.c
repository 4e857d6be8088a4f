/* Victims whose connections belong to a child process: start, watch, kill, count. */
#include "loadtool/victims_parts.h"

#include <errno.h>
#include <stdlib.h>

#include "loadtool/kills.h"
#include "loadtool/limits.h"
#include "loadtool/think.h"
#include "loadtool/units.h"

static void on_child_gone(struct child *child)
{
    struct victim *victim = child->owner;
    struct victims *all = victim->all;
    uint32_t serving = atomic_load(&child->page->serving);

    if (victim->mode->is_stopped && !victim->goes_on && victim->stage == VICTIM_DYING)
        serving = 0; /* never seen stopped: that death is not claimed */
    victim->is_serving = serving > 0;
    all->unexpected_ends +=
        victim->is_over ? victim->width - serving : atomic_load(&child->page->unexpected_ends);
    if (child->was_killed && serving > 0) {
        victims_settle(victim, true, serving);
        if (serving < victim->width)
            all->not_done[victim->mode_id] += victim->width - serving;
    } else {
        victims_settle(victim, false, victim->width);
    }
    victims_leave(victim);
}

static int make_child(struct victim *victim)
{
    victim->child = calloc(1, sizeof(*victim->child));
    if (victim->child == NULL)
        return -ENOMEM;
    victim->child->owner = victim;
    victim->child->gone = on_child_gone;
    return child_init(victim->child);
}

static uint64_t child_interval_ns(const struct victims *all)
{
    const struct load *load = all->load;

    if (load->rate_per_s > 0)
        return schedule_due_ns(load->rate_per_s, load->places);
    return load->think == NULL ? 0 : (load->think->min_ns + load->think->max_ns) / 2;
}

void victims_start_child(struct victim *victim)
{
    struct victims *all = victim->all;
    const struct child_orders orders = {
        .clients = victim->width,
        .first_serial = schedule_serial(all->load->places, victim->pace.place, victim->lives - 1),
        .check = all->settings.check,
        .timeout_ns = all->settings.timeout_ns,
        .connect_timeout_ns = all->settings.connect_timeout_ns,
        .depth = all->load->rate_per_s > 0 ? 1 : all->load->depth,
        .interval_ns = child_interval_ns(all),
        .budget_fd = all->load->budget == NULL ? -1 : all->load->budget_fd};
    int rc = victim->child == NULL ? make_child(victim) : 0;

    if (rc == 0)
        rc = child_start(victim->child, all->world, &orders);
    if (rc == 0)
        return;
    tally_note(all->world->tally, FAULT_RESOURCES, WHERE_CONNECT, "a child process could not be started: %s",
               uv_strerror(rc));
    if (victim->child != NULL && victim->child->page == NULL) {
        child_free(victim->child);
        free(victim->child);
        victim->child = NULL;
    }
    victims_settle(victim, false, victim->width);
    victims_leave(victim);
}

static void die(struct victim *victim, uint64_t now_ns)
{
    struct victims *all = victim->all;

    if (victim->stage != VICTIM_DYING && all->felt != NULL)
        felt_begin(all->felt, victim->mode_id, now_ns);
    victim->stage = VICTIM_DYING;
}

/* SIGKILL: the server feels it from now on, whenever the death is reaped. */
static void kill_child(struct victim *victim)
{
    if (victim->all->tap != NULL)
        tap_death(victim->all->tap, uv_hrtime(), (int)victim->mode_id, victim->width);
    child_kill(victim->child);
}

/* Everybody in the child has had a reply since it went on, or nobody may ask any more. */
static bool has_gone_on(const struct victim *victim)
{
    const struct child_page *page = victim->child->page;
    const struct budget *budget = victim->all->load->budget;

    return atomic_load(&page->fresh) >= atomic_load(&page->serving) ||
           (budget != NULL && atomic_load(&budget->left) == 0);
}

/* Stop, be seen stopped, wait, go on, be answered: then it is killed. */
static void step_stopped(struct victim *victim, uint64_t now_ns)
{
    struct child *child = victim->child;
    uint64_t timeout_ns = victim->all->settings.timeout_ns;
    uint64_t stop_ns =
        LIMIT_STOP_MS * NS_PER_MS < timeout_ns / 2 ? LIMIT_STOP_MS * NS_PER_MS : timeout_ns / 2;

    if (victim->stopped_ns == 0) {
        if (child_is_stopped(child))
            victim->stopped_ns = now_ns;
        else if (now_ns - victim->moved_ns > timeout_ns)
            kill_child(victim);
        return;
    }
    if (!victim->goes_on && now_ns - victim->stopped_ns >= stop_ns) {
        victim->goes_on = true;
        victim->moved_ns = now_ns;
        child_go_on(child);
    } else if (victim->goes_on && has_gone_on(victim)) {
        victim->took = TOOK_ANSWERED;
        kill_child(victim);
    } else if (victim->goes_on && now_ns - victim->moved_ns > timeout_ns) {
        victim->took = TOOK_TIMED_OUT;
        victim->is_over = true; /* who has no reply by now is left unanswered */
        kill_child(victim);
    }
}

/* The child is killed when each of its connections serves or is lost, or when all have had the time to. */
void victims_step_child(struct victim *victim, uint64_t now_ns)
{
    const struct child_page *page = victim->child->page;
    uint64_t limit_ns = victim->all->settings.timeout_ns + victim->all->settings.connect_timeout_ns;
    bool is_ready = atomic_load(&page->serving) + atomic_load(&page->unexpected_ends) >= victim->width;

    if (victim->stage == VICTIM_DYING && victim->mode->is_stopped && !victim->is_over)
        step_stopped(victim, now_ns);
    if (victim->stage != VICTIM_LIVING || now_ns < victim->die_at_ns)
        return;
    if (!is_ready && now_ns - victim->born_ns < limit_ns)
        return;
    die(victim, now_ns);
    victim->is_over = !is_ready; /* given up: who does not serve by now is left unanswered */
    victim->moved_ns = now_ns;
    if (victim->mode->is_stopped && is_ready)
        child_stop(victim->child);
    else
        kill_child(victim);
}
