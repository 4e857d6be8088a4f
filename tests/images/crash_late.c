/* Its workers serve, and crash at the first bytes of a client. */
/* wrap: answer_turn */
#include "worker/answer.h"
#include <stdlib.h>

enum answer_end __wrap_answer_turn(struct answerer *answerer, int fd, bool until_empty);

enum answer_end __wrap_answer_turn(struct answerer *answerer, int fd, bool until_empty)
{
    (void)answerer;
    (void)fd;
    (void)until_empty;
    abort();
}
