/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a Compose file.  What loads has a normal form that loads to the same apps.  Behind a
 * byte 0xff come the texts that the file finds under any name: first Compose files, then others. */
#include "compose/compose.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct parts {
    const char *text[3];
    size_t len[3];
};

static const char *environment(void *arg, const char *name)
{
    (void)arg;
    return !strcmp(name, "A") ? "1" : !strcmp(name, "E") ? "" : !strcmp(name, "D") ? "$A" : NULL;
}

static gantry_status read_part(void *arg, const char *path, char **bytes, size_t *len,
                               struct gy_error *err)
{
    const struct parts *p = arg;
    int i = gy_ends_with(path, ".yaml") ? 1 : 2;
    if (!p->text[i]) return gy_error_set(err, GANTRY_ENOTFOUND, "%s: no such file", path);
    *bytes = gy_strndup(p->text[i], p->len[i]);
    *len = strlen(*bytes);
    return GANTRY_OK;
}

static void check_again(const struct gy_compose *c)
{
    struct gy_error err = GY_ERROR_INIT;
    gy_autofree char *form = gy_compose_format(c);
    const struct gy_compose_input in = {.text = form, .len = strlen(form)};
    if (in.len > GY_COMPOSE_TEXT_MAX) return; /* aliases written out */
    struct gy_compose again = {0};
    bool loads = gy_compose_load(&in, &again, &err) == GANTRY_OK;
    if (!loads) fprintf(stderr, "%s\n%s\n", err.text, form);
    GY_ASSERT(loads);
    GY_ASSERT(again.n == c->n && gy_streq(again.project, c->project));
    for (size_t i = 0; i < c->n; i++)
        GY_ASSERT(gy_shape_equal(&gy_app_shape, &c->apps[i], &again.apps[i]));
    gy_autofree char *second = gy_compose_format(&again);
    GY_ASSERT(!strcmp(form, second));
    gy_compose_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct parts parts = {{NULL}, {0}};
    const char *p = (const char *)bytes, *end = p + len;
    for (int i = 0; i < 3 && p; i++) {
        const char *stop = i < 2 && p < end ? memchr(p, 0xff, (size_t)(end - p)) : NULL;
        parts.text[i] = p;
        parts.len[i] = (size_t)((stop ? stop : end) - p);
        p = stop ? stop + 1 : NULL;
    }
    static const char *const profiles[] = {"debug"};
    const struct gy_compose_input in = {.text = len ? parts.text[0] : "",
                                        .len = parts.len[0],
                                        .folder_name = "fuzz",
                                        .profiles = profiles,
                                        .profile_count = 1,
                                        .env = environment,
                                        .read = read_part,
                                        .arg = &parts};
    struct gy_compose c = {0};
    struct gy_error err = GY_ERROR_INIT;
    if (gy_compose_load(&in, &c, &err)) {
        GY_ASSERT(err.text[0] && !c.apps && !c.warnings.items);
        return 0;
    }
    check_again(&c);
    gy_compose_fini(&c);
    return 0;
}
