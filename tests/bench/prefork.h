/*
 * prefork: what the servers of the bench have in common, so that they differ in nothing but their loop.
 *
 * A listener on 127.0.0.1 with TCP_NODELAY (connections inherit it) or at a path, and N processes that serve from it.
 */
#ifndef TESTS_BENCH_PREFORK_H
#define TESTS_BENCH_PREFORK_H

#include <stddef.h>

enum { BENCH_BACKLOG = 4096 };

/* The whole main() of a bench server, called as `NAME WORKERS PORT|PATH`: prints "ready" when it listens, waits for
 * SIGTERM. Each child runs serve(listener), non-blocking, and dies with the parent. Returns the exit code: 64 for
 * a wrong call or a port that cannot be had. */
int prefork_main(int argc, char **argv, void (*serve)(int listener));

/* The service in place, as fast as that goes; for servers whose buffer becomes the answer. */
void prefork_upper(char *bytes, size_t count);

#endif
