/* Incident reports: what stands in them, which are kept, and what a directory in trouble costs. */
/* wrap: openat open access */
#include "tests/support/cmocka_all.h"

#include "master/incident.h"
#include "tests/support/log_capture.h"
#include "worker/clock.h"
#include "worker/limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GENERATION = 4, SLOT = 2, SUSPECT = FIRST_CONNECTION + 9 };

static char dir[64];
static struct board board;
static struct incident incident;
static struct incident_ring ring;
static struct death_report report;
static struct slot_memory after;

static bool disk_is_full, no_descriptor, no_right;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...)
{
    errno = EMFILE;
    return no_descriptor ? -1 : __real_open(path, flags);
}

int __real_access(const char *path, int mode);
int __wrap_access(const char *path, int mode);

int __wrap_access(const char *path, int mode)
{
    errno = EACCES;
    return no_right ? -1 : __real_access(path, mode);
}

int __real_openat(int dir_fd, const char *path, int flags, ...);
int __wrap_openat(int dir_fd, const char *path, int flags, ...);

/* The file is there and takes nothing: /dev/full says ENOSPC to every write. */
int __wrap_openat(int dir_fd, const char *path, int flags, ...)
{
    va_list arguments;
    mode_t mode;

    va_start(arguments, flags);
    mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (no_right) {
        errno = EACCES;
        return -1;
    }
    if (disk_is_full && flags & O_CREAT)
        return __real_open("/dev/full", O_WRONLY | O_CLOEXEC);
    return __real_openat(dir_fd, path, flags, mode);
}

/* Of a file in the directory; valid until the next call. */
static const char *path_of(const char *name)
{
    static char path[sizeof dir + 256];

    snprintf(path, sizeof path, "%s/%.254s", dir, name);
    return path;
}

static int begin(void **state)
{
    (void)state;
    memset(&board, 0, sizeof board);
    incident = (struct incident){0};
    disk_is_full = no_descriptor = no_right = false;
    after = (struct slot_memory){.phase = SLOT_STARTING};
    report = (struct death_report){
        .facts = {.kind = DEATH_CRASH, .suspect = SUSPECT},
        .pid = 4711,
        .cause = "SIGSEGV",
        .time_ns = 5000000000,
        .uptime_ms = 1500,
        .connection_count = 12,
        .phase = PHASE_ANSWERING,
    };
    snprintf(dir, sizeof dir, "/tmp/prefork-upper-incident-XXXXXX");
    log_capture_begin();
    return mkdtemp(dir) ? 0 : -1;
}

static int list(const char *path, char names[][256], int count_max)
{
    DIR *stream = opendir(path);
    struct dirent *entry;
    int count = 0;

    if (!stream)
        return -1;
    while ((entry = readdir(stream)) && count < count_max)
        if (entry->d_name[0] != '.')
            snprintf(names[count++], 256, "%s", entry->d_name);
    closedir(stream);
    return count;
}

static int finish(void **state)
{
    static char names[200][256];
    int count = list(dir, names, 200);

    (void)state;
    for (int i = 0; i < count; i++)
        unlink(path_of(names[i]));
    rmdir(dir);
    log_capture_end();
    return 0;
}

static void die(uint32_t generation)
{
    incident_begin(&incident, dir, &ring, &report, SLOT, generation, &after);
}

static void settle_and_flush(void)
{
    incident_settle(&incident, &board);
    incident_flush(&incident, dir);
}

/* The text of the one report in the directory. */
static const char *read_only_report(void)
{
    static char names[2][256], text[16384];
    FILE *file;
    size_t length;

    assert_int_equal(list(dir, names, 2), 1);
    file = fopen(path_of(names[0]), "re");
    assert_non_null(file);
    length = fread(text, 1, sizeof text - 1, file);
    text[length] = '\0';
    fclose(file);
    return text;
}

