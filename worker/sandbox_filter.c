#include "worker/sandbox_filter.h"
#include "worker/heritage.h"
#include "worker/sandbox.h"
#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* linux/mman.h, since 5.14 */
#endif

/* Several times what the list comes to. */
#define FILTER_LENGTH_MAX 1024

/* Stands for the worker's own pid until there is one. Larger than any pid (proc(5), pid_max), and found nowhere else in
 * the program. */
#define SELF 0x5e1f5e1fu
/* Likewise for the number of its own poke. */
#define OWN_POKE 0x504b504bu

/* ---- the list ---- */

/* The kernel takes 32 bits of most arguments, so 32 are compared: what is above could be anything. */
#define BITS(index, mask, value)                                                                             \
    {                                                                                                        \
        .arg = (index), .op = SCMP_CMP_MASKED_EQ, .datum_a = (mask), .datum_b = (value)                      \
    }
#define IS(index, value) BITS(index, UINT32_MAX, value)

/* Calls whose arguments do not matter. For those the kernel remembers the answer and does not run the program at all
 * (since Linux 5.11); before that the first ones of the list were quickest. */
static const int free_calls[] = {
    /* every message */
    SCMP_SYS(recvfrom), SCMP_SYS(sendto), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
    /* every connection */
    SCMP_SYS(epoll_ctl), SCMP_SYS(accept4), SCMP_SYS(close), SCMP_SYS(shutdown), SCMP_SYS(getsockopt),
    SCMP_SYS(getpeername), SCMP_SYS(timerfd_settime),
    /* time and waiting */
    SCMP_SYS(clock_gettime), SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(restart_syscall),
    /* memory; none of it can be made executable, and no file can be mapped: see below on mmap */
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(getrandom),
    /* dying, and telling how */
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigreturn), SCMP_SYS(getpid),
    SCMP_SYS(gettid), SCMP_SYS(getppid), SCMP_SYS(sched_getscheduler), SCMP_SYS(exit), SCMP_SYS(exit_group),
    /* What a tracer puts in the place of a call that it lets fail (strace(1), --inject). */
    -1};
#define FREE_CALL_COUNT (sizeof free_calls / sizeof free_calls[0])

struct bound_call {
    int call;
    unsigned count;
    struct scmp_arg_cmp arguments[2];
};

static const struct bound_call bound_calls[] = {
    /* Never into the shared pages: their descriptor is among the worker's too. The numbers of pokes are 16 to 143, here
     * by their leading bits. */
    {SCMP_SYS(write), 1, {IS(0, FD_LOG)}},
    {SCMP_SYS(write), 1, {IS(0, FD_SUPERVISOR)}},
    {SCMP_SYS(write), 1, {BITS(0, UINT32_MAX & ~15u, 16)}},
    {SCMP_SYS(write), 1, {BITS(0, UINT32_MAX & ~31u, 32)}},
    {SCMP_SYS(write), 1, {BITS(0, UINT32_MAX & ~63u, 64)}},
    {SCMP_SYS(write), 1, {BITS(0, UINT32_MAX & ~15u, 128)}},
    /* Nor from there, nor what is told to another slot. */
    {SCMP_SYS(read), 1, {IS(0, FD_TICK)}},
    {SCMP_SYS(read), 1, {IS(0, OWN_POKE)}},
    /* libc's last words, as on memory that it finds broken. */
    {SCMP_SYS(write), 1, {IS(0, STDERR_FILENO)}},
    {SCMP_SYS(writev), 1, {IS(0, STDERR_FILENO)}},
    {SCMP_SYS(ioctl), 1, {IS(1, SIOCINQ)}},
    {SCMP_SYS(ioctl), 1, {IS(1, SIOCOUTQ)}},
    {SCMP_SYS(setsockopt), 2, {IS(1, SOL_SOCKET), IS(2, SO_LINGER)}},
    {SCMP_SYS(setsockopt), 2, {IS(1, SOL_SOCKET), IS(2, SO_OOBINLINE)}},
    {SCMP_SYS(setsockopt), 2, {IS(1, IPPROTO_TCP), IS(2, TCP_NODELAY)}},
    {SCMP_SYS(mmap), 2, {BITS(2, PROT_EXEC, 0), BITS(3, MAP_ANONYMOUS, MAP_ANONYMOUS)}},
    {SCMP_SYS(madvise), 1, {IS(2, MADV_POPULATE_WRITE)}},
    {SCMP_SYS(futex), 1, {IS(1, FUTEX_WAIT)}},
    {SCMP_SYS(futex), 1, {IS(1, FUTEX_WAIT_PRIVATE)}},
    {SCMP_SYS(futex), 1, {IS(1, FUTEX_WAKE_PRIVATE)}},
    {SCMP_SYS(sched_setscheduler), 2, {IS(0, 0), IS(1, SCHED_BATCH)}},
    {SCMP_SYS(tgkill), 2, {IS(0, SELF), IS(1, SELF)}},
};
#define BOUND_CALL_COUNT (sizeof bound_calls / sizeof bound_calls[0])

