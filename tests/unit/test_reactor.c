/*
 * The supervisor's loop in a process of its own, between policy, boards and clients that are stood in for: at
 * each look a step of the test's script. Time passes only while the loop waits.
 */
/* wrap: feed feed_load_memory look_around look_on_tick announce_progress keeper_probe oom_kill_count */
/* wrap: control_init control_on_line control_turn control_flush logsink_drain title_set */
/* wrap: poll __poll_chk clock_gettime getrandom */
#include "tests/support/cmocka_all.h"

#include "master/oom.h"
#include "master/options.h"
#include "master/reactor_state.h"
#include "tests/support/worker_fixture.h"
#include "worker/clock.h"
#include "worker/heritage.h"
#include "worker/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    DEADLINE_S = 20,
    TURNS_MAX = 16,
    EVENTS_MAX = 8,
    GENERATION = 9,
    IMAGE = 6,
    SEED = 0x12345678,
    BEGIN_MS = 1000000,
    POLL_COUNT = 3 + CONTROL_POLL_COUNT,
    CROWD = 700, /* lines, more than two turns of the sink take */
};

static struct worker_fixture fixture;
static struct shared_pages *pages;
static struct options options;
static struct service_setup setup;
static char log_path[] = "/tmp/test_reactor.XXXXXX";
static char log_text[65536];

/* Seen by the test and by the process under test. */
static struct {
    unsigned turn_count;     /* looks around */
    int wait_ms[TURNS_MAX];  /* that were asked for, behind each */
    char calls[256];         /* in their order, one letter each */
    unsigned outlived_count; /* waits after the master's death */
    unsigned event_count;
    struct {
        enum supervisor_event_kind kind;
        uint32_t generation;
        char why[128]; /* empty: none */
    } events[EVENTS_MAX];
    struct reactor reactor; /* as it was at the last event, or where a step has copied it */
    int polled[4];          /* supervisor, log, master, control */
    int control_fd;         /* that control was begun with */
    int64_t control_ms[TURNS_MAX];
    unsigned lines_heard;
    char title[64];
    pid_t pid, group;
    uint64_t pokes_left; /* that the loop has not read */
} * shared;

/* What happens at each look, counted from 0; beyond them the supervisor is told to give way. */
static void (*script[TURNS_MAX])(struct reactor *r);

/* What happens at each wait after the master's death, counted from 0. NULL: nothing. */
static void (*outlived)(unsigned number);

static struct reactor *running;
static int64_t clock_offset_ms;
static bool remembers;           /* an earlier supervisor has left its memory: */
static struct supervisor memory; /* this one */
static int probe_result;
static bool probed, random_fails;
static pid_t worker_pid;

static void call(char letter)
{
    size_t used = strlen(shared->calls);

    if (used < sizeof shared->calls - 1)
        shared->calls[used] = letter;
}

/* ---- in place of other modules and of the kernel ---- */

void __wrap_feed(struct reactor *r, const struct supervisor_event *event);
void __wrap_feed(struct reactor *r, const struct supervisor_event *event)
{
    if (shared->event_count >= EVENTS_MAX)
        _exit(99);
    shared->events[shared->event_count].kind = event->kind;
    shared->events[shared->event_count].generation = event->generation;
    snprintf(shared->events[shared->event_count++].why, sizeof shared->events[0].why, "%s",
             event->why ? event->why : "");
    memcpy(&shared->reactor, r, sizeof *r);
}

bool __wrap_feed_load_memory(struct reactor *r);
bool __wrap_feed_load_memory(struct reactor *r)
{
    if (!remembers)
        return false;
    r->state = memory;
    r->settings = setup.settings;
    return true;
}

void __wrap_look_around(struct reactor *r);
void __wrap_look_around(struct reactor *r)
{
    unsigned number = shared->turn_count++;

    running = r;
    call('L');
    shared->pid = getpid();
    shared->group = getpgid(0);
    if (number < TURNS_MAX && script[number])
        script[number](r);
    else
        r->gives_way = true;
}

