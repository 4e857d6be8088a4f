/* doctor_write: the findings, for people, for programs, and for sysctl(8). */
#include "master/doctor.h"
#include "master/wrap.h"

#include <errno.h>
#include <jansson.h>

enum { NAME_COLUMN = 9, VALUE_COLUMN = 43, TEXT_COLUMN = 11 };

static unsigned count(const struct doctor_finding findings[DOCTOR_COUNT], enum doctor_verdict verdict)
{
    unsigned result = 0;

    for (size_t i = 0; i < DOCTOR_COUNT; i++)
        result += findings[i].verdict == verdict;
    return result;
}

static void write_paragraph(FILE *out, const char *mark, const char *text)
{
    size_t column = 0;

    if (!text[0])
        return;
    wrap_pad(out, &column, NAME_COLUMN);
    fputs(mark, out);
    column += 2;
    wrap_words(out, text, &column, TEXT_COLUMN);
    putc('\n', out);
}

static void write_finding(FILE *out, const struct doctor_check *check, const struct doctor_finding *finding)
{
    size_t column = (size_t)fprintf(out, "%s", doctor_verdict_word(finding->verdict));

    wrap_pad(out, &column, NAME_COLUMN);
    column += (size_t)fprintf(out, "%s ", check->name);
    wrap_pad(out, &column, VALUE_COLUMN);
    fprintf(out, "%s\n", finding->value[0] ? finding->value : "(empty)");
    write_paragraph(out, "  ", check->meaning);
    write_paragraph(out, "> ", finding->advice);
}

void doctor_write_text(FILE *out, const struct doctor_finding findings[DOCTOR_COUNT])
{
    for (size_t i = 0; i < DOCTOR_COUNT; i++)
        write_finding(out, doctor_check((enum doctor_id)i), &findings[i]);
    fprintf(out, "\n%u needed, %u advised, %u ok, %u unknown; nothing was changed\n",
            count(findings, DOCTOR_NEEDED), count(findings, DOCTOR_ADVISED), count(findings, DOCTOR_OK),
            count(findings, DOCTOR_UNKNOWN));
}

/* What is no UTF-8, as a name of a control group may be, is not shown. */
static json_t *text_or_null(const char *text)
{
    json_t *string = text[0] ? json_string(text) : NULL;

    return string ? string : json_null();
}

static json_t *finding_json(const struct doctor_check *check, const struct doctor_finding *finding)
{
    return json_pack("{ss ss so ss so so}", "name", check->name, "verdict",
                     doctor_verdict_word(finding->verdict), "value", text_or_null(finding->value), "meaning",
                     check->meaning, "advice", text_or_null(finding->advice), "setting",
                     text_or_null(finding->setting));
}

static json_t *findings_json(const struct doctor_finding findings[DOCTOR_COUNT])
{
    json_t *list = json_array();

    for (size_t i = 0; i < DOCTOR_COUNT; i++)
        if (json_array_append_new(list, finding_json(doctor_check((enum doctor_id)i), &findings[i])) < 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

int doctor_write_json(FILE *out, const struct doctor_finding findings[DOCTOR_COUNT])
{
    json_t *json =
        json_pack("{si si si so}", "schema", 1, "needed", (int)count(findings, DOCTOR_NEEDED), "advised",
                  (int)count(findings, DOCTOR_ADVISED), "checks", findings_json(findings));

    if (!json)
        return -ENOMEM;
    int result = json_dumpf(json, out, JSON_INDENT(2)) < 0 || putc('\n', out) == EOF ? -EIO : 0;

    json_decref(json);
    return result;
}

unsigned doctor_setting_count(const struct doctor_finding findings[DOCTOR_COUNT])
{
    unsigned result = 0;

    for (size_t i = 0; i < DOCTOR_COUNT; i++)
        result += findings[i].setting[0] != '\0';
    return result;
}

void doctor_write_fragment(FILE *out, const char *path, const struct doctor_finding findings[DOCTOR_COUNT])
{
    fprintf(out,
            "# What prefork-upper doctor advises for this machine. systemd-sysctl reads it at boot from\n"
            "# /etc/sysctl.d; at once: sysctl -p %s\n",
            path);
    for (size_t i = 0; i < DOCTOR_COUNT; i++) {
        const struct doctor_check *check = doctor_check((enum doctor_id)i);
        const struct doctor_finding *finding = &findings[i];

        if (finding->setting[0])
            fprintf(out, "\n# %s\n# It was: %s\n# %s\n%s = %s\n", check->meaning, finding->value,
                    finding->advice, check->name, finding->setting);
    }
}
