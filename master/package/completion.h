/*
 * completion: a function for bash that completes the command line of a program, made from its tables.
 *
 * It needs bash alone, not the package bash-completion. What follows an option is found from how the option calls its
 * argument: FILE, PATH and BINARY are files, DIR is a folder, words in small letters are what they are ("on|off", or
 * the last part of "PATH|off"); anything else nobody can guess. Words and names are those of our own tables, so nothing is
 * quoted.
 */
#ifndef MASTER_PACKAGE_COMPLETION_H
#define MASTER_PACKAGE_COMPLETION_H

#include <stdbool.h>
#include <stdio.h>

enum { COMPLETION_OPTION_COUNT_MAX = 96, COMPLETION_SUBCOMMAND_COUNT_MAX = 32, COMPLETION_WORDS_SIZE = 512 };

struct completion_option {
    char name[32];                     /* without the dashes */
    int letter;                        /* 0: none */
    char argument[64];                 /* empty: takes none */
    char words[COMPLETION_WORDS_SIZE]; /* that may follow, with blanks between; empty: by `argument` */
    bool is_list;                      /* several of them may, with commas between */
    bool of_subcommand;                /* alone: not offered for the program itself */
};

struct completion_subcommand {
    char name[32];
    char arguments[64];                /* "[--json] LEVEL": options, or what is completed as an argument is */
    const char *more;                  /* further options, with blanks between; NULL: none */
    bool takes_options;                /* of the program too */
    char words[COMPLETION_WORDS_SIZE]; /* that may stand behind it, beside `arguments` */
};

struct completion {
    const char *program;
    struct completion_option options[COMPLETION_OPTION_COUNT_MAX];
    size_t option_count;
    struct completion_subcommand subcommands[COMPLETION_SUBCOMMAND_COUNT_MAX];
    size_t subcommand_count;
};

/* Takes the words of a sentence such as "one of error, warn, info" or "text or json", with blanks between. */
void completion_take_words(const char *sentence, char out[COMPLETION_WORDS_SIZE]);

void completion_write_bash(FILE *out, const struct completion *completion);

#endif