static_assert(FD_POKE == 16 && FD_POKE + SLOT_COUNT_MAX == 144, "the rules of write are about these numbers");

/* ---- making the program ---- */

static struct sock_filter filter[FILTER_LENGTH_MAX];
static unsigned short filter_length;

static int add_rules(scmp_filter_ctx context)
{
    int error = 0;
    for (size_t i = 0; i < FREE_CALL_COUNT && !error; i++) {
        error = seccomp_rule_add(context, SCMP_ACT_ALLOW, free_calls[i], 0);
        if (!error && free_calls[i] >= 0)
            error = seccomp_syscall_priority(context, free_calls[i], (uint8_t)(UINT8_MAX - i));
    }
    for (size_t i = 0; i < BOUND_CALL_COUNT && !error; i++)
        error = seccomp_rule_add_array(context, SCMP_ACT_ALLOW, bound_calls[i].call, bound_calls[i].count,
                                       bound_calls[i].arguments);
    return error;
}

static int configure(scmp_filter_ctx context, uint32_t action)
{
    /* Calls of another architecture, such as those of 32 bits, too. */
    int error = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, action);
    return error ? error : seccomp_attr_set(context, SCMP_FLTATR_API_TSKIP, 1); /* a rule for -1 is meant */
}

/* libseccomp writes programs to descriptors alone. A pipe has room for ours. */
static int export(scmp_filter_ctx context)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    int error = seccomp_export_bpf(context, ends[1]);
    ssize_t size = error ? 0 : read(ends[0], filter, sizeof filter);
    if (!error && size < 0)
        error = -errno;
    if (!error && (size_t)size == sizeof filter)
        error = -E2BIG; /* and perhaps only a part of it */
    if (!error)
        filter_length = (unsigned short)((size_t)size / sizeof filter[0]);
    close(ends[0]);
    close(ends[1]);
    return error;
}

int sandbox_filter_build(enum sandbox_mode mode)
{
    uint32_t action = mode == SANDBOX_ON ? SCMP_ACT_TRAP : SCMP_ACT_LOG;
    scmp_filter_ctx context = seccomp_init(action);
    filter_length = 0;
    if (!context)
        return -EOPNOTSUPP; /* an action that this kernel does not know */
    int error = configure(context, action);
    if (!error)
        error = add_rules(context);
    if (!error)
        error = export(context);
    seccomp_release(context);
    return error == -EINVAL ? -EPROTO : error; /* our own mistake, not the kernel's want of anything */
}

/* ---- handing it over ---- */

int sandbox_filter_install(pid_t self, unsigned slot)
{
    if (filter_length == 0)
        return -ENODATA;
    for (unsigned i = 0; i < filter_length; i++)
        if (filter[i].k == SELF)
            filter[i].k = (uint32_t)self;
        else if (filter[i].k == OWN_POKE)
            filter[i].k = FD_POKE + slot;
    const struct sock_fprog program = {.len = filter_length, .filter = filter};
    /* Without that flag older kernels slow the whole process down for fear of what it might read by speculation. */
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program);
    return result < 0 ? -errno : 0;
}

void sandbox_call_name(int number, char out[], size_t size)
{
    char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
    if (name)
        snprintf(out, size, "%s", name);
    else
        snprintf(out, size, "%d", number);
    free(name);
}
