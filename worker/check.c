#include "worker/check.h"
#include "worker/board.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct board *note_board;
static unsigned note_generation;

void check_init(struct board *board, unsigned generation)
{
    note_board = board;
    note_generation = generation;
}

_Noreturn void check_failed(const char *file, int line, const char *expression)
{
    char note[CHECK_NOTE_BYTES];
    snprintf(note, sizeof note, "%s:%d: %s", file, line, expression);
    if (note_board) {
        for (size_t i = 0; i < sizeof note; i++)
            note_board->check_note[i] = note[i];
        atomic_store_explicit(&note_board->check_generation, note_generation, memory_order_release);
    } else {
        dprintf(STDERR_FILENO, "%s\n", note);
    }
    abort();
}
