#include "master/package/completion.h"

#include <ctype.h>
#include <string.h>

/* What can follow, in terms of compgen of bash. */
struct follower {
    bool files, folders;
    char words[COMPLETION_WORDS_SIZE];
};

static void add_word(char out[COMPLETION_WORDS_SIZE], const char *word, size_t length)
{
    size_t used = strlen(out);

    if (used + length + 2 > COMPLETION_WORDS_SIZE)
        return;
    snprintf(out + used, COMPLETION_WORDS_SIZE - used, "%s%.*s", used ? " " : "", (int)length, word);
}

static bool is_small_letters(const char *word, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!islower((unsigned char)word[i]) && word[i] != '-')
            return false;
    return length > 0;
}

void completion_take_words(const char *sentence, char out[COMPLETION_WORDS_SIZE])
{
    out[0] = '\0';
    if (strncmp(sentence, "one of ", 7) == 0)
        sentence += 7;
    while (*sentence) {
        size_t length = strcspn(sentence, " ,");

        if (length > 0 && !(length == 2 && strncmp(sentence, "or", 2) == 0))
            add_word(out, sentence, length);
        sentence += length;
        sentence += strspn(sentence, " ,");
    }
}

static bool is_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && strncmp(text, word, length) == 0;
}

/* One of the alternatives of an argument. */
static void take_alternative(struct follower *f, const char *text, size_t length)
{
    if (is_word(text, length, "FILE") || is_word(text, length, "PATH") || is_word(text, length, "BINARY"))
        f->files = true;
    else if (is_word(text, length, "DIR"))
        f->folders = true;
    else if (is_small_letters(text, length))
        add_word(f->words, text, length);
}

/* "PATH|off", "[BINARY]" */
static void take_argument(struct follower *f, const char *argument, size_t length)
{
    while (length > 0) {
        size_t piece = 0;

        while (piece < length && argument[piece] != '|')
            piece++;
        take_alternative(f, argument, piece);
        piece += piece < length;
        argument += piece;
        length -= piece;
    }
}

static bool follows_nothing(const struct follower *f)
{
    return !f->files && !f->folders && !f->words[0];
}

static void write_flags(FILE *out, const struct follower *f)
{
    fprintf(out, "%s%s", f->files ? " -f" : "", f->folders ? " -d" : "");
    if (f->words[0])
        fprintf(out, " -W '%s'", f->words);
}

/* ---- the value of an option ---- */

static void write_case(FILE *out, const struct completion_option *option)
{
    struct follower f = {0};

    if (option->words[0])
        snprintf(f.words, sizeof f.words, "%s", option->words);
    else
        take_argument(&f, option->argument, strlen(option->argument));
    fputs("    ", out);
    if (option->letter)
        fprintf(out, "-%c | ", option->letter);
    fprintf(out, "--%s) ", option->name);
    if (f.files || f.folders)
        fputs("compopt -o filenames 2>/dev/null; ", out);
    if (!follows_nothing(&f)) {
        fputs("mapfile -t COMPREPLY < <(compgen", out);
        write_flags(out, &f);
        fputs(option->is_list ? " -P \"${word%\"${word##*,}\"}\" -- \"${word##*,}\"); " : " -- \"$word\"); ",
              out);
    }
    fputs("return ;;\n", out);
}

/* ---- subcommands ---- */

/* The options among the words of `arguments`, into `options`; what else may stand there, into *f. */
static void split_arguments(const char *arguments, struct follower *f, char options[COMPLETION_WORDS_SIZE])
{
    while (*arguments) {
        size_t length;

        arguments += strspn(arguments, " []");
        length = strcspn(arguments, " []");
        if (strncmp(arguments, "--", 2) == 0) {
            add_word(options, arguments, length);
            if (arguments[length] == ' ') /* what follows within the brackets is its argument */
                length += strcspn(arguments + length, "]");
        } else {
            take_argument(f, arguments, length);
        }
        arguments += length;
    }
}

static void write_subcommand(FILE *out, const struct completion_subcommand *subcommand)
{
    struct follower f = {0};
    char options[COMPLETION_WORDS_SIZE] = "";

    split_arguments(subcommand->arguments, &f, options);
    if (subcommand->words[0])
        add_word(f.words, subcommand->words, strlen(subcommand->words));
    fprintf(out, "        %s) options=\"%s%s%s%s\" words='%s' flags=%s ;;\n", subcommand->name,
            subcommand->takes_options ? "$options " : "", options, options[0] && subcommand->more ? " " : "",
            subcommand->more ? subcommand->more : "", f.words,
            f.files     ? "-f"
            : f.folders ? "-d"
                        : "");
}

/* ---- the whole ---- */

static void write_function_name(FILE *out, const char *program)
{
    putc('_', out);
    for (; *program; program++)
        putc(isalnum((unsigned char)*program) ? *program : '_', out);
}

static void write_beginning(FILE *out, const char *program)
{
    fprintf(out, "# bash completion of %s, made from its table of options.\n", program);
    write_function_name(out, program);
    fputs("()\n"
          "{\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
          "    if [[ $word == = ]]; then # \"--option=value\" comes as three words\n"
          "        word=\n"
          "    elif [[ $before == = ]] && ((COMP_CWORD > 1)); then\n"
          "        before=${COMP_WORDS[COMP_CWORD - 2]}\n"
          "    fi\n"
          "    COMPREPLY=()\n"
          "    case $before in\n",
          out);
}

static void write_names(FILE *out, const struct completion *completion)
{
    fputs("    esac\n    local words='' flags='' options='", out);
    for (size_t i = 0, written = 0; i < completion->option_count; i++)
        if (!completion->options[i].of_subcommand)
            fprintf(out, "%s--%s", written++ ? " " : "", completion->options[i].name);
    fputs("'\n    if ((COMP_CWORD == 1)); then\n        words='", out);
    for (size_t i = 0; i < completion->subcommand_count; i++)
        fprintf(out, "%s%s", i ? " " : "", completion->subcommands[i].name);
    fputs("'\n    else\n        case ${COMP_WORDS[1]} in\n", out);
}

void completion_write_bash(FILE *out, const struct completion *completion)
{
    write_beginning(out, completion->program);
    for (size_t i = 0; i < completion->option_count; i++)
        if (completion->options[i].argument[0])
            write_case(out, &completion->options[i]);
    write_names(out, completion);
    for (size_t i = 0; i < completion->subcommand_count; i++)
        write_subcommand(out, &completion->subcommands[i]);
    fputs("        esac\n"
          "    fi\n"
          "    [[ $word != -* ]] || words=$options flags=''\n"
          "    [[ -z $flags ]] || compopt -o filenames 2>/dev/null\n"
          "    # shellcheck disable=SC2086 # no flag is no word\n"
          "    mapfile -t COMPREPLY < <(compgen $flags -W \"$words\" -- \"$word\")\n"
          "}\n"
          "complete -F ",
          out);
    write_function_name(out, completion->program);
    fprintf(out, " %s\n", completion->program);
}
