/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator wrote, checked against a provider's table. */
#include "plugin/internal.h"

#include <strings.h>

#define SECRET_MASK_MIN 4 /* shorter ones would mask every other word */

static void source_wrap(const struct gy_setting_value *value, struct gy_error *err)
{
    if (value->source) gy_error_wrap(err, "%s", value->source);
}

static const gantry_setting *find_setting(const gantry_setting *const *settings, const char *path)
{
    for (size_t i = 0; settings[i]; i++)
        if (!strcmp(settings[i]->path, path)) return settings[i];
    return NULL;
}

static gantry_status unknown_key(const gantry_setting *const *settings, const char *path,
                                 struct gy_error *err)
{
    const char *names[256] = {NULL};
    struct gy_buf all = {0};
    size_t n = 0;
    for (; settings[n] && n < sizeof names / sizeof *names; n++) {
        names[n] = settings[n]->path;
        gy_buf_printf(&all, "%s%s", n ? ", " : "", names[n]);
    }
    const char *near = gy_nearest(path, names, n);
    if (near)
        gy_error_set(err, GANTRY_EINVAL, "unknown setting \"%s\": did you mean \"%s\"?", path,
                     near);
    else if (n == 0)
        gy_error_set(err, GANTRY_EINVAL, "unknown setting \"%s\": there are none here", path);
    else
        gy_error_set(err, GANTRY_EINVAL, "unknown setting \"%s\": there are %s", path, all.text);
    gy_buf_fini(&all);
    return GANTRY_EINVAL;
}

static bool parse_bool(const char *text, int64_t *out)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (int i = 0; i < 8; i++)
        if (!strcasecmp(text, words[i])) {
            *out = i & 1;
            return true;
        }
    return false;
}

static const char *type_words(uint32_t type)
{
    switch (type) {
    case GANTRY_SETTING_INT: return "a number";
    case GANTRY_SETTING_BOOL: return "true or false";
    case GANTRY_SETTING_STRV: return "a list of strings";
    default: return "a string";
    }
}

/* 5 is no user name and "yes" no boolean where the file can tell them apart. */
static bool is_of_type(const gantry_setting *s, const struct gy_setting_value *v)
{
    bool secret = s->type == GANTRY_SETTING_SECRET && v->given == GANTRY_SETTING_STR;
    return !v->given || v->given == s->type || secret;
}

static gantry_status check_value(const gantry_setting *s, const struct gy_setting_value *v,
                                 struct gy_error *err)
{
    int64_t number;
    struct gy_error why = GY_ERROR_INIT;
    if (!is_of_type(s, v))
        return gy_error_set(err, GANTRY_EINVAL, "%s takes %s, not %s", s->path, type_words(s->type),
                            type_words(v->given));
    if (!v->text && s->type != GANTRY_SETTING_STRV)
        return gy_error_set(err, GANTRY_EINVAL, "%s takes one value, not a list", s->path);
    if (s->type == GANTRY_SETTING_INT &&
        gy_int_parse(v->text, INT64_MIN, INT64_MAX, &number, &why) != GANTRY_OK)
        return gy_error_set(err, GANTRY_EINVAL, "%s takes a number: %s", s->path, why.text);
    if (s->type == GANTRY_SETTING_BOOL && !parse_bool(v->text, &number))
        return gy_error_set(err, GANTRY_EINVAL, "%s takes true or false, not \"%s\"", s->path,
                            v->text);
    return GANTRY_OK;
}

static void set_entry(struct gy_conf_entry *e, const gantry_setting *s,
                      const struct gy_setting_value *v)
{
    e->setting = s;
    e->n = v->text ? 1 : v->list_count;
    e->values = gy_alloc_array(e->n, sizeof *e->values);
    for (size_t i = 0; i < e->n; i++)
        e->values[i] = gy_strdup(v->text ? v->text : v->list[i]);
}

