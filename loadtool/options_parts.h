/* What the files of options.h share: options.c (parsing), options_table.c (the table), options_help.c
 * (--help), options_similar.c (typing errors), options_hint.c (values that are meant otherwise). */
#ifndef LOADTOOL_OPTIONS_PARTS_H
#define LOADTOOL_OPTIONS_PARTS_H

#include "loadtool/options.h"

/* What the parser fills: the settings, and what was said explicitly. */
struct parsed {
    struct settings *settings;
    const char *send, *expect, *arrivals, *source; /* NULL = not said */
    bool has_clients, has_duration, has_seed, has_target, has_check;
};

struct option_row {
    const char *name;
    int key; /* the short option, or a number above every character */
    const char *argument;
    const char *accepted; /* range and unit */
    const char *by_default;
    const char *sentence;
    int (*parse)(struct parsed *parsed,
                 const char *word); /* 0, or a negative errno: the word is not accepted */
};

enum { OPTIONS_MAX = 64 };

extern const struct option_row options_rows[];
extern const size_t options_row_count;

struct option_exit {
    const char *code, *sentence;
};

/* Of --help and the man page: what a target is, what an exit code says, and which one of several findings has. */
extern const char options_targets[];
extern const struct option_exit options_exits[];
extern const size_t options_exit_count;
extern const char options_exit_order[];

/* What stands before the options in --help, and a filter for argp that adds what stands behind them. */
extern const char options_doc[];
char *options_filter_help(int key, const char *text, void *input);

/* The first word of the command line that is no option, but nearly: with the name that was probably meant. NULL
 * if there is none, or nothing is near. */
const char *options_find_misspelt(int argc, char **argv, const char **meant);

/* "; did you mean ...?", or nothing. */
void options_write_hint(FILE *out, const char *option, const char *value);

/* One line on stderr. Returns EINVAL. */
int options_complain(const char *option, const char *value, const char *accepted);

/* The same, where the value is not the matter. */
int options_refuse(const char *option, const char *value, const char *why);

#endif
