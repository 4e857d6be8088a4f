#include "worker/sandbox.h"
#include "worker/heritage.h"
#include "worker/landlock.h"
#include "worker/sandbox_filter.h"
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- words ---- */

static const char *const mode_names[SANDBOX_MODE_COUNT] = {
    [SANDBOX_OFF] = "off", [SANDBOX_LOG] = "log", [SANDBOX_ON] = "on"};

const char *sandbox_mode_name(enum sandbox_mode mode)
{
    return mode < SANDBOX_MODE_COUNT ? mode_names[mode] : "?";
}

int sandbox_mode_parse(const char *word, enum sandbox_mode *mode)
{
    for (int i = 0; i < SANDBOX_MODE_COUNT; i++)
        if (strcmp(word, mode_names[i]) == 0) {
            *mode = (enum sandbox_mode)i;
            return 0;
        }
    return -EINVAL;
}

const char *sandbox_step_name(enum sandbox_step step)
{
    static const char *const names[SANDBOX_STEP_COUNT] = {
        [SANDBOX_PAGES] = "pages",       [SANDBOX_RLIMITS] = "rlimits",
        [SANDBOX_USER] = "user",         [SANDBOX_NO_NEW_PRIVS] = "no_new_privs",
        [SANDBOX_LANDLOCK] = "landlock", [SANDBOX_SECCOMP] = "seccomp"};
    return step < SANDBOX_STEP_COUNT ? names[step] : "?";
}

const char *sandbox_result_name(enum sandbox_result result)
{
    static const char *const names[] = {[SANDBOX_LEFT_OUT] = "left_out",
                                        [SANDBOX_APPLIED] = "applied",
                                        [SANDBOX_UNSUPPORTED] = "unsupported",
                                        [SANDBOX_FAILED] = "failed"};
    return names[result & 3];
}

/* ---- before there is a worker ---- */

/* Of the list: 0, or what went wrong. Of Landlock: its version, or likewise. */
static int prepared_list = -ENODATA, prepared_abi = -ENODATA;

const char *sandbox_unfit(void)
{
    const char *preload = getenv("LD_PRELOAD");
#ifdef SANDBOX_UNFIT
    return SANDBOX_UNFIT;
#endif
    if (preload && strstr(preload, "vgpreload"))
        return "valgrind";
    return preload && *preload ? "LD_PRELOAD" : NULL;
}

void sandbox_prepare(enum sandbox_mode mode)
{
    if (mode == SANDBOX_OFF || sandbox_unfit())
        return;
    prepared_list = sandbox_filter_build(mode);
    prepared_abi = landlock_abi();
}

void sandbox_prepare_table(void)
{
    if (prepared_abi > 0)
        heritage_place(landlock_make_rules(prepared_abi), FD_RULESET);
}

/* ---- the steps ---- */

static enum sandbox_result result_of(int error)
{
    switch (-error) {
    case 0:
        return SANDBOX_APPLIED;
    case ENOSYS:     /* no such call */
    case EOPNOTSUPP: /* Landlock: not switched on; libseccomp: not in this kernel */
    case EINVAL:     /* seccomp: built without filters */
    case EPERM:      /* a sandbox around ours forbids it */
        return SANDBOX_UNSUPPORTED;
    default:
        return SANDBOX_FAILED;
    }
}

static int protect(void *from, size_t size, int protection)
{
    return mprotect(from, size, protection) < 0 ? -errno : 0;
}

/* The kernel holds the worker to what board.h says: a field has one writer. Pids, orders, deaths, settings and the
 * supervisor's memory are not the worker's to write, and the journals of others it cannot even read. Its own is never
 * touched: bytes may be in it that are still to be answered. */