static void expect_line(const char *line)
{
    const char *text = read_only_report();
    const char *found = strstr(text, line);

    if (!found || (found != text && found[-1] != '\n') || found[strlen(line)] != '\n')
        fail_msg("no line \"%s\" in:\n%s", line, text);
}

static void expect_no(const char *words)
{
    const char *text = read_only_report();

    if (strstr(text, words))
        fail_msg("\"%s\" in:\n%s", words, text);
}

static void replace(void)
{
    atomic_store(&board.ready_ns, report.time_ns + 1723000);
    atomic_store(&board.recovered.continued, 11);
    atomic_store(&board.recovered.owed, 3);
    atomic_store(&board.recovered.redone, 5);
    atomic_store(&board.recovered.adopted, 1);
    atomic_store(&board.recovered.reset, 2);
    atomic_store(&board.recovered.closed, 4);
    incident_ready(&incident, &board, GENERATION + 1);
}

/* ---- the file ---- */

static void file__one_death__there_at_once_for_its_owner_alone(void **state)
{
    static char names[2][256];
    struct stat status;

    (void)state;
    umask(0);
    die(GENERATION);
    assert_int_equal(list(dir, names, 2), 1);
    assert_non_null(strstr(names[0], "-worker2-generation4.txt"));
    assert_int_equal(stat(path_of(names[0]), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

static void file__worker_that_left__none(void **state)
{
    static char names[2][256];

    (void)state;
    report.facts.kind = DEATH_LEFT;
    die(GENERATION);
    settle_and_flush();
    assert_int_equal(list(dir, names, 2), 0);
    log_capture_expect_nothing();
}

static void file__hundred_deaths__the_last_64_are_kept(void **state)
{
    static char names[200][256];
    bool first_kept = false;

    (void)state;
    for (uint32_t death = 1; death <= 100; death++)
        die(death);
    assert_int_equal(list(dir, names, 200), INCIDENT_FILE_COUNT_MAX);
    for (int i = 0; i < INCIDENT_FILE_COUNT_MAX; i++) {
        const char *generation = strstr(names[i], "generation");
        int number = generation ? atoi(generation + strlen("generation")) : 0;

        assert_true(number > 100 - INCIDENT_FILE_COUNT_MAX);
        first_kept |= number == 101 - INCIDENT_FILE_COUNT_MAX;
    }
    assert_true(first_kept);
}

static void file__others_in_the_directory__are_left_alone(void **state)
{
    static char names[200][256];
    FILE *file = fopen(path_of("a-file-of-mine"), "we");

    (void)state;
    assert_non_null(file);
    fclose(file);
    for (uint32_t death = 1; death <= INCIDENT_FILE_COUNT_MAX + 3; death++)
        die(death);
    assert_int_equal(list(dir, names, 200), INCIDENT_FILE_COUNT_MAX + 1);
    assert_int_equal(access(path_of("a-file-of-mine"), F_OK), 0);
}

/* ---- what stands in it ---- */

static void content__death_alone__who_why_and_when(void **state)
{
    (void)state;
    report.fault_signal = 11;
    report.fault_address = 0xbeef;
    strcpy(report.call, "openat");
    report.facts.in_service = true;
    die(GENERATION);
    expect_line("worker:       2");
    expect_line("generation:   4");
    expect_line("pid:          4711");
    expect_line("cause:        SIGSEGV");
    expect_line("fault:        at address 0xbeef");
    expect_line("call:         openat, which the sandbox forbids");
    expect_line("uptime:       1500 ms");
    expect_line("phase:        answering, inside the service");
    expect_line("next:         respawn");
    expect_line("held:         12");
    expect_no("gap:");
    expect_no("killed for:");
    expect_no("check:");
}

static void content__signal_of_another_process__its_sender(void **state)
{
    (void)state;
    report.fault_signal = 11;
    report.fault_sender = 4242;
    die(GENERATION);
    expect_line("fault:        none, process 4242 sent the signal");
}

static void content__kernel_took_it_for_its_memory__said(void **state)
{
    (void)state;
    report.facts.kind = DEATH_OOM;
    snprintf(report.cause, sizeof report.cause, "SIGKILL");
    die(GENERATION);
    expect_line("cause:        SIGKILL, the kernel, for want of memory");
}

static void content__our_kill_and_a_check__named(void **state)
{
    (void)state;
    report.killed_for = KILL_HANG_BUSY;
    snprintf(report.check_note, sizeof report.check_note, "a.c:1: x");
    die(GENERATION);
    expect_line("killed for:   hang_busy");
    expect_line("check:        a.c:1: x");
}

static void content__successor_served__what_became_of_the_connections(void **state)
{
    (void)state;
    die(GENERATION);
    replace();
    settle_and_flush();
    expect_line("gap:          1.723 ms");
    expect_line("continued:    11");
    expect_line("bytes owed:   3 connections");
    expect_line("redone:       5");
    expect_line("adopted:      1");
    expect_line("reset:        2");
    expect_line("closed:       4");
}

static void content__what_the_policy_did_next__in_words(void **state)
{
    (void)state;
    after.recover_how = RECOVER_RESET_SUSPECT;
    die(GENERATION);
    expect_line("next:         respawn, suspect reset");
}

static void content__all_reset__in_words(void **state)
{
    (void)state;
    after.recover_how = RECOVER_RESET_ALL;
    die(GENERATION);
    expect_line("next:         respawn, all connections of the slot reset");
}

static void content__slot_rests__in_words(void **state)
{
    (void)state;
    after.phase = SLOT_RESTING;
    die(GENERATION);
    expect_line("next:         rest: too many deaths without an answer");
}

static void content__slot_ends__none(void **state)
{
    (void)state;
    after.phase = SLOT_ENDED;
    die(GENERATION);
    expect_line("next:         none");
    expect_line("suspect:      descriptor 169"); /* still the one it died at */
}

static void note_suspect(uint32_t generation, uint32_t queue_bytes)
{
    struct suspect_note *note = &board.suspect_note;

    note->unread = 300;
    note->unsent = 7;
    note->bytes_received = 1234;
    note->bytes_acked = 567;
    snprintf(note->peer, sizeof note->peer, "127.0.0.1:4242");
    note->queue_bytes = queue_bytes;
    for (size_t i = 0; i < sizeof note->queue; i++)
        note->queue[i] = (unsigned char)(i + 0x3a);
    atomic_store(&note->generation, generation);
    after.suspect = SUSPECT;
}

static void content__suspect__peer_counts_and_bytes(void **state)
{
    (void)state;
    note_suspect(GENERATION + 1, 18);
    die(GENERATION);
    settle_and_flush();
    expect_line("suspect:      descriptor 169");
    expect_line("  peer:       127.0.0.1:4242");
    expect_line("  received:   1234 bytes");
    expect_line("  acked:      567 bytes");
    expect_line("  unread:     300 bytes");
    expect_line("  unsent:     7 bytes");
    expect_line("  queue:      first 18 bytes");
    expect_line("  0000  3a 3b 3c 3d 3e 3f 40 41 42 43 44 45 46 47 48 49  :;<=>?@ABCDEFGHI");
    expect_line("  0010  4a 4b                                            JK");
}

static void content__bytes_that_are_no_text__dots(void **state)
{
    (void)state;
    note_suspect(GENERATION + 1, 3);
    board.suspect_note.queue[0] = '\n';
    board.suspect_note.queue[1] = 0x7f;
    board.suspect_note.queue[2] = 0xff;
    die(GENERATION);
    settle_and_flush();
    expect_line("  0000  0a 7f ff                                         ...");
}

static void content__no_client_data_wanted__counts_alone(void **state)
{
    (void)state;
    note_suspect(GENERATION + 1, 0);
    die(GENERATION);
    settle_and_flush();
    expect_line("  queue:      first 0 bytes");
    expect_no("  0000");
}

/* The board is not trusted: what stands there must not be read beyond its end. */
static void content__absurd_count_on_the_board__capped(void **state)
{
    (void)state;
    note_suspect(GENERATION + 1, 0xffffffff);
    memset(board.suspect_note.peer, 'p', sizeof board.suspect_note.peer);
    die(GENERATION);
    settle_and_flush();
    expect_line("  queue:      first 1024 bytes");
    expect_no("  0400");
}

static void content__note_of_another_generation__not_mixed_up(void **state)
{
    (void)state;
    note_suspect(GENERATION, 18);
    die(GENERATION);
    expect_line("suspect:      descriptor 169");
    expect_no("peer:");
}

static void content__nobody_suspect__said_so(void **state)
{
    (void)state;
    report.facts.suspect = 0;
    die(GENERATION);
    expect_line("suspect:      none");
}

/* ---- when ---- */

static void when__successor_has_settled__one_event(void **state)
{
    int64_t now_ms = clock_now_ms();
    const char *text;

    (void)state;
    die(GENERATION);
    replace();
    incident_tick(&incident, dir, &board, now_ms);
    log_capture_expect_nothing();
    incident_tick(&incident, dir, &board, now_ms + 2 * INCIDENT_SETTLE_MS);
    text = log_capture_expect("incident");
    assert_non_null(
        strstr(text, " slot=2 generation=4 cause=SIGSEGV held=12 continued=11 owed=3 redone=5 adopted=1 "));
    assert_non_null(strstr(text, " gap_ms=1.723 file=incident-"));
    incident_tick(&incident, dir, &board, now_ms + 3 * INCIDENT_SETTLE_MS);
    settle_and_flush();
    log_capture_expect_nothing();
}

static void when__another_generation_is_ready__not_its_successor(void **state)
{
    (void)state;
    die(GENERATION);
    incident_ready(&incident, &board, GENERATION);
    incident_ready(&incident, &board, GENERATION + 2);
    assert_false(incident.replaced);
    settle_and_flush();
    assert_non_null(strstr(log_capture_expect("incident"), " continued=0 "));
}

static void when__the_end__all_that_wait_are_told(void **state)
{
    static struct incident all[SLOT_COUNT_MAX];
    struct shared_pages *pages = aligned_alloc(BOARD_BYTES, sizeof *pages);

    (void)state;
    assert_non_null(pages);
    memset(pages, 0, sizeof *pages);
    for (uint32_t slot = 0; slot < 3; slot++)
        incident_begin(&all[slot], NULL, &ring, &report, slot, GENERATION, &after);
    incident_flush_all(all, NULL, pages);
    for (int slot = 0; slot < 3; slot++)
        log_capture_expect("incident");
    log_capture_expect_nothing();
    free(pages);
}

static void directory__not_wanted__event_alone(void **state)
{
    static char names[2][256];

    (void)state;
    incident_begin(&incident, NULL, &ring, &report, SLOT, GENERATION, &after);
    incident_settle(&incident, &board);
    incident_flush(&incident, NULL);
    assert_non_null(strstr(log_capture_expect("incident"), " file=none"));
    log_capture_expect_nothing();
    assert_int_equal(list(dir, names, 2), 0);
}

/* ---- trouble ---- */

static void trouble__directory_vanished__one_line_and_the_event(void **state)
{
    (void)state;
    rmdir(dir);
    die(GENERATION);
    assert_non_null(strstr(log_capture_expect("failed"), " what=incident_file slot=2 why=ENOENT"));
    settle_and_flush();
    assert_non_null(strstr(log_capture_expect("incident"), " file=none"));
    log_capture_expect_nothing();
}

static void trouble__disk_is_full__one_line_and_the_event(void **state)
{
    (void)state;
    disk_is_full = true;
    die(GENERATION);
    assert_non_null(strstr(log_capture_expect("failed"), " what=incident_file slot=2 why=ENOSPC"));
    settle_and_flush();
    assert_non_null(strstr(log_capture_expect("incident"), " file=none"));
    log_capture_expect_nothing();
}

static void trouble__disk_fills_up_later__one_line_and_the_event(void **state)
{
    (void)state;
    die(GENERATION);
    disk_is_full = true;
    settle_and_flush();
    log_capture_expect("failed");
    assert_non_null(strstr(log_capture_expect("incident"), " file=none"));
    log_capture_expect_nothing();
}

static void trouble__no_descriptor_or_no_right__one_line_and_the_event(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        no_descriptor = i == 0;
        no_right = i == 1;
        die(GENERATION);
        const char *text = log_capture_expect("failed");
        assert_non_null(strstr(text, i == 0 ? "why=EMFILE" : "why=EACCES"));
        settle_and_flush();
        assert_non_null(strstr(log_capture_expect("incident"), " file=none"));
        log_capture_expect_nothing();
    }
    no_right = false;
}

/* The oldest stay until there is a descriptor again. */
static void trouble__no_descriptor__no_file_is_removed(void **state)
{
    static char names[200][256];

    (void)state;
    for (uint32_t death = 1; death <= INCIDENT_FILE_COUNT_MAX; death++)
        die(death);
    no_descriptor = true;
    die(INCIDENT_FILE_COUNT_MAX + 1);
    no_descriptor = false;
    assert_int_equal(list(dir, names, 200), INCIDENT_FILE_COUNT_MAX);
}

/* ---- the directory ---- */

static void prepare__not_there__made_for_its_owner_alone(void **state)
{
    struct stat status;

    (void)state;
    rmdir(dir);
    assert_int_equal(incident_prepare(dir), 0);
    assert_int_equal(stat(dir, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(incident_prepare(dir), 0);
}

static void prepare__no_place_for_it__errors(void **state)
{
    (void)state;
    assert_int_equal(incident_prepare(path_of("a/b")), -ENOENT);
    die(GENERATION);
    assert_int_equal(incident_prepare(path_of(incident.name)), -ENOTDIR);
    no_right = true;
    assert_int_equal(incident_prepare(dir), -EACCES);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(file__one_death__there_at_once_for_its_owner_alone),
        TEST(file__worker_that_left__none),
        TEST(file__hundred_deaths__the_last_64_are_kept),
        TEST(file__others_in_the_directory__are_left_alone),
        TEST(content__death_alone__who_why_and_when),
        TEST(content__our_kill_and_a_check__named),
        TEST(content__successor_served__what_became_of_the_connections),
        TEST(content__what_the_policy_did_next__in_words),
        TEST(content__all_reset__in_words),
        TEST(content__slot_rests__in_words),
        TEST(content__slot_ends__none),
        TEST(content__suspect__peer_counts_and_bytes),
        TEST(content__bytes_that_are_no_text__dots),
        TEST(content__no_client_data_wanted__counts_alone),
        TEST(content__absurd_count_on_the_board__capped),
        TEST(content__note_of_another_generation__not_mixed_up),
        TEST(content__nobody_suspect__said_so),
        TEST(when__successor_has_settled__one_event),
        TEST(when__another_generation_is_ready__not_its_successor),
        TEST(when__the_end__all_that_wait_are_told),
        TEST(directory__not_wanted__event_alone),
        TEST(trouble__directory_vanished__one_line_and_the_event),
        TEST(trouble__disk_is_full__one_line_and_the_event),
        TEST(trouble__disk_fills_up_later__one_line_and_the_event),
        TEST(prepare__not_there__made_for_its_owner_alone),
        TEST(prepare__no_place_for_it__errors),
        TEST(content__signal_of_another_process__its_sender),
        TEST(content__kernel_took_it_for_its_memory__said),
        TEST(trouble__no_descriptor_or_no_right__one_line_and_the_event),
        TEST(trouble__no_descriptor__no_file_is_removed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
