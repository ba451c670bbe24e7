/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/words.h"

#define WORDS_MAX 1000

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Reads a quoted part behind the quote at *p; false when it is not closed. */
static bool read_quoted(const char **p, char quote, struct gy_buf *word)
{
    const char *c = *p;
    for (; *c && *c != quote; c++) {
        /* POSIX 2.2.3: inside double quotes a backslash escapes only these */
        if (quote == '"' && *c == '\\' && c[1] && strchr("\"\\$`", c[1])) {
            c++;
        } else if (quote == '"' && *c == '\\' && c[1] == '\n') {
            c++;
            continue;
        }
        gy_buf_add(word, c, 1);
    }
    *p = c;
    return *c == quote;
}

static void note_shell(const char *word, bool quoted, const char **shell)
{
    static const char *const signs[] = {"&&", "||", "|", ";", "&", ">", ">>", "<", "2>&1"};
    for (size_t i = 0; !quoted && i < sizeof signs / sizeof *signs; i++)
        if (!strcmp(word, signs[i])) *shell = signs[i];
}

gantry_status gy_words_split(const char *text, struct gy_strs *out, const char **shell,
                             struct gy_error *err)
{
    const char *p = text;
    size_t n = 0;
    for (;;) {
        while (is_blank(*p) || (p[0] == '\\' && p[1] == '\n'))
            p += is_blank(*p) ? 1 : 2;
        if (!*p) return GANTRY_OK;
        if (++n > WORDS_MAX)
            return gy_error_set(err, GANTRY_EINVAL, "more than %d words", WORDS_MAX);
        struct gy_buf word = {0};
        gy_buf_str(&word, "");
        bool quoted = false;
        for (; *p && !is_blank(*p); p++) {
            if (*p == '\'' || *p == '"') {
                char quote = *p++;
                quoted = true;
                if (!read_quoted(&p, quote, &word)) {
                    gy_buf_fini(&word);
                    return gy_error_set(err, GANTRY_EINVAL, "the quote %c is not closed", quote);
                }
            } else if (*p == '\\' && p[1] == '\n') {
                p++;
            } else if (*p == '\\' && p[1]) {
                gy_buf_add(&word, ++p, 1);
                quoted = true;
            } else {
                gy_buf_add(&word, p, 1);
            }
        }
        note_shell(word.text, quoted, shell);
        gy_strs_add(out, word.text);
        gy_buf_fini(&word);
    }
}