static int apply_pages(struct shared_pages *pages, unsigned slot)
{
    if (sysconf(_SC_PAGESIZE) != BOARD_BYTES)
        return -EOPNOTSUPP;
    const size_t before = slot * sizeof pages->journals[0];
    const size_t behind = sizeof pages->journals - before - CHUNK_BYTES_MAX;
    int error =
        protect(&pages->orders,
                offsetof(struct shared_pages, journals) - offsetof(struct shared_pages, orders), PROT_READ);
    if (!error)
        error = protect(&shared_board(pages, slot)->current, BOARD_BYTES, PROT_READ | PROT_WRITE);
    if (!error)
        error = protect(pages->journals, before, PROT_NONE);
    return error ? error : protect(pages->journals[slot] + CHUNK_BYTES_MAX, behind, PROT_NONE);
}

static int limit(__rlimit_resource_t resource)
{
    const struct rlimit none = {0};
    return setrlimit(resource, &none) < 0 ? -errno : 0;
}

/* What is there already is not touched: the keepers are processes, the shared pages are a file. A core dump is written by
 * the dying process itself. */
static int apply_rlimits(bool core)
{
    int error = limit(RLIMIT_NPROC);
    return error || core ? error : limit(RLIMIT_FSIZE);
}

/* By raw calls: those of libc would also look for threads. */
static int apply_user(const struct sandbox_plan *plan, bool core)
{
    const gid_t gid = plan->gid;
    const uid_t uid = plan->uid;
    if (syscall(SYS_setgroups, 0, NULL) < 0)
        return -errno;
    if ((plan->drops & SANDBOX_DROPS_GROUP) && syscall(SYS_setresgid, gid, gid, gid) < 0)
        return -errno;
    if ((plan->drops & SANDBOX_DROPS_USER) && syscall(SYS_setresuid, uid, uid, uid) < 0)
        return -errno;
    if (core)
        prctl(PR_SET_DUMPABLE, 1); /* the change of ids has taken it away */
    return 0;
}

static int give_up_new_privileges(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

static uint32_t noted(enum sandbox_step step, int error)
{
    return (uint32_t)result_of(error) << (2 * step);
}

/* The rules that were made with the table, unless a worker before us has closed them. Its own ones take a free number
 * for a moment, as a connection would. */
static int obey_rules(void)
{
    int error = prepared_abi < 0 ? prepared_abi : landlock_obey(FD_RULESET);
    if (error != -EBADF && error != -EBADFD)
        return error;
    int rules = landlock_make_rules(prepared_abi);
    error = rules < 0 ? rules : landlock_obey(rules);
    if (rules >= 0)
        close(rules);
    return error;
}

/* Landlock would keep a core dump from being written, too. */
static uint32_t confine_files(bool core)
{
    if (core)
        return 0;
    int error = obey_rules();
    return noted(SANDBOX_LANDLOCK, error) | (uint32_t)(error ? 0 : prepared_abi) << 16;
}

uint32_t sandbox_apply(struct shared_pages *pages, unsigned slot, const struct sandbox_plan *plan, bool core)
{
    enum sandbox_mode mode = sandbox_unfit() ? SANDBOX_OFF : (enum sandbox_mode)plan->mode;
    uint32_t outcome = SANDBOX_TOLD | (uint32_t)mode << 24;
    pid_t self = getpid();
    if (mode == SANDBOX_ON) {
        outcome |= noted(SANDBOX_PAGES, apply_pages(pages, slot));
        outcome |= noted(SANDBOX_RLIMITS, apply_rlimits(core));
    }
    if (plan->drops) {
        if (apply_user(plan, core) < 0)
            return 0;
        outcome |= noted(SANDBOX_USER, 0);
    }
    if (mode == SANDBOX_OFF)
        return outcome;
    outcome |= noted(SANDBOX_NO_NEW_PRIVS, give_up_new_privileges());
    if (mode == SANDBOX_ON)
        outcome |= confine_files(core);
    return outcome |
           noted(SANDBOX_SECCOMP, prepared_list < 0 ? prepared_list : sandbox_filter_install(self, slot));
}
