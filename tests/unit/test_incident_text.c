/* Incident reports: what stands in one, of the death, of the suspect, and of the connections. */
#include "tests/support/cmocka_all.h"

#include "tests/support/incident_fixture.h"

#include <stdio.h>
#include <string.h>

/* ---- the death ---- */

static void content__death_alone__who_why_and_when(void **state)
{
    (void)state;
    death.report.fault_signal = 11;
    death.report.fault_address = 0xbeef;
    strcpy(death.report.call, "openat");
    death.report.facts.in_service = true;
    death_happen(DEATH_GENERATION);
    death_expect_line("worker:       2");
    death_expect_line("generation:   4");
    death_expect_line("pid:          4711");
    death_expect_line("cause:        SIGSEGV");
    death_expect_line("fault:        at address 0xbeef");
    death_expect_line("call:         openat, which the sandbox forbids");
    death_expect_line("uptime:       1500 ms");
    death_expect_line("phase:        answering, inside the service");
    death_expect_line("next:         respawn");
    death_expect_line("held:         12");
    death_expect_no("gap:");
    death_expect_no("killed for:");
    death_expect_no("check:");
}

static void content__signal_of_another_process__its_sender(void **state)
{
    (void)state;
    death.report.fault_signal = 11;
    death.report.fault_sender = 4242;
    death_happen(DEATH_GENERATION);
    death_expect_line("fault:        none, process 4242 sent the signal");
}

static void content__kernel_took_it_for_its_memory__said(void **state)
{
    (void)state;
    death.report.facts.kind = DEATH_OOM;
    snprintf(death.report.cause, sizeof death.report.cause, "SIGKILL");
    death_happen(DEATH_GENERATION);
    death_expect_line("cause:        SIGKILL, the kernel, for want of memory");
}

static void content__our_kill_and_a_check__named(void **state)
{
    (void)state;
    death.report.killed_for = KILL_HANG_BUSY;
    snprintf(death.report.check_note, sizeof death.report.check_note, "a.c:1: x");
    death_happen(DEATH_GENERATION);
    death_expect_line("killed for:   hang_busy");
    death_expect_line("check:        a.c:1: x");
}

static void content__successor_served__what_became_of_the_connections(void **state)
{
    (void)state;
    death_happen(DEATH_GENERATION);
    death_replace();
    death_settle_and_flush();
    death_expect_line("gap:          1.723 ms");
    death_expect_line("continued:    11");
    death_expect_line("bytes owed:   3 connections");
    death_expect_line("redone:       5");
    death_expect_line("adopted:      1");
    death_expect_line("reset:        2");
    death_expect_line("closed:       4");
}

static void content__what_the_policy_did_next__in_words(void **state)
{
    (void)state;
    death.after.recover_how = RECOVER_RESET_SUSPECT;
    death_happen(DEATH_GENERATION);
    death_expect_line("next:         respawn, suspect reset");
}

static void content__all_reset__in_words(void **state)
{
    (void)state;
    death.after.recover_how = RECOVER_RESET_ALL;
    death_happen(DEATH_GENERATION);
    death_expect_line("next:         respawn, all connections of the slot reset");
}

static void content__slot_rests__in_words(void **state)
{
    (void)state;
    death.after.phase = SLOT_RESTING;
    death_happen(DEATH_GENERATION);
    death_expect_line("next:         rest: too many deaths without an answer");
}

static void content__slot_ends__none(void **state)
{
    (void)state;
    death.after.phase = SLOT_ENDED;
    death_happen(DEATH_GENERATION);
    death_expect_line("next:         none");
    death_expect_line("suspect:      descriptor 169"); /* still the one it died at */
}

/* ---- the suspect ---- */

static void note_suspect(uint32_t generation, uint32_t queue_bytes)
{
    struct suspect_note *note = &death.board.suspect_note;

    note->unread = 300;
    note->unsent = 7;
    note->bytes_received = 1234;
    note->bytes_acked = 567;
    snprintf(note->peer, sizeof note->peer, "127.0.0.1:4242");
    note->queue_bytes = queue_bytes;
    for (size_t i = 0; i < sizeof note->queue; i++)
        note->queue[i] = (unsigned char)(i + 0x3a);
    atomic_store(&note->generation, generation);
    death.after.suspect = DEATH_SUSPECT;
}

static void content__suspect__peer_counts_and_bytes(void **state)
{
    (void)state;
    note_suspect(DEATH_GENERATION + 1, 18);
    death_happen(DEATH_GENERATION);
    death_settle_and_flush();
    death_expect_line("suspect:      descriptor 169");
    death_expect_line("  peer:       127.0.0.1:4242");
    death_expect_line("  received:   1234 bytes");
    death_expect_line("  acked:      567 bytes");
    death_expect_line("  unread:     300 bytes");
    death_expect_line("  unsent:     7 bytes");
    death_expect_line("  queue:      first 18 bytes");
    death_expect_line("  0000  3a 3b 3c 3d 3e 3f 40 41 42 43 44 45 46 47 48 49  :;<=>?@ABCDEFGHI");
    death_expect_line("  0010  4a 4b                                            JK");
}

static void content__bytes_that_are_no_text__dots(void **state)
{
    (void)state;
    note_suspect(DEATH_GENERATION + 1, 3);
    death.board.suspect_note.queue[0] = '\n';
    death.board.suspect_note.queue[1] = 0x7f;
    death.board.suspect_note.queue[2] = 0xff;
    death_happen(DEATH_GENERATION);
    death_settle_and_flush();
    death_expect_line("  0000  0a 7f ff                                         ...");
}

static void content__no_client_data_wanted__counts_alone(void **state)
{
    (void)state;
    note_suspect(DEATH_GENERATION + 1, 0);
    death_happen(DEATH_GENERATION);
    death_settle_and_flush();
    death_expect_line("  queue:      first 0 bytes");
    death_expect_no("  0000");
}

/* The board is not trusted: what stands there must not be read beyond its end. */
static void content__absurd_count_on_the_board__capped(void **state)
{
    (void)state;
    note_suspect(DEATH_GENERATION + 1, 0xffffffff);
    memset(death.board.suspect_note.peer, 'p', sizeof death.board.suspect_note.peer);
    death_happen(DEATH_GENERATION);
    death_settle_and_flush();
    death_expect_line("  queue:      first 1024 bytes");
    death_expect_no("  0400");
}

static void content__note_of_another_generation__not_mixed_up(void **state)
{
    (void)state;
    note_suspect(DEATH_GENERATION, 18);
    death_happen(DEATH_GENERATION);
    death_expect_line("suspect:      descriptor 169");
    death_expect_no("peer:");
}

static void content__nobody_suspect__said_so(void **state)
{
    (void)state;
    death.report.facts.suspect = 0;
    death_happen(DEATH_GENERATION);
    death_expect_line("suspect:      none");
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, death_open, death_close)
    const struct CMUnitTest tests[] = {
        TEST(content__death_alone__who_why_and_when),
        TEST(content__signal_of_another_process__its_sender),
        TEST(content__kernel_took_it_for_its_memory__said),
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
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