void __wrap_look_on_tick(struct reactor *r, int64_t now_ms);
void __wrap_look_on_tick(struct reactor *r, int64_t now_ms)
{
    (void)r;
    call(now_ms == clock_now_ms() ? 'T' : '?');
}

void __wrap_announce_progress(struct reactor *r, int64_t now_ms);
void __wrap_announce_progress(struct reactor *r, int64_t now_ms)
{
    (void)r;
    call(now_ms == clock_now_ms() ? 'P' : '?');
}

int __wrap_keeper_probe(void);
int __wrap_keeper_probe(void)
{
    probed = true;
    return probe_result;
}

int64_t __wrap_oom_kill_count(void);
int64_t __wrap_oom_kill_count(void)
{
    return 77;
}

void __real_control_init(struct control *control, int listener_fd, struct control_calls calls);
void __wrap_control_init(struct control *control, int listener_fd, struct control_calls calls);
void __wrap_control_init(struct control *control, int listener_fd, struct control_calls calls)
{
    shared->control_fd = listener_fd;
    __real_control_init(control, listener_fd, calls);
}

void __wrap_control_on_line(void *control, enum log_level level, const char *text, size_t length);
void __wrap_control_on_line(void *control, enum log_level level, const char *text, size_t length)
{
    (void)level;
    (void)text;
    (void)length;
    if (running && control != &running->control)
        _exit(98);
    shared->lines_heard++;
}

void __wrap_control_turn(struct control *control, const struct pollfd polled[CONTROL_POLL_COUNT],
                         int64_t now_ms);
void __wrap_control_turn(struct control *control, const struct pollfd polled[CONTROL_POLL_COUNT],
                         int64_t now_ms)
{
    call(control == &running->control && polled[0].fd == shared->control_fd ? 'C' : '?');
    if (shared->turn_count <= TURNS_MAX)
        shared->control_ms[shared->turn_count - 1] = now_ms;
}

int __real_logsink_drain(struct logsink *sink);
int __wrap_logsink_drain(struct logsink *sink);
int __wrap_logsink_drain(struct logsink *sink)
{
    call('D');
    return __real_logsink_drain(sink);
}

void __wrap_control_flush(struct control *control);
void __wrap_control_flush(struct control *control)
{
    call(control == &running->control ? 'F' : '?');
}

void __wrap_title_set(const char *format, ...);
void __wrap_title_set(const char *format, ...)
{
    snprintf(shared->title, sizeof shared->title, "%s", format);
}

static void note_wait(struct pollfd *polled, int timeout_ms)
{
    if (shared->turn_count < TURNS_MAX)
        shared->wait_ms[shared->turn_count] = timeout_ms;
    for (int i = 0; i < 4; i++)
        shared->polled[i] = polled[i].fd < 0 || polled[i].events == POLLIN ? polled[i].fd : -2;
}

int __real_poll(struct pollfd *polled, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout_ms)
{
    if (count == POLL_COUNT)
        note_wait(polled, timeout_ms);
    else if (timeout_ms > 0 && outlived)
        outlived(shared->outlived_count);
    shared->outlived_count += count != POLL_COUNT && timeout_ms > 0;
    int ready = __real_poll(polled, count, 0);
    clock_offset_ms += ready == 0 ? timeout_ms : 0;
    return ready;
}

