#include "tests/support/incident_fixture.h"

#include "tests/support/cmocka_all.h"
#include "tests/support/log_capture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAMES_MAX = 200 }; /* files that a test leaves at most */

struct incident_fixture death;

int death_open(void **state)
{
    (void)state;
    memset(&death.board, 0, sizeof death.board);
    death.incident = (struct incident){0};
    death.after = (struct slot_memory){.phase = SLOT_STARTING};
    death.report = (struct death_report){
        .facts = {.kind = DEATH_CRASH, .suspect = DEATH_SUSPECT},
        .pid = 4711,
        .cause = "SIGSEGV",
        .time_ns = 5000000000,
        .uptime_ms = 1500,
        .connection_count = 12,
        .phase = PHASE_ANSWERING,
    };
    snprintf(death.dir, sizeof death.dir, "/tmp/prefork-upper-incident-XXXXXX");
    log_capture_begin();
    return mkdtemp(death.dir) ? 0 : -1;
}

const char *death_path_of(const char *name)
{
    static char path[sizeof death.dir + 256];

    snprintf(path, sizeof path, "%s/%.254s", death.dir, name);
    return path;
}

int death_list(char names[][256], int count_max)
{
    DIR *stream = opendir(death.dir);
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

int death_close(void **state)
{
    static char names[NAMES_MAX][256];
    int count = death_list(names, NAMES_MAX);

    (void)state;
    for (int i = 0; i < count; i++)
        unlink(death_path_of(names[i]));
    rmdir(death.dir);
    log_capture_end();
    return 0;
}

void death_happen(uint32_t generation)
{
    incident_begin(&death.incident, death.dir, &death.ring, &death.report, DEATH_SLOT, generation,
                   &death.after);
}

void death_settle_and_flush(void)
{
    incident_settle(&death.incident, &death.board);
    incident_flush(&death.incident);
}

void death_replace(void)
{
    atomic_store(&death.board.ready_ns, death.report.time_ns + 1723000);
    atomic_store(&death.board.recovered.continued, 11);
    atomic_store(&death.board.recovered.owed, 3);
    atomic_store(&death.board.recovered.redone, 5);
    atomic_store(&death.board.recovered.adopted, 1);
    atomic_store(&death.board.recovered.reset, 2);
    atomic_store(&death.board.recovered.closed, 4);
    incident_ready(&death.incident, &death.board, DEATH_GENERATION + 1);
}

/* The text of the one report in the directory. */
static const char *read_only_report(void)
{
    static char names[2][256], text[16384];
    FILE *file;
    size_t length;

    assert_int_equal(death_list(names, 2), 1);
    file = fopen(death_path_of(names[0]), "re");
    assert_non_null(file);
    length = fread(text, 1, sizeof text - 1, file);
    text[length] = '\0';
    fclose(file);
    return text;
}

void death_expect_line(const char *line)
{
    const char *text = read_only_report();
    const char *found = strstr(text, line);

    if (!found || (found != text && found[-1] != '\n') || found[strlen(line)] != '\n')
        fail_msg("no line \"%s\" in:\n%s", line, text);
}

void death_expect_no(const char *words)
{
    const char *text = read_only_report();

    if (strstr(text, words))
        fail_msg("\"%s\" in:\n%s", words, text);
}