static void set_fallback(struct gy_conf_entry *e, const gantry_setting *s)
{
    e->setting = s;
    if (s->type != GANTRY_SETTING_STRV) {
        const struct gy_setting_value v = {.text = s->fallback};
        set_entry(e, s, &v);
        return;
    }
    size_t cap = 0;
    gy_autofree char *copy = gy_strdup(s->fallback);
    char *save = NULL;
    for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        GY_VEC_PUSH(e->values, e->n, cap);
        e->values[e->n++] = gy_strdup(word);
    }
}

gantry_status gy_conf_build(gantry_conf *conf, const gantry_setting *const *settings,
                            const struct gy_setting_value *values, size_t n, struct gy_error *err)
{
    size_t count = 0;
    while (settings[count])
        count++;
    *conf = (gantry_conf){gy_alloc_array(count, sizeof *conf->entries), 0};
    gantry_status status = GANTRY_OK;
    for (size_t i = 0; i < n && status == GANTRY_OK; i++) {
        const gantry_setting *s = find_setting(settings, values[i].path);
        if (!s)
            status = unknown_key(settings, values[i].path, err);
        else if (gy_conf_find(conf, values[i].path))
            status = gy_error_set(err, GANTRY_EINVAL, "%s is given twice", s->path);
        else
            status = check_value(s, &values[i], err);
        if (status == GANTRY_OK)
            set_entry(&conf->entries[conf->n++], s, &values[i]);
        else
            source_wrap(&values[i], err);
    }
    for (size_t i = 0; i < count && status == GANTRY_OK; i++) {
        if (gy_conf_find(conf, settings[i]->path)) continue;
        if (settings[i]->fallback)
            set_fallback(&conf->entries[conf->n++], settings[i]);
        else
            status = gy_error_set(err, GANTRY_EINVAL, "the setting \"%s\" is required%s%s",
                                  settings[i]->path, settings[i]->doc ? ": " : "",
                                  settings[i]->doc ? settings[i]->doc : "");
    }
    if (status != GANTRY_OK) gy_conf_fini(conf);
    return status;
}

void gy_conf_fini(gantry_conf *conf)
{
    for (size_t i = 0; i < conf->n; i++) {
        struct gy_conf_entry *e = &conf->entries[i];
        for (size_t j = 0; j < e->n; j++) {
            if (e->setting->type == GANTRY_SETTING_SECRET)
                explicit_bzero(e->values[j], strlen(e->values[j]));
            free(e->values[j]);
        }
        free(e->values);
    }
    free(conf->entries);
    *conf = (gantry_conf){NULL, 0};
}

const struct gy_conf_entry *gy_conf_find(const gantry_conf *conf, const char *path)
{
    for (size_t i = 0; i < conf->n; i++)
        if (!strcmp(conf->entries[i].setting->path, path)) return &conf->entries[i];
    return NULL;
}

void gy_conf_mask(const gantry_conf *conf, char *text)
{
    for (size_t i = 0; i < conf->n; i++) {
        const struct gy_conf_entry *e = &conf->entries[i];
        if (e->setting->type != GANTRY_SETTING_SECRET || e->n == 0) continue;
        size_t len = strlen(e->values[0]);
        if (len < SECRET_MASK_MIN) continue;
        for (char *at = text; (at = strstr(at, e->values[0]));) {
            memcpy(at, "***", 3);
            memmove(at + 3, at + len, strlen(at + len) + 1);
        }
    }
}

static gantry_status check(const gantry_setting *const *settings,
                           const struct gy_setting_value *values, size_t n, struct gy_error *err)
{
    gantry_conf conf;
    gantry_status status = gy_conf_build(&conf, settings, values, n, err);
    if (status == GANTRY_OK) gy_conf_fini(&conf);
    return status;
}

gantry_status gy_settings_check(const struct gy_provider *provider,
                                const struct gy_setting_value *values, size_t n,
                                struct gy_error *err)
{
    return check(provider->settings, values, n, err);
}

gantry_status gy_settings_check_app(const struct gy_provider *provider,
                                    const struct gy_setting_value *values, size_t n,
                                    struct gy_error *err)
{
    return check(provider->app_settings, values, n, err);
}