/* What poll is called where the compiler does not see how long its array is (feature_test_macros(7)). */
int __wrap___poll_chk(struct pollfd *polled, nfds_t count, int timeout_ms, size_t size);
int __wrap___poll_chk(struct pollfd *polled, nfds_t count, int timeout_ms, size_t size)
{
    (void)size;
    return __wrap_poll(polled, count, timeout_ms);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    int64_t ms = BEGIN_MS + clock_offset_ms;

    (void)clock;
    *now = (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    return 0;
}

ssize_t __wrap_getrandom(void *out, size_t size, unsigned flags);
ssize_t __wrap_getrandom(void *out, size_t size, unsigned flags)
{
    const uint32_t seed = SEED;

    if (random_fails || size != sizeof seed || flags != 0)
        return -1;
    memcpy(out, &seed, sizeof seed);
    return sizeof seed;
}

/* ---- setup ---- */

static void *shared_memory(size_t size)
{
    void *room = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(room != MAP_FAILED);
    return room;
}

static int begin(void **state)
{
    (void)state;
    shared = shared_memory(sizeof *shared);
    memset(script, 0, sizeof script);
    outlived = NULL;
    clock_offset_ms = 0;
    remembers = probed = random_fails = false;
    probe_result = 0;
    memory = (struct supervisor){.wanted_count = 2, .stage = STAGE_RUNNING};
    worker_fixture_open(&fixture, (struct fixture_options){0});
    pages = fixture.pages;
    snprintf(log_path, sizeof log_path, "/tmp/test_reactor.XXXXXX");
    int fd = mkstemp(log_path);
    if (fd < 0)
        return -1;
    close(fd);
    options = (struct options){.log_file = log_path, .log_level = LOG_LEVEL_INFO, .protect = true};
    setup = (struct service_setup){
        .pages = pages,
        .options = &options,
        .settings = {.number = 1, .worker_count = 3, .drain_timeout_ms = 5000, .hang_timeout_ms = 700},
        .ready_fd = -1};
    atomic_store(&pages->orders.log_level, LOG_LEVEL_INFO);
    atomic_store(&pages->orders.master_image, IMAGE);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    if (worker_pid > 0) {
        kill(worker_pid, SIGKILL);
        waitpid(worker_pid, NULL, 0);
        worker_pid = 0;
    }
    unlink(log_path);
    worker_fixture_close(&fixture);
    return munmap(shared, sizeof *shared);
}

static void read_log(void)
{
    FILE *log = fopen(log_path, "re");

    assert_non_null(log);
    log_text[fread(log_text, 1, sizeof log_text - 1, log)] = '\0';
    fclose(log);
}

/* Exit code of the supervisor, which ends by itself; what it and the others said stands in the log then. */
static int run(void)
{
    int status = -1;

    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(DEADLINE_S);
        log_init(-1, LOG_LEVEL_ERROR); /* as its parent it would have a log already */
        reactor_main(&setup, GENERATION);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    read_log();
    return WEXITSTATUS(status);
}

static unsigned count_in_log(const char *text)
{
    unsigned count = 0;

    for (const char *at = log_text; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

static void expect_in_log(const char *text)
{
    if (count_in_log(text) == 0)
        fail_msg("%s is not in the log:\n%s", text, log_text);
}

static void expect_event(unsigned number, enum supervisor_event_kind kind)
{
    assert_true(number < shared->event_count);
    assert_int_equal(shared->events[number].kind, kind);
}

/* ---- a fresh service ---- */

static void begin__no_memory__image_then_start_on_a_fresh_policy(void **state)
{
    (void)state;
    strcpy(setup.program, "/opt/prefork-upper");
    assert_int_equal(run(), 0);
    assert_int_equal(shared->event_count, 2);
    expect_event(0, SUPERVISOR_IMAGE);
    assert_int_equal(shared->events[0].generation, IMAGE);
    expect_event(1, SUPERVISOR_START);
    const struct reactor *r = &shared->reactor;
    assert_int_equal(r->state.wanted_count, 3);
    assert_true(r->state.protect);
    assert_int_equal(r->state.drain_timeout_ms, 5000);
    assert_int_equal(r->state.random, SEED);
    assert_int_equal(r->settings.hang_timeout_ms, 700);
    assert_string_equal(r->programs.current, "/opt/prefork-upper");
    assert_string_equal(log_text, ""); /* who serves is said when it serves */
}

static void begin__its_own_group_title_and_time(void **state)
{
    (void)state;
    assert_int_equal(run(), 0);
    assert_int_equal(shared->group, shared->pid);
    assert_string_equal(shared->title, "prefork-upper: supervisor");
    assert_int_equal(shared->reactor.last_tick_ms, BEGIN_MS);
    assert_int_equal(shared->reactor.hold_ms, BEGIN_MS);
    assert_int_equal(shared->reactor.oom_kills_seen, 77);
    assert_int_equal(shared->reactor.oom_kills_before, 77);
}

static void begin__no_random_numbers__seed_from_the_clock(void **state)
{
    (void)state;
    random_fails = true;
    assert_int_equal(run(), 0);
    assert_int_equal(shared->reactor.state.random, (uint32_t)(BEGIN_MS * INT64_C(1000000)));
}

static void protect__what_does_not_pass__off_and_said(void **state)
{
    static const struct {
        int error;
        const char *said;
    } rows[] = {
        {-EPERM, "why=EPERM"}, {-EACCES, "why=EACCES"}, {-EINVAL, "why=EINVAL"}, {-ENOSYS, "why=ENOSYS"}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        probe_result = rows[i].error;
        assert_int_equal(run(), 0);
        assert_false(shared->reactor.state.protect);
        assert_int_equal(count_in_log("event=unprotected"), 1);
        expect_in_log(rows[i].said);
        finish(state);
        assert_int_equal(begin(state), 0);
    }
}

static void protect__want_that_passes__on(void **state)
{
    static const int errors[] = {-EAGAIN, -ENOMEM};

    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        probe_result = errors[i];
        assert_int_equal(run(), 0);
        assert_true(shared->reactor.state.protect);
        assert_string_equal(log_text, "");
        finish(state);
        assert_int_equal(begin(state), 0);
    }
}

static void fail_if_probed(struct reactor *r)
{
    if (probed)
        _exit(97);
    r->gives_way = true;
}

static void protect__not_wanted__off_and_nothing_is_tried(void **state)
{
    (void)state;
    options.protect = false;
    script[0] = fail_if_probed;
    assert_int_equal(run(), 0);
    assert_false(shared->reactor.state.protect);
    assert_string_equal(log_text, "");
}

/* ---- after another supervisor ---- */

static void go_on(struct reactor *r)
{
    (void)r;
}

/* It goes round its loop once before it says what it is. */
static int run_resumed(void)
{
    remembers = true;
    script[0] = go_on;
    return run();
}

/* Symptom: the announcement that the service serves was lost, since the image was told before. */
static void resume__memory__said_resumed_then_the_image(void **state)
{
    (void)state;
    memory.wanted_count = 5;
    script[1] = fail_if_probed; /* what holds was found out long ago */
    assert_int_equal(run_resumed(), 0);
    assert_int_equal(shared->event_count, 2);
    expect_event(0, SUPERVISOR_RESUME);
    expect_event(1, SUPERVISOR_IMAGE);
    assert_int_equal(shared->events[1].generation, IMAGE);
    assert_int_equal(shared->reactor.state.wanted_count, 5);
    char words[64];
    snprintf(words, sizeof words, "event=supervisor_started generation=%d pid=%d", GENERATION, shared->pid);
    expect_in_log(words);
}

/* An upgrade is done when its supervisor has gone round once, not when it was born. */
static void resume__has_not_gone_round__image_is_not_told_yet(void **state)
{
    (void)state;
    remembers = true;
    assert_int_equal(run(), 0);
    assert_int_equal(shared->event_count, 1);
    expect_event(0, SUPERVISOR_RESUME);
}

static void resume__goes_round_again__image_was_told_once(void **state)
{
    (void)state;
    script[1] = script[2] = go_on;
    assert_int_equal(run_resumed(), 0);
    assert_int_equal(shared->event_count, 2);
}

static void resume__as_the_image_of_an_upgrade__says_that_instead(void **state)
{
    (void)state;
    memory.upgrade = (struct upgrade_memory){.stage = UPGRADE_MASTER, .image = IMAGE - 1, .target = IMAGE};
    assert_int_equal(run_resumed(), 0);
    expect_in_log("event=upgraded image=6 version=" PREFORK_UPPER_VERSION "\n");
    assert_int_equal(count_in_log("event=supervisor_started"), 0);
    assert_string_equal(shared->events[1].why, "");
}

static void resume__upgraded_long_ago_or_not_yet__an_ordinary_start(void **state)
{
    static const struct upgrade_memory rows[] = {
        {.stage = UPGRADE_NONE, .image = IMAGE, .target = IMAGE},
        {.stage = UPGRADE_SLOTS, .image = IMAGE - 1, .target = IMAGE},
        {.stage = UPGRADE_MASTER, .image = IMAGE, .target = IMAGE + 1}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memory.upgrade = rows[i];
        assert_int_equal(run_resumed(), 0);
        expect_in_log("event=supervisor_started");
        assert_int_equal(count_in_log("event=upgraded"), 0);
        finish(state);
        assert_int_equal(begin(state), 0);
    }
}

/* The master has tried to become the image that the policy wants, and is what it was. */
static void image__master_could_not_become_it__why(void **state)
{
    (void)state;
    memory.upgrade = (struct upgrade_memory){.stage = UPGRADE_MASTER, .image = IMAGE, .target = IMAGE + 1};
    atomic_store(&pages->orders.exec_failed_image, IMAGE + 1);
    atomic_store(&pages->orders.exec_failed_error, ENOEXEC);
    assert_int_equal(run_resumed(), 0);
    assert_string_equal(shared->events[1].why, "Exec format error");
    assert_int_equal(shared->events[1].generation, IMAGE);
}

static void image__master_came_back_from_it__why(void **state)
{
    (void)state;
    memory.upgrade = (struct upgrade_memory){.stage = UPGRADE_MASTER, .image = IMAGE, .target = IMAGE + 1};
    atomic_store(&pages->orders.exec_failed_image, IMAGE + 1);
    assert_int_equal(run_resumed(), 0);
    assert_string_equal(shared->events[1].why, "its supervisors died or hung at their start");
}

static void image__an_earlier_one_had_failed__nothing_is_wrong_with_this(void **state)
{
    (void)state;
    memory.upgrade = (struct upgrade_memory){.stage = UPGRADE_MASTER, .image = IMAGE, .target = IMAGE + 2};
    atomic_store(&pages->orders.exec_failed_image, IMAGE + 1);
    atomic_store(&pages->orders.exec_failed_error, ENOEXEC);
    assert_int_equal(run_resumed(), 0);
    assert_string_equal(shared->events[1].why, "");
}

/* ---- the loop ---- */

static void loop__each_turn__looks_ticks_writes_and_serves_clients(void **state)
{
    (void)state;
    script[0] = script[1] = go_on;
    assert_int_equal(run(), 0);
    assert_string_equal(shared->calls, "LTPDC"
                                       "LTPDC"
                                       "LDF"); /* and gives way */
    assert_int_equal(shared->control_ms[0], BEGIN_MS + 100);
    assert_int_equal(shared->control_ms[1], BEGIN_MS + 200);
    assert_int_equal(shared->polled[0], FD_SUPERVISOR);
    assert_int_equal(shared->polled[1], FD_LOG_READ);
    assert_int_equal(shared->polled[2], FD_MASTER);
}

/* An event cuts a wait short; then it is not time for a tick yet. */
static void poke(struct reactor *r)
{
    (void)r;
    heritage_wake_supervisor();
}

static void note_pokes(struct reactor *r)
{
    if (read(FD_SUPERVISOR, &shared->pokes_left, sizeof shared->pokes_left) < 0)
        shared->pokes_left = 0;
    r->gives_way = true;
}

static void loop__woken_early__looks_but_does_not_tick(void **state)
{
    (void)state;
    script[0] = poke;
    script[1] = go_on;
    script[2] = note_pokes;
    assert_int_equal(run(), 0);
    assert_string_equal(shared->calls, "LTPDC"
                                       "LDC"
                                       "LDF");
    assert_int_equal(shared->pokes_left, 0);
}

static void keep(struct reactor *r)
{
    memcpy(&shared->reactor, r, sizeof *r);
}

static void loop__tick__told_to_the_master(void **state)
{
    (void)state;
    script[0] = go_on;
    script[1] = keep;
    assert_int_equal(run(), 0);
    assert_int_equal(shared->reactor.last_tick_ms, BEGIN_MS + 100);
    assert_int_equal(shared->reactor.next_tick_ms, BEGIN_MS + 200);
    assert_true(atomic_load(&pages->orders.supervisor_tick_ns) == (BEGIN_MS + 200) * INT64_C(1000000));
}

static void nobody_waits(struct reactor *r)
{
    r->state.slot_limit = 2;
    r->state.slots[1].gated = 1;
    r->state.slots[1].made = 1;
    r->state.slots[0].keepers[KEEPER_A].phase = KEEPER_READY;
    r->state.slots[0].keepers[KEEPER_B].phase = KEEPER_LEAVING;
}

static void keeper_b_starts(struct reactor *r)
{
    r->state.slots[1].keepers[KEEPER_B].phase = KEEPER_STARTING;
}

static void keeper_a_becomes_another_image(struct reactor *r)
{
    r->state.slots[1].keepers[KEEPER_B].phase = KEEPER_READY;
    r->state.slots[0].keepers[KEEPER_A].phase = KEEPER_EXECING;
}

static void worker_is_made_behind_the_gate(struct reactor *r)
{
    r->state.slots[0].keepers[KEEPER_A].phase = KEEPER_READY;
    r->state.slots[1].made = 0;
}

static void that_slot_is_no_more(struct reactor *r)
{
    r->state.slot_limit = 1;
}

/* Keepers have no descriptor to wake us with. */
static void loop__while_a_keeper_works__looks_often(void **state)
{
    static const int expected[] = {100, 100, 2, 2, 2, 100};

    (void)state;
    script[0] = nobody_waits;
    script[1] = keeper_b_starts;
    script[2] = keeper_a_becomes_another_image;
    script[3] = worker_is_made_behind_the_gate;
    script[4] = that_slot_is_no_more;
    assert_int_equal(run(), 0);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_int_equal(shared->wait_ms[i], expected[i]);
}

/* ---- control and log ---- */

static void control__none__no_listener(void **state)
{
    (void)state;
    assert_int_equal(run(), 0);
    assert_int_equal(shared->control_fd, -1);
    assert_int_equal(shared->polled[3], -1);
}

static void control__path__its_listener_is_waited_on(void **state)
{
    (void)state;
    strcpy(setup.control.path, "/tmp/some.sock");
    assert_int_equal(run(), 0);
    assert_int_equal(shared->control_fd, FD_CONTROL);
    assert_int_equal(shared->polled[3], FD_CONTROL);
}

static void say_a_word(struct reactor *r)
{
    (void)r;
    log_event(LOG_LEVEL_INFO, "event=word");
}

static void control__event__its_clients_hear_it(void **state)
{
    (void)state;
    script[0] = say_a_word;
    assert_int_equal(run(), 0);
    assert_int_equal(shared->lines_heard, 1);
    expect_in_log("event=word");
}

static void log__level_of_all_processes__goes_by_it(void **state)
{
    (void)state;
    script[0] = say_a_word;
    atomic_store(&pages->orders.log_level, LOG_LEVEL_ERROR);
    assert_int_equal(run(), 0);
    assert_string_equal(log_text, "");
}

static void log__options__path_format_and_kept_losses(void **state)
{
    struct logsink sink;

    (void)state;
    options.log_format = LOG_FORMAT_JSON;
    assert_int_equal(reactor_open_log(&sink, &setup), 0);
    assert_ptr_equal(sink.lost_kept, &pages->orders.log_lost);
    assert_int_equal(sink.pipe_fd, FD_LOG_READ);
    log_event(LOG_LEVEL_INFO, "event=word");
    assert_int_equal(logsink_drain(&sink), 1);
    logsink_close(&sink);
    read_log();
    assert_int_equal(log_text[0], '{');
}

static void log__no_pipe__error(void **state)
{
    struct logsink sink;

    (void)state;
    close(FD_LOG_READ);
    assert_int_equal(reactor_open_log(&sink, &setup), -EBADF);
}

/* ---- giving way to another image ---- */

static void say_much_and_give_way(struct reactor *r)
{
    for (int i = 0; i < CROWD; i++)
        log_event(LOG_LEVEL_INFO, "event=n");
    r->gives_way = true;
}

static void give_way__all_that_was_said_is_written_first(void **state)
{
    (void)state;
    script[0] = say_much_and_give_way;
    assert_int_equal(run(), 0);
    assert_int_equal(count_in_log("event=n\n"), CROWD);
    assert_int_equal(shared->turn_count, 1);
    assert_string_equal(shared->calls, "LDDDF"); /* and its clients have heard it */
}

/* ---- outliving the master ---- */

static void master_dies(struct reactor *r)
{
    const uint64_t one = 1;

    (void)r;
    if (write(FD_MASTER, &one, sizeof one) != sizeof one)
        _exit(96);
}

/* A child of the test stands on that board as its worker. */
static void start_worker(unsigned slot)
{
    struct board *board = shared_board(pages, slot);

    worker_pid = fork();
    assert_true(worker_pid >= 0);
    if (worker_pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    atomic_store(&board->worker.pid, worker_pid);
    atomic_store(&board->worker.generation, 1);
    atomic_store(&pages->loads.cells[slot].connection_count, 4);
}

static void begin_without_master(uint32_t slot_limit)
{
    remembers = true;
    memory.slot_limit = slot_limit;
    script[0] = master_dies;
    script[1] = go_on; /* it does not come to that */
}

static bool accepts_connections(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result = connect(fd, (struct sockaddr *)&fixture.address, fixture.address_length);

    assert_true(fd >= 0);
    close(fd);
    return result == 0;
}

static void outlive__no_workers__said_and_the_port_is_free(void **state)
{
    (void)state;
    begin_without_master(1);
    assert_true(accepts_connections());
    assert_int_equal(run(), 1);
    assert_int_equal(shared->turn_count, 1); /* it looks for nothing any more */
    expect_in_log("event=master_died connections=0\n");
    assert_false(accepts_connections());
    assert_int_equal(shared->outlived_count, 0);
}

static int listen_at_control(struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "test_reactor.%d", getpid());
    assert_int_equal(bind(fd, (struct sockaddr *)address, sizeof *address), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(dup2(fd, FD_CONTROL), FD_CONTROL);
    close(fd);
    return FD_CONTROL;
}

static int connect_to(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result = connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 ? -errno : 0;

    close(fd);
    return result;
}

static void outlive__control_socket__refuses_from_now_on(void **state)
{
    struct sockaddr_un address;

    (void)state;
    begin_without_master(1);
    listen_at_control(&address);
    strcpy(setup.control.path, "@");
    assert_int_equal(connect_to(&address), 0);
    assert_int_equal(run(), 1);
    assert_int_equal(connect_to(&address), -ECONNREFUSED);
}

/* Without a control socket the number is anybody's. */
static void outlive__no_control_socket__its_number_is_left_alone(void **state)
{
    struct sockaddr_un address;

    (void)state;
    begin_without_master(1);
    listen_at_control(&address);
    assert_int_equal(run(), 1);
    assert_int_equal(connect_to(&address), 0);
}

/* As the port, the address for whoever looks in from outside is free at once. */
static void outlive__metrics_socket__refuses_from_now_on(void **state)
{
    struct sockaddr_un address;

    (void)state;
    begin_without_master(1);
    listen_at_control(&address);
    strcpy(setup.metrics_bound, "127.0.0.1:9100");
    assert_int_equal(dup2(FD_CONTROL, FD_METRICS), FD_METRICS);
    assert_int_equal(connect_to(&address), 0);
    assert_int_equal(run(), 1);
    assert_int_equal(connect_to(&address), -ECONNREFUSED);
    close(FD_METRICS);
}

static void end_worker(void)
{
    struct pollfd ended = {.fd = pidfd_open(worker_pid, 0), .events = POLLIN};

    if (kill(worker_pid, SIGKILL) < 0 || __real_poll(&ended, 1, DEADLINE_S * 1000) != 1)
        _exit(95);
    close(ended.fd);
}

static void speak_then_die(unsigned number)
{
    log_event(LOG_LEVEL_INFO, "event=n");
    if (number == 4)
        end_worker();
}

/* Its parent is the test, which does not reap it: dead is who has ended. */
static void outlive__workers_finish__until_the_last_one_has_ended(void **state)
{
    (void)state;
    begin_without_master(2);
    start_worker(1);
    outlived = speak_then_die;
    assert_int_equal(run(), 1);
    expect_in_log("event=master_died connections=4\n");
    assert_int_equal(shared->outlived_count, 5);
    assert_int_equal(count_in_log("event=n\n"), 5);
}

/* All their time to drain, to linger and to leave; the first wait is cut short by our own last word. */
static void outlive__workers_do_not_leave__to_the_deadline(void **state)
{
    (void)state;
    begin_without_master(1);
    start_worker(0);
    assert_int_equal(run(), 1);
    assert_int_equal(shared->outlived_count, 1 + (5000 + LINGER_MS + LEAVE_GRACE_MS) / REACTOR_TICK_MS);
    assert_int_equal(kill(worker_pid, 0), 0);
}

static void die_late(unsigned number)
{
    if (number == 300)
        end_worker();
}

static void outlive__drains_without_a_deadline__however_long_it_takes(void **state)
{
    (void)state;
    begin_without_master(1);
    setup.settings.drain_timeout_ms = 0;
    start_worker(0);
    outlived = die_late;
    assert_int_equal(run(), 1);
    assert_int_equal(shared->outlived_count, 301);
}

/* Somebody else has reaped it, and its number may be nobody's. */
static void outlive__worker_is_gone_altogether__not_waited_for(void **state)
{
    (void)state;
    begin_without_master(1);
    start_worker(0);
    assert_int_equal(kill(worker_pid, SIGKILL), 0);
    assert_int_equal(waitpid(worker_pid, NULL, 0), worker_pid);
    worker_pid = 0;
    assert_int_equal(run(), 1);
    assert_int_equal(shared->outlived_count, 0);
}

/* Slots from the limit on were never used. */
static void outlive__board_beyond_the_limit__not_looked_at(void **state)
{
    (void)state;
    begin_without_master(1);
    start_worker(1);
    assert_int_equal(run(), 1);
    assert_int_equal(shared->outlived_count, 0);
    expect_in_log("event=master_died connections=0\n");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(begin__no_memory__image_then_start_on_a_fresh_policy),
        TEST(begin__its_own_group_title_and_time),
        TEST(begin__no_random_numbers__seed_from_the_clock),
        TEST(protect__what_does_not_pass__off_and_said),
        TEST(protect__want_that_passes__on),
        TEST(protect__not_wanted__off_and_nothing_is_tried),
        TEST(resume__memory__said_resumed_then_the_image),
        TEST(resume__has_not_gone_round__image_is_not_told_yet),
        TEST(resume__goes_round_again__image_was_told_once),
        TEST(resume__as_the_image_of_an_upgrade__says_that_instead),
        TEST(resume__upgraded_long_ago_or_not_yet__an_ordinary_start),
        TEST(image__master_could_not_become_it__why),
        TEST(image__master_came_back_from_it__why),
        TEST(image__an_earlier_one_had_failed__nothing_is_wrong_with_this),
        TEST(loop__each_turn__looks_ticks_writes_and_serves_clients),
        TEST(loop__woken_early__looks_but_does_not_tick),
        TEST(loop__tick__told_to_the_master),
        TEST(loop__while_a_keeper_works__looks_often),
        TEST(control__none__no_listener),
        TEST(control__path__its_listener_is_waited_on),
        TEST(control__event__its_clients_hear_it),
        TEST(log__level_of_all_processes__goes_by_it),
        TEST(log__options__path_format_and_kept_losses),
        TEST(log__no_pipe__error),
        TEST(give_way__all_that_was_said_is_written_first),
        TEST(outlive__no_workers__said_and_the_port_is_free),
        TEST(outlive__control_socket__refuses_from_now_on),
        TEST(outlive__no_control_socket__its_number_is_left_alone),
        TEST(outlive__workers_finish__until_the_last_one_has_ended),
        TEST(outlive__workers_do_not_leave__to_the_deadline),
        TEST(outlive__drains_without_a_deadline__however_long_it_takes),
        TEST(outlive__worker_is_gone_altogether__not_waited_for),
        TEST(outlive__board_beyond_the_limit__not_looked_at),
        TEST(outlive__metrics_socket__refuses_from_now_on),
    };

    return cmocka_run_group_tests_name("reactor", tests, NULL, NULL);
}
