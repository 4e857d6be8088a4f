/* What the control group got in 10 ms: of one loop, or of all. */
#ifndef LOADTOOL_BUCKET_H
#define LOADTOOL_BUCKET_H

#include <stdint.h>

#define BUCKET_NS UINT64_C(10000000)

enum { BUCKET_MS = 10 };

struct bucket {
    uint32_t replies;           /* right ones */
    uint32_t slow;              /* of them: slower than normal */
    uint32_t unjudged;          /* of them: came when it was not known yet what is normal */
    uint32_t overdue;           /* requests that wait for longer than is normal, at its end */
    uint32_t first_ns, last_ns; /* when the first and the last reply came, from its beginning on */
    uint32_t modes;             /* a bit each: deaths that were done in it */
    uint32_t lost;              /* control clients that ended in it */
};

/* Its number, since the clock began. */
static inline uint64_t bucket_of(uint64_t ns)
{
    return ns / BUCKET_NS;
}

#endif
