#include "worker/crash.h"
#include "worker/board.h"
#include <errno.h>
#include <stddef.h>

/* signal(7): si_code of a SIGSYS by seccomp; <signal.h> has no name for it. */
#define SECCOMP_TRAPPED 1

/* Several times what the handler and a signal frame with vector state need. */
#define CRASH_STACK_BYTES 65536

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP};
#define FATAL_SIGNAL_COUNT (sizeof fatal_signals / sizeof fatal_signals[0])

static struct board *crash_board;
static unsigned crash_generation;
static unsigned char crash_stack[CRASH_STACK_BYTES];

void crash_signals(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < FATAL_SIGNAL_COUNT; i++)
        sigaddset(set, fatal_signals[i]);
}

static void crash_handle(int signal_number, siginfo_t *info, void *context)
{
    (void)context;
    atomic_store_explicit(&crash_board->fault_signal, signal_number, memory_order_relaxed);
    /* A signal that somebody sent has no address; the field holds the sender there. */
    uint64_t address = info->si_code > 0 ? (uint64_t)(uintptr_t)info->si_addr : 0;
    int32_t sender = info->si_code > 0 ? 0 : info->si_pid;
    atomic_store_explicit(&crash_board->fault_address, address, memory_order_relaxed);
    atomic_store_explicit(&crash_board->fault_sender, sender, memory_order_relaxed);
    bool forbidden = signal_number == SIGSYS && info->si_code == SECCOMP_TRAPPED;
    atomic_store_explicit(&crash_board->fault_call, forbidden ? info->si_syscall + 1 : 0,
                          memory_order_relaxed);
    atomic_store_explicit(&crash_board->fault_generation, crash_generation, memory_order_release);
    /* SA_RESETHAND has put the default action back. A fault strikes again on return; a signal that was sent
     * or raised does not, so it is raised anew. */
    raise(signal_number);
}

int crash_handler_install(struct board *board, unsigned generation)
{
    crash_board = board;
    crash_generation = generation;
    stack_t stack = {.ss_sp = crash_stack, .ss_size = sizeof crash_stack};
    if (sigaltstack(&stack, NULL) < 0)
        return -errno;
    struct sigaction action = {.sa_sigaction = crash_handle,
                               .sa_flags = (int)(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND)};
    for (size_t i = 0; i < FATAL_SIGNAL_COUNT; i++)
        if (sigaction(fatal_signals[i], &action, NULL) < 0)
            return -errno;
    return 0;
}
