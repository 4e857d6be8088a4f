/*
 * Hostile boards: a supervisor looks at shared pages that a worker has filled with garbage.
 *
 * The input is a list of steps: a broken worker writes anything anywhere into what workers may write to, an honest
 * one does what it was told, time passes, an operator asks for something, the supervisor is made anew. The real look,
 * policy and answer run among system calls that do nothing. It must not crash, must not loop for long,
 * and must always be able to say how it is.
 */
/* wrap: process_clone process_signal heritage_poke checker_start listener_open_again reload logsink_reopen */
/* wrap: open openat fopen scandir kill waitid waitpid shutdown poll getsockopt clock_gettime _exit sigqueue */
#include "tests/fuzz/fuzz.h"

#include "master/checker.h"
#include "master/listener.h"
#include "master/reactor_state.h"
#include "master/reload.h"
#include "master/request.h"
#include "master/status.h"
#include "worker/log.h"
#include "worker/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    SLOTS = 3, /* that the input reaches */
    NOBODY = 0x7ffffff0,
    STEPS_MAX = 200,
    SECONDS_BEGIN = 1000,
};

static struct shared_pages *pages;
static struct reactor reactor;
static struct service_setup setup;
static struct options options;
static jmp_buf finished;
static bool inside; /* the code under test runs, else the fuzzer */
static int64_t now_ms;
static int log_ends[2];

/* ---- a kernel that does nothing ---- */

int __wrap_process_clone(unsigned long flags, struct birth_cell *cell, uint32_t generation);
int __wrap_process_clone(unsigned long flags, struct birth_cell *cell, uint32_t generation)
{
    (void)flags;
    if (generation % 5 == 4)
        return -EAGAIN;
    atomic_store(&cell->generation, generation);
    atomic_store(&cell->pid, NOBODY);
    return NOBODY;
}

int __wrap_process_signal(struct birth_cell *cell, struct death_cell *death, uint32_t generation, int signal);
int __wrap_process_signal(struct birth_cell *cell, struct death_cell *death, uint32_t generation, int signal)
{
    (void)signal;
    return board_living_pid(cell, death) > 0 && atomic_load(&cell->generation) == generation ? 0 : -ESRCH;
}

void __wrap_heritage_poke(unsigned slot, uint64_t value);
void __wrap_heritage_poke(unsigned slot, uint64_t value)
{
    (void)value;
    FUZZ_MUST(slot < SLOT_COUNT_MAX);
}

pid_t __wrap_checker_start(struct shared_pages *shared, const char *path, uint32_t number);
pid_t __wrap_checker_start(struct shared_pages *shared, const char *path, uint32_t number)
{
    (void)shared, (void)path;
    return number % 4 == 3 ? -EAGAIN : NOBODY;
}

int __wrap_listener_open_again(int fd, int backlog);
int __wrap_listener_open_again(int fd, int backlog)
{
    (void)fd, (void)backlog;
    return 0;
}

int __wrap_reload(struct reactor *r, struct settings_change *change, char why[RELOAD_WHY_SIZE]);
int __wrap_reload(struct reactor *r, struct settings_change *change, char why[RELOAD_WHY_SIZE])
{
    (void)why;
    change->worker_count = 0;
    r->settings.number++;
    return 0;
}

void __wrap_logsink_reopen(struct logsink *sink);
void __wrap_logsink_reopen(struct logsink *sink)
{
    (void)sink;
}

/* The numbers on a board may be those of anybody. (A find is written by the fuzzer while the code still runs.) */
static bool is_process(const char *path)
{
    return strncmp(path, "/proc/", strlen("/proc/")) == 0;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list arguments;

    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (inside && flags & O_DIRECTORY)
        return __real_open("/", O_RDONLY | O_CLOEXEC);
    errno = ENOENT;
    return inside && is_process(path) ? -1 : __real_open(path, flags, mode);
}

/* A report of an incident goes nowhere. */
int __wrap_openat(int folder, const char *path, int flags, ...);
int __wrap_openat(int folder, const char *path, int flags, ...)
{
    (void)folder, (void)path, (void)flags;
    return __real_open("/dev/null", O_WRONLY | O_CLOEXEC);
}

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode)
{
    return inside && is_process(path) ? NULL : __real_fopen(path, mode);
}

int __wrap_scandir(const char *path, struct dirent ***names, int (*select)(const struct dirent *),
                   int (*order)(const struct dirent **, const struct dirent **));
int __real_scandir(const char *path, struct dirent ***names, int (*select)(const struct dirent *),
                   int (*order)(const struct dirent **, const struct dirent **));
