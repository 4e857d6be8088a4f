#include "tests/support/reactor_fixture.h"

#include "tests/support/cmocka_all.h"
#include "worker/clock.h"
#include "worker/heritage.h"
#include "worker/keeper.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POLL_COUNT = 3 + CONTROL_POLL_COUNT };

struct reactor_fixture rig;

static struct reactor *running;
static int64_t clock_offset_ms;
static char log_path[] = "/tmp/test_reactor.XXXXXX";

static void call(char letter)
{
    size_t used = strlen(rig.seen->calls);

    if (used < sizeof rig.seen->calls - 1)
        rig.seen->calls[used] = letter;
}

/* ---- in place of other modules and of the kernel ---- */

void __wrap_feed(struct reactor *r, const struct supervisor_event *event);
void __wrap_feed(struct reactor *r, const struct supervisor_event *event)
{
    if (rig.seen->event_count >= RIG_EVENTS_MAX)
        _exit(99);
    rig.seen->events[rig.seen->event_count].kind = event->kind;
    rig.seen->events[rig.seen->event_count].generation = event->generation;
    snprintf(rig.seen->events[rig.seen->event_count++].why, sizeof rig.seen->events[0].why, "%s",
             event->why ? event->why : "");
    memcpy(&rig.seen->reactor, r, sizeof *r);
}

bool __wrap_feed_load_memory(struct reactor *r);
bool __wrap_feed_load_memory(struct reactor *r)
{
    if (!rig.remembers)
        return false;
    r->state = rig.memory;
    r->settings = rig.setup.settings;
    return true;
}

void __wrap_look_around(struct reactor *r);
void __wrap_look_around(struct reactor *r)
{
    unsigned number = rig.seen->turn_count++;

    running = r;
    call('L');
    rig.seen->pid = getpid();
    rig.seen->group = getpgid(0);
    if (number < RIG_TURNS_MAX && rig.script[number])
        rig.script[number](r);
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
    rig.probed = true;
    return rig.probe_result;
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
    rig.seen->control_fd = listener_fd;
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
    rig.seen->lines_heard++;
}

void __wrap_control_turn(struct control *control, const struct pollfd polled[CONTROL_POLL_COUNT],
                         int64_t now_ms);
void __wrap_control_turn(struct control *control, const struct pollfd polled[CONTROL_POLL_COUNT],
                         int64_t now_ms)
{
    call(control == &running->control && polled[0].fd == rig.seen->control_fd ? 'C' : '?');
    if (rig.seen->turn_count <= RIG_TURNS_MAX)
        rig.seen->control_ms[rig.seen->turn_count - 1] = now_ms;
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
    snprintf(rig.seen->title, sizeof rig.seen->title, "%s", format);
}

static void note_wait(struct pollfd *polled, int timeout_ms)
{
    if (rig.seen->turn_count < RIG_TURNS_MAX)
        rig.seen->wait_ms[rig.seen->turn_count] = timeout_ms;
    for (int i = 0; i < 4; i++)
        rig.seen->polled[i] = polled[i].fd < 0 || polled[i].events == POLLIN ? polled[i].fd : -2;
}

int __real_poll(struct pollfd *polled, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout_ms)
{
    if (count == POLL_COUNT)
        note_wait(polled, timeout_ms);
    else if (timeout_ms > 0 && rig.outlived)
        rig.outlived(rig.seen->outlived_count);
    rig.seen->outlived_count += count != POLL_COUNT && timeout_ms > 0;
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
    int64_t ms = RIG_BEGIN_MS + clock_offset_ms;

    (void)clock;
    *now = (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    return 0;
}

ssize_t __wrap_getrandom(void *out, size_t size, unsigned flags);
ssize_t __wrap_getrandom(void *out, size_t size, unsigned flags)
{
    const uint32_t seed = RIG_SEED;

    if (rig.random_fails || size != sizeof seed || flags != 0)
        return -1;
    memcpy(out, &seed, sizeof seed);
    return sizeof seed;
}

/* ---- life ---- */

static struct reactor_seen *shared_memory(void)
{
    void *room = mmap(NULL, sizeof *rig.seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(room != MAP_FAILED);
    return room;
}

static void set_up_service(void)
{
    rig.options = (struct options){.log_file = log_path, .log_level = LOG_LEVEL_INFO, .protect = true};
    rig.setup = (struct service_setup){
        .pages = rig.pages,
        .options = &rig.options,
        .settings = {.number = 1, .worker_count = 3, .drain_timeout_ms = 5000, .hang_timeout_ms = 700},
        .ready_fd = -1};
    atomic_store(&rig.pages->orders.log_level, LOG_LEVEL_INFO);
    atomic_store(&rig.pages->orders.master_image, RIG_IMAGE);
}

int rig_begin(void **state)
{
    (void)state;
    memset(&rig, 0, sizeof rig);
    rig.seen = shared_memory();
    rig.memory = (struct supervisor){.wanted_count = 2, .stage = STAGE_RUNNING};
    clock_offset_ms = 0;
    worker_fixture_open(&rig.worker, (struct fixture_options){0});
    rig.pages = rig.worker.pages;
    snprintf(log_path, sizeof log_path, "/tmp/test_reactor.XXXXXX");
    int fd = mkstemp(log_path);
    if (fd < 0)
        return -1;
    close(fd);
    set_up_service();
    return 0;
}

int rig_finish(void **state)
{
    (void)state;
    unlink(log_path);
    worker_fixture_close(&rig.worker);
    return munmap(rig.seen, sizeof *rig.seen);
}

/* ---- a run ---- */

void rig_go_on(struct reactor *r)
{
    (void)r;
}

void rig_read_log(void)
{
    FILE *log = fopen(log_path, "re");

    assert_non_null(log);
    rig.log_text[fread(rig.log_text, 1, sizeof rig.log_text - 1, log)] = '\0';
    fclose(log);
}

int rig_run(void)
{
    int status = -1;

    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(RIG_DEADLINE_S);
        log_init(-1, LOG_LEVEL_ERROR); /* as its parent it would have a log already */
        reactor_main(&rig.setup, RIG_GENERATION);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    rig_read_log();
    return WEXITSTATUS(status);
}

unsigned rig_count_in_log(const char *text)
{
    unsigned count = 0;

    for (const char *at = rig.log_text; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

void rig_expect_in_log(const char *text)
{
    if (rig_count_in_log(text) == 0)
        fail_msg("%s is not in the log:\n%s", text, rig.log_text);
}

void rig_expect_event(unsigned number, enum supervisor_event_kind kind)
{
    assert_true(number < rig.seen->event_count);
    assert_int_equal(rig.seen->events[number].kind, kind);
}
