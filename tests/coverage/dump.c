/*
 * Linked into every program of `make coverage`: what a process has counted goes into the files before it ends.
 *
 * Most processes of the server end by _exit(), which calls no exit handler, or by the signal of a crash. (One that gets
 * SIGKILL takes its counts with it.) A test that replaces one of these functions itself comes first: these are weak.
 */
#include <gcov.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

_Noreturn void __real__exit(int code);
_Noreturn void __wrap__exit(int code);
_Noreturn void __real_abort(void);
_Noreturn void __wrap_abort(void);
int __real_raise(int number);
int __wrap_raise(int number);

__attribute__((weak)) _Noreturn void __wrap__exit(int code)
{
    __gcov_dump();
    __real__exit(code);
}

__attribute__((weak)) _Noreturn void __wrap_abort(void)
{
    __gcov_dump();
    __real_abort();
}

__attribute__((weak)) int __wrap_raise(int number)
{
    __gcov_dump();
    return __real_raise(number);
}