int __wrap_scandir(const char *path, struct dirent ***names, int (*select)(const struct dirent *),
                   int (*order)(const struct dirent **, const struct dirent **))
{
    return inside ? -1 : __real_scandir(path, names, select, order);
}

int __real_kill(pid_t pid, int signal);
int __wrap_kill(pid_t pid, int signal);
int __wrap_kill(pid_t pid, int signal)
{
    if (!inside)
        return __real_kill(pid, signal);
    FUZZ_MUST(pid == NOBODY);
    return 0;
}

int __wrap_sigqueue(pid_t pid, int signal, const union sigval value);
int __wrap_sigqueue(pid_t pid, int signal, const union sigval value)
{
    (void)pid, (void)signal, (void)value;
    return 0;
}

int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int how);
int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int how)
{
    (void)type, (void)id, (void)info, (void)how;
    return 0;
}

pid_t __real_waitpid(pid_t pid, int *status, int how);
pid_t __wrap_waitpid(pid_t pid, int *status, int how);
pid_t __wrap_waitpid(pid_t pid, int *status, int how)
{
    return inside ? 0 : __real_waitpid(pid, status, how);
}

int __wrap_shutdown(int fd, int how);
int __wrap_shutdown(int fd, int how)
{
    (void)fd, (void)how;
    return 0;
}

int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout_ms)
{
    (void)timeout_ms;
    polled[0].revents = POLLIN;
    return (int)count;
}

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *length);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
    (void)fd, (void)level, (void)name, (void)length;
    memset(value, 0, *length);
    return 0;
}

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    if (!inside)
        return __real_clock_gettime(clock, now);
    *now = (struct timespec){.tv_sec = now_ms / 1000, .tv_nsec = now_ms % 1000 * 1000000};
    return 0;
}

_Noreturn void __real__exit(int code);
_Noreturn void __wrap__exit(int code);
_Noreturn void __wrap__exit(int code)
{
    if (!inside)
        __real__exit(code);
    longjmp(finished, 1);
}

/* ---- the input ---- */

struct input {
    const uint8_t *data;
    size_t size;
};

static uint32_t take(struct input *input, unsigned bytes)
{
    uint32_t value = 0;

    for (; bytes > 0 && input->size > 0; bytes--, input->data++, input->size--)
        value = value << 8 | *input->data;
    return value;
}

/* ---- the hostile worker ---- */

/* Where workers write to, and the checker of an upgrade; and where a broken one may. */
static unsigned char *region(unsigned which, size_t *size)
{
    void *begin = &pages->loads.cells[which % SLOTS];

    *size = sizeof pages->loads.cells[0];
    if (which / SLOTS % 4 == 3) {
        begin = pages->incidents;
        *size = sizeof(struct incident_ring);
    } else if (which / SLOTS % 4 == 1) {
        begin = &pages->orders.check;
        *size = sizeof pages->orders.check;
    } else if (which / SLOTS % 4 == 2) {
        begin = shared_board(pages, which % SLOTS);
        *size = sizeof(struct board);
    }
    return begin;
}

/* Bytes of the input, or one of them again and again; not beyond the region. */
static void write_garbage(struct input *input, bool fills)
{
    size_t size = 0;
    unsigned char *at = region(take(input, 1), &size);
    size_t offset = take(input, 2) % size, length = 1 + take(input, 1) * (fills ? 16 : 1) % (size - offset);
    uint8_t byte = fills ? (uint8_t)take(input, 1) : 0;

    for (size_t i = 0; i < length && offset + i < size; i++)
        at[offset + i] = fills ? byte : (uint8_t)take(input, 1);
}

/* A death as the master tells it, with the exit of whoever wrote what else stands there. */
static void die(struct input *input, struct death_cell *cell, uint32_t generation)
{
    uint32_t how = take(input, 1);

    atomic_store(&cell->code, how & 1 ? CLD_KILLED : CLD_EXITED);
    atomic_store(&cell->status, (int)(how >> 1 & 31));
    atomic_store(&cell->time_ns, now_ms * 1000000);
    atomic_store(&cell->generation, generation);
}

/* Everybody of a slot does what he was told, so that the policy goes on. */
static void obey(unsigned slot)
{
    const struct slot_memory *memory = &reactor.state.slots[slot];
    struct board *board = shared_board(pages, slot);

    for (int letter = 0; letter < KEEPER_COUNT; letter++) {
        atomic_store(&board->keepers[letter].generation, memory->keepers[letter].generation);
        atomic_store(&board->keepers[letter].pid, NOBODY);
        atomic_store(&board->keeper_ready[letter], memory->keepers[letter].generation);
        atomic_store(&board->keeper_image[letter], memory->keepers[letter].asked);
    }
    atomic_store(&board->worker.generation, memory->generation);
    atomic_store(&board->worker.pid, NOBODY);
    atomic_store(&board->ready_generation, memory->generation);
    atomic_store(&board->ready_ns, now_ms * 1000000);
}

