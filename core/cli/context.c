/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/context.h"

#include "model/shape.h"
#include <sys/stat.h>

#define FILE_MAX (1u << 20)

char *gy_cli_context_path(void)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (config && *config == '/') return gy_printf("%s/gantry/contexts.json", config);
    return home && *home ? gy_printf("%s/.config/gantry/contexts.json", home) : NULL;
}

gantry_status gy_cli_context_load(json_t **all, struct gy_error *err)
{
    gy_autofree char *path = gy_cli_context_path(), *text = NULL;
    size_t len = 0;
    json_t *read = NULL;
    if (path) {
        struct gy_error why = GY_ERROR_INIT;
        gantry_status status = gy_file_read(path, FILE_MAX, &text, &len, &why);
        if (status != GANTRY_OK && status != GANTRY_ENOTFOUND)
            return gy_error_set(err, status, "%s", why.text);
    }
    if (text) {
        if (!(read = gy_json_parse(text, len, FILE_MAX, err)))
            return gy_error_wrap(err, "%s is damaged; repair or remove it", path);
        if (!json_is_object(json_object_get(read, "contexts"))) {
            json_decref(read);
            return gy_error_set(err, GANTRY_EINVAL,
                                "%s is damaged; repair or remove it: \"contexts\" is missing",
                                path);
        }
    } else {
        read = json_pack("{s:{}}", "contexts");
    }
    *all = read;
    return GANTRY_OK;
}

gantry_status gy_cli_context_save(const json_t *all, struct gy_error *err)
{
    gy_autofree char *path = gy_cli_context_path();
    if (!path)
        return gy_error_set(err, GANTRY_EINVAL,
                            "no place to store servers: set HOME or XDG_CONFIG_HOME");
    gy_autofree char *folder = gy_strndup(path, strlen(path) - strlen("/contexts.json"));
    gy_autofree char *text = json_dumps(all, JSON_INDENT(2));
    gantry_status status = gy_dir_make(folder, 0700, err);
    return status == GANTRY_OK ? gy_file_write(path, text, strlen(text), 0600, err) : status;
}

gantry_status gy_cli_context_find(const char *name, struct gy_cli_context *out,
                                  struct gy_error *err)
{
    json_t *all;
    gantry_status status = gy_cli_context_load(&all, err);
    if (status != GANTRY_OK) return status;
    if (!name) name = json_string_value(json_object_get(all, "current"));
    const json_t *found = name ? json_object_get(json_object_get(all, "contexts"), name) : NULL;
    const char *host = json_string_value(json_object_get(found, "host"));
    if (name && !host)
        status = gy_error_set(err, GANTRY_ENOTFOUND, "there is no context \"%s\"", name);
    else
        *out = (struct gy_cli_context){
            gy_strdup(host), gy_strdup(json_string_value(json_object_get(found, "token"))),
            gy_strdup(json_string_value(json_object_get(found, "namespace")))};
    json_decref(all);
    return status;
}

void gy_cli_context_fini(struct gy_cli_context *c)
{
    free(c->host);
    free(c->token);
    free(c->ns);
    *c = (struct gy_cli_context){0};
}
