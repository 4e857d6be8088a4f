/*
 * options_table: the one table of all command line options, and how the text of a value becomes the value.
 *
 * Private to the options_* files and to what makes the man page (master/package/).
 */
#ifndef MASTER_OPTIONS_TABLE_H
#define MASTER_OPTIONS_TABLE_H

#include "master/options.h"

#include <stddef.h>
#include <stdint.h>

/* When a value that a reload finds changed takes effect. */
enum option_scope {
    SCOPE_RESTART,      /* with the next start of the server */
    SCOPE_LIVE,         /* at once: it is one of the settings */
    SCOPE_COMMAND_LINE, /* it belongs to one start: no configuration file may hold it */
};

enum option_kind {
    OPTION_FLAG,       /* bool; takes no value on the command line, on or off in a file */
    OPTION_NUMBER,     /* 32-bit integer from min to max */
    OPTION_OCTAL,      /* mode_t, 0 to max */
    OPTION_DESCRIPTOR, /* int: number of an open descriptor */
    OPTION_DURATION,   /* int64_t, milliseconds */
    OPTION_TEXT,       /* const char *, not empty */
    OPTION_SWITCH,     /* bool: on or off */
    OPTION_SERVICE,    /* const struct service * */
    OPTION_LOG_LEVEL,  /* enum log_level */
    OPTION_LOG_FORMAT, /* enum log_format */
    OPTION_SANDBOX,    /* enum sandbox_mode */
    OPTION_HELP,       /* prints and ends */
    OPTION_VERSION,    /* prints and ends */
};

struct option_spec {
    const char *group;    /* heading that begins here in --help, NULL: same group as above */
    const char *name;     /* without the dashes */
    int letter;           /* of the short form, 0: none */
    const char *argument; /* as --help calls the value, NULL: takes none */
    enum option_kind kind;
    enum option_scope scope;
    size_t offset;             /* of the field in struct options */
    int64_t min, max;          /* of numbers */
    const char *accepted;      /* of texts: what is accepted; other kinds say it themselves */
    const char *default_text;  /* parsed like a value; NULL: set by options_set_defaults */
    const char *default_shown; /* in --help instead of default_text; "": nothing */
    const char *sentence;
};

#define OPTION_ACCEPTED_SIZE 128

/* The option at that place, NULL past the end. */
const struct option_spec *option_at(size_t index);

/* The option of exactly that name, or NULL; the one that was probably meant, by a typing error or as other servers
 * call it, or NULL. */
const struct option_spec *option_named(const char *name);
const struct option_spec *option_similar(const char *name, size_t length);

/* Its place in the table. */
size_t option_index(const struct option_spec *spec);

/* Parses `text` into the option's field; NULL for a flag without a value. -EINVAL: not accepted; the field is
 * untouched then. */
int option_store(const struct option_spec *spec, const char *text, struct options *options);

/* What values the option accepts, in words that can stand before "is accepted". */
void option_describe(const struct option_spec *spec, char out[OPTION_ACCEPTED_SIZE]);

/* Do both hold the same value of that option? */
bool option_equal(const struct option_spec *spec, const struct options *a, const struct options *b);

/* All fields as if no option was given. */
void options_set_defaults(struct options *options);

/* "(1 to 128; default: 4)", or nothing: what values the option takes, for --help and the man page. */
void options_format_limits(const struct option_spec *spec, char *out, size_t size);

/* What both say beside the options. */
struct help_line {
    const char *word, *sentence;
};
enum help_list { HELP_SIGNALS, HELP_EXIT_CODES, HELP_EXAMPLES };

/* The line at that place, NULL past the end. */
const struct help_line *options_help_line(enum help_list list, size_t index);

/* Prints --help to stdout. */
void options_print_help(void);

#endif
