/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of values.  A number may be quoted and a word may look like a number: what a value is
 * follows from its key, as in Compose. */
#include "base/time.h"
#include "compose/load.h"
#include "compose/words.h"

#define PAIRS_MAX 1000

static const char *kind_name(const struct gy_yaml *y)
{
    switch (y->kind) {
    case GY_YAML_LIST: return "a list";
    case GY_YAML_MAP: return "a map";
    case GY_YAML_NULL: return "nothing";
    default: return "a word";
    }
}

static bool is_absent(const struct gy_yaml *y)
{
    return !y || y->kind == GY_YAML_NULL;
}

gantry_status gy_compose_text(struct gy_loader *l, const struct gy_yaml *y, const char **out)
{
    if (is_absent(y)) return GANTRY_OK;
    if (y->kind != GY_YAML_SCALAR)
        return gy_compose_fail(l, y, "must be a string, not %s", kind_name(y));
    *out = y->text;
    return GANTRY_OK;
}

gantry_status gy_compose_string(struct gy_loader *l, const struct gy_yaml *y, char **out)
{
    const char *text = NULL;
    gantry_status status = gy_compose_text(l, y, &text);
    if (status || !text) return status;
    if (!*text) return gy_compose_fail(l, y, "must not be empty");
    free(*out);
    *out = gy_strdup(text);
    return GANTRY_OK;
}

gantry_status gy_compose_bool(struct gy_loader *l, const struct gy_yaml *y, bool *out)
{
    static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes", "YES",
                                      "on",   "On",   "ON",   "y",   "Y",   "1"};
    static const char *const no[] = {"false", "False", "FALSE", "no", "No", "NO",
                                     "off",   "Off",   "OFF",   "n",  "N",  "0"};
    const char *text = NULL;
    gantry_status status = gy_compose_text(l, y, &text);
    if (status || !text) return status;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        if (strcmp(text, yes[i]) != 0 && strcmp(text, no[i]) != 0) continue;
        *out = !strcmp(text, yes[i]);
        return GANTRY_OK;
    }
    return gy_compose_fail(l, y, "\"%.60s\" must be true or false", text);
}

gantry_status gy_compose_int(struct gy_loader *l, const struct gy_yaml *y, int64_t min, int64_t max,
                             int64_t *out)
{
    const char *text = NULL;
    gantry_status status = gy_compose_text(l, y, &text);
    if (status || !text) return status;
    if (gy_int_parse(text, min, max, out, l->err)) return gy_compose_wrap(l, y);
    return GANTRY_OK;
}

gantry_status gy_compose_duration(struct gy_loader *l, const struct gy_yaml *y, int64_t min_ms,
                                  int64_t max_ms, int64_t *ms)
{
    const char *text = NULL;
    gantry_status status = gy_compose_text(l, y, &text);
    if (status || !text) return status;
    int64_t value = 0;
    if (strcmp(text, "0") != 0 && gy_duration_parse(text, &value, l->err))
        return gy_compose_wrap(l, y);
    if (value < min_ms || value > max_ms) {
        char least[GY_TIME_TEXT_MAX], most[GY_TIME_TEXT_MAX];
        gy_duration_format(min_ms, least);
        gy_duration_format(max_ms, most);
        return gy_compose_fail(l, y, "%.40s is out of range: %s to %s", text, least, most);
    }
    *ms = value;
    return GANTRY_OK;
}

gantry_status gy_compose_bytes(struct gy_loader *l, const struct gy_yaml *y, int64_t *bytes)
{
    const char *text = NULL;
    gantry_status status = gy_compose_text(l, y, &text);
    if (status || !text) return status;
    if (gy_bytes_parse(text, bytes, l->err)) return gy_compose_wrap(l, y);
    return GANTRY_OK;
}

/* "0.5", "2", ".25", "1.5e0" is not: thousandths exactly, without floating point. */
gantry_status gy_compose_cpus(struct gy_loader *l, const struct gy_yaml *y, int64_t *milli)
{
    const char *text = NULL;
    gantry_status status = gy_compose_text(l, y, &text);
    if (status || !text) return status;
    int64_t value = 0;
    int digits = 0, places = -1;
    const char *p = text;
    for (; (*p >= '0' && *p <= '9') || (*p == '.' && places < 0); p++) {
        if (*p == '.') {
            places = 0;
            continue;
        }
        digits++;
        if (places < 0) {
            value = value * 10 + (*p - '0') * 1000;
        } else {
            static const int unit[] = {100, 10, 1};
            if (places < 3) value += unit[places] * (*p - '0');
            if (places >= 3 && *p != '0') break;
            places++;
        }
        if (value > 100000000) break;
    }
    if (*p || !digits)
        return gy_compose_fail(l, y,
                               "\"%.60s\" is not a number of CPUs: write 0.5 or 2 (steps of "
                               "0.001, at most 100000)",
                               text);
    *milli = value;
    return GANTRY_OK;
}

