/*
 * A call that a test replaces (its wrap: line names it): it fails where the test's own `bool fails(const char *call)`
 * says so, which sets errno, and is made otherwise.
 */
#ifndef TEST_LOADTOOL_WRAP_H
#define TEST_LOADTOOL_WRAP_H

#define WRAP(type, name, arguments, values, failed)                                                          \
    type __real_##name arguments;                                                                            \
    type __wrap_##name arguments;                                                                            \
    type __wrap_##name arguments                                                                             \
    {                                                                                                        \
        return fails(#name) ? (failed) : __real_##name values;                                               \
    }

#endif
