#include "master/package/roff.h"

#include <ctype.h>
#include <string.h>

/* How roff(7) is to show a character that it or a font would make something else of. */
static const char *escape_of(char c)
{
    switch (c) {
    case '\\':
        return "\\e";
    case '-':
        return "\\-";
    case '\'':
        return "\\(aq";
    case '"':
        return "\\(dq";
    case '`':
        return "\\(ga";
    case '^':
        return "\\(ha";
    case '~':
        return "\\(ti";
    default:
        return NULL;
    }
}

static void write_escaped(FILE *out, const char *text)
{
    for (; *text; text++) {
        const char *escape = escape_of(*text);

        if (escape)
            fputs(escape, out);
        else
            putc(*text, out);
    }
}

/* A line that begins with a dot is a request: the \& before it makes it none. */
static void write_line(FILE *out, const char *text)
{
    if (text[0] == '.')
        fputs("\\&", out);
    write_escaped(out, text);
    putc('\n', out);
}

void roff_begin(FILE *out, const char *name, int section, const char *source)
{
    fputs(".\\\" Made from the table of options: do not edit.\n.TH \"", out);
    for (const char *c = name; *c; c++)
        if (*c == '-')
            fputs("\\-", out);
        else
            putc(toupper((unsigned char)*c), out);
    fprintf(out, "\" %d \"\" \"", section);
    write_escaped(out, source);
    fputs("\"\n.nh\n.ad l\n", out);
}

void roff_section(FILE *out, const char *heading)
{
    fputs(".SH ", out);
    write_line(out, heading);
}

void roff_subsection(FILE *out, const char *heading)
{
    fputs(".SS ", out);
    write_line(out, heading);
}

void roff_text(FILE *out, const char *text)
{
    write_line(out, text);
}

void roff_paragraph(FILE *out, const char *text)
{
    fputs(".PP\n", out);
    write_line(out, text);
}

static void write_words(FILE *out, const char *word, const char *argument)
{
    fputs("\\fB", out);
    write_escaped(out, word);
    fputs("\\fR", out);
    if (argument && argument[0]) {
        fputs(" \\fI", out);
        write_escaped(out, argument);
        fputs("\\fR", out);
    }
    putc('\n', out);
}

void roff_synopsis(FILE *out, const char *program, const char *arguments)
{
    write_words(out, program, arguments);
    fputs(".br\n", out);
}

void roff_item(FILE *out, const char *word, const char *argument, const char *text)
{
    fputs(".TP\n", out);
    write_words(out, word, argument);
    write_line(out, text);
}

void roff_begin_example(FILE *out)
{
    fputs(".PP\n.nf\n", out);
}

void roff_example(FILE *out, const char *line)
{
    fputs("\\&", out); /* blanks before the first word stay, and an empty line is one */
    write_escaped(out, line);
    putc('\n', out);
}

void roff_end_example(FILE *out)
{
    fputs(".fi\n", out);
}