gantry_status gy_compose_is_map(struct gy_loader *l, const struct gy_yaml *y)
{
    return y->kind == GY_YAML_MAP ? GANTRY_OK
                                  : gy_compose_fail(l, y, "must be a map, not %s", kind_name(y));
}

gantry_status gy_compose_is_list(struct gy_loader *l, const struct gy_yaml *y)
{
    return y->kind == GY_YAML_LIST ? GANTRY_OK
                                   : gy_compose_fail(l, y, "must be a list, not %s", kind_name(y));
}

gantry_status gy_compose_strings(struct gy_loader *l, const struct gy_yaml *y, bool one_too,
                                 struct gy_strs *out)
{
    if (is_absent(y)) return GANTRY_OK;
    if (one_too && y->kind == GY_YAML_SCALAR) {
        gy_strs_add(out, y->text);
        return GANTRY_OK;
    }
    if (y->kind != GY_YAML_LIST)
        return gy_compose_fail(l, y, "must be a %slist of strings, not %s",
                               one_too ? "string or a " : "", kind_name(y));
    if (y->n > PAIRS_MAX)
        return gy_compose_fail(l, y, "%zu elements, at most %d are allowed", y->n, PAIRS_MAX);
    for (size_t i = 0; i < y->n; i++) {
        const char *text = NULL;
        gantry_status status = gy_compose_text(l, y->items[i], &text);
        if (status) return status;
        if (!text) return gy_compose_fail(l, y->items[i], "must be a string, not nothing");
        gy_strs_add(out, text);
    }
    return GANTRY_OK;
}

gantry_status gy_compose_argv(struct gy_loader *l, const struct gy_yaml *y, struct gy_strs *out)
{
    if (is_absent(y)) return GANTRY_OK;
    if (y->kind != GY_YAML_SCALAR) return gy_compose_strings(l, y, true, out);
    const char *shell = NULL;
    if (gy_words_split(y->text, out, &shell, l->err)) return gy_compose_wrap(l, y);
    if (shell)
        gy_compose_warn(l, y,
                        "\"%s\" goes to the program as a word, no shell reads it: for a shell "
                        "write [\"sh\", \"-c\", \"...\"]",
                        shell);
    return GANTRY_OK;
}

static gantry_status add_pair(struct gy_loader *l, const struct gy_yaml *at, const char *key,
                              const char *value,
                              const char *(*unset)(struct gy_loader *l, const char *key),
                              struct gy_map *out)
{
    if (!*key) return gy_compose_fail(l, at, "a name is missing before =");
    if (strlen(key) > 255) return gy_compose_fail(l, at, "a name of more than 255 bytes");
    if (!value) value = unset ? unset(l, key) : "";
    if (value) gy_map_set(out, key, value);
    return GANTRY_OK;
}

gantry_status gy_compose_pairs(struct gy_loader *l, const struct gy_yaml *y,
                               const char *(*unset)(struct gy_loader *l, const char *key),
                               struct gy_map *out)
{
    if (is_absent(y)) return GANTRY_OK;
    if (y->kind == GY_YAML_SCALAR)
        return gy_compose_fail(l, y, "must be a map (NAME: value) or a list of NAME=value");
    if (y->n > PAIRS_MAX)
        return gy_compose_fail(l, y, "%zu elements, at most %d are allowed", y->n, PAIRS_MAX);
    for (size_t i = 0; i < y->n; i++) {
        const struct gy_yaml *item = y->items[i];
        const char *text = NULL;
        gantry_status status = gy_compose_text(l, item, &text);
        if (status) return status;
        if (y->kind == GY_YAML_MAP) {
            status = add_pair(l, item, item->key, text, unset, out);
        } else {
            if (!text) return gy_compose_fail(l, item, "must be NAME=value, not nothing");
            const char *equals = strchr(text, '=');
            gy_autofree char *key =
                gy_strndup(text, equals ? (size_t)(equals - text) : strlen(text));
            status = add_pair(l, item, key, equals ? equals + 1 : NULL, unset, out);
        }
        if (status) return status;
    }
    return GANTRY_OK;
}

gantry_status gy_compose_word(struct gy_loader *l, const struct gy_yaml *y,
                              const char *const *words, int *index)
{
    const char *text = NULL;
    gantry_status status = gy_compose_text(l, y, &text);
    if (status || !text) return status;
    struct gy_buf known = {0};
    for (int i = 0; words[i]; i++) {
        if (!strcmp(words[i], text)) {
            gy_buf_fini(&known);
            *index = i;
            return GANTRY_OK;
        }
        gy_buf_printf(&known, "%s%s", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
    }
    status = gy_compose_fail(l, y, "\"%.60s\" must be %s", text, known.text);
    gy_buf_fini(&known);
    return status;
}