/* ---- the others ---- */

static void say_status(void)
{
    json_t *status = status_json(&reactor), *incidents = status_incidents_json(incident_ring_of(pages));

    FUZZ_MUST(status && incidents);
    json_decref(status);
    json_decref(incidents);
}

static void ask(struct input *input)
{
    switch (take(input, 1) % 8) {
    case 0:
        request_scale(&reactor, 1 + take(input, 1) % SLOTS);
        break;
    case 1:
        request_restart(&reactor, take(input, 1));
        break;
    case 2:
        request_upgrade(&reactor, "/new");
        break;
    case 3:
        request_drain(&reactor, take(input, 1) & 1);
        break;
    case 4:
        request_stop(&reactor);
        break;
    case 5:
        request_reload(&reactor);
        break;
    case 6:
        atomic_fetch_add(&pages->orders.signals[take(input, 1) % SIGNAL_KIND_COUNT], 1);
        break;
    default:
        say_status();
    }
}

static void begin_supervisor(void)
{
    reactor = (struct reactor){.setup = &setup, .pages = pages, .last_tick_ms = now_ms};
    if (feed_load_memory(&reactor)) {
        feed(&reactor, &(struct supervisor_event){.kind = SUPERVISOR_RESUME});
        return;
    }
    reactor.settings = setup.settings;
    supervisor_init(&reactor.state, setup.settings.worker_count, options.protect,
                    setup.settings.drain_timeout_ms, 7);
    feed(&reactor, &(struct supervisor_event){.kind = SUPERVISOR_IMAGE, .generation = 1});
    feed(&reactor, &(struct supervisor_event){.kind = SUPERVISOR_START});
}

static void pass_time(uint32_t ticks)
{
    now_ms += (int64_t)ticks * 10;
    look_on_tick(&reactor, now_ms);
    reactor.last_tick_ms = now_ms;
}

static void step(struct input *input)
{
    uint32_t what = take(input, 1);
    unsigned slot = what / 8 % SLOTS;
    struct board *board = shared_board(pages, slot);

    switch (what % 8) {
    case 0:
        write_garbage(input, false);
        break;
    case 1:
        write_garbage(input, true);
        break;
    case 2:
        obey(slot);
        break;
    case 3:
        die(input, &board->worker_death, reactor.state.slots[slot].generation);
        break;
    case 4:
        die(input, &board->keeper_deaths[what / 32 & 1],
            reactor.state.slots[slot].keepers[what / 32 & 1].generation);
        break;
    case 5:
        ask(input);
        break;
    case 6:
        pass_time(take(input, 1));
        break;
    default:
        begin_supervisor();
    }
    look_around(&reactor);
}

/* The log pipe is emptied by nobody else. */
static void empty_log(void)
{
    static char bytes[65536];

    while (read(log_ends[0], bytes, sizeof bytes) > 0)
        ;
}

static void begin(uint32_t how)
{
    if (!pages) {
        pages = aligned_alloc(BOARD_BYTES, sizeof *pages);
        FUZZ_MUST(pages && pipe2(log_ends, O_NONBLOCK | O_CLOEXEC) == 0);
    }
    memset(pages, 0, sizeof *pages);
    now_ms = SECONDS_BEGIN * 1000;
    options = (struct options){.protect = how & 1, .log_level = LOG_LEVEL_DEBUG};
    setup = (struct service_setup){
        .pages = pages,
        .options = &options,
        .ready_fd = -1,
        .settings = {.number = 1,
                     .worker_count = 1 + (how >> 1) % SLOTS,
                     .hang_timeout_ms = 2000,
                     .drain_timeout_ms = 5000},
    };
    strcpy(setup.bound, "127.0.0.1:9999");
    strcpy(setup.settings.incident_dir, "/nowhere");
    log_init(log_ends[1], LOG_LEVEL_DEBUG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct input input;

    input = (struct input){data, size};
    begin(take(&input, 1));
    inside = true;
    if (setjmp(finished) == 0) {
        begin_supervisor();
        for (int i = 0; i < STEPS_MAX && input.size > 0; i++)
            step(&input);
        say_status();
    }
    inside = false;
    log_init(-1, LOG_LEVEL_DEBUG);
    empty_log();
    return 0;
}
