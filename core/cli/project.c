/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/project.h"

#include "cli/api.h"
#include "compose/envfile.h"
#include <errno.h>
#include <unistd.h>

static const char *const file_names[] = {"compose.yaml", "compose.yml", "docker-compose.yaml",
                                         "docker-compose.yml"};
static const char *const override_names[] = {"compose.override.yaml", "compose.override.yml",
                                             "docker-compose.override.yaml",
                                             "docker-compose.override.yml"};

struct source {
    char *file;   /* path, "-" = standard input */
    char *folder; /* absolute */
    struct gy_map dotenv;
};

static void source_fini(struct source *s)
{
    free(s->file);
    free(s->folder);
    for (size_t i = 0; i < s->dotenv.n; i++) {
        free(s->dotenv.items[i].key);
        free(s->dotenv.items[i].value);
    }
    free(s->dotenv.items);
}

static char *join(const char *folder, const char *name)
{
    return gy_printf("%s%s%s", folder, gy_ends_with(folder, "/") ? "" : "/", name);
}

/* The default file in the folder or above it, as docker compose looks. */
static int find_above(struct gy_cli *cli, struct source *s)
{
    gy_autofree char *folder = getcwd(NULL, 0);
    if (!folder)
        return gy_cli_fail(cli, GY_CLI_FAILED, NULL, "cannot read the current folder: %s",
                           strerror(errno));
    for (;;) {
        for (size_t i = 0; i < sizeof file_names / sizeof *file_names; i++) {
            gy_autofree char *path = join(folder, file_names[i]);
            if (access(path, F_OK) != 0) continue;
            for (size_t k = 0; k < sizeof override_names / sizeof *override_names; k++) {
                gy_autofree char *other = join(folder, override_names[k]);
                if (access(other, F_OK) == 0)
                    return gy_cli_fail(
                        cli, GY_CLI_USAGE,
                        "say which one: -f FILE; to combine files use include: or extends:",
                        "%s and %s are both there and gantry does not merge files", file_names[i],
                        override_names[k]);
            }
            char here[4096];
            /* A short name reads better in messages than an absolute path. */
            bool is_here = getcwd(here, sizeof here) && !strcmp(here, folder);
            s->file = is_here ? gy_strdup(file_names[i]) : GY_GIVE(path);
            return 0;
        }
        char *slash = strrchr(folder, '/');
        if (!slash || !folder[1]) break;
        *(slash == folder ? slash + 1 : slash) = '\0';
    }
    return gy_cli_fail(cli, GY_CLI_NOT_FOUND, "name one with -f FILE",
                       "there is no compose.yaml here or in a folder above");
}

static int find(struct gy_cli *cli, struct source *s)
{
    const char *said = gy_cli_value_at(cli, "file", 0), *from_env = getenv("COMPOSE_FILE");
    if (gy_cli_value_at(cli, "file", 1) || (!said && from_env && strchr(from_env, ':')))
        return gy_cli_fail(cli, GY_CLI_USAGE, "combine them in one file with include: or extends:",
                           "gantry takes one Compose file, not several");
    if (!said && from_env && *from_env) said = from_env;
    if (said)
        s->file = gy_strdup(said);
    else {
        int code = find_above(cli, s);
        if (code) return code;
    }
    const char *slash = strrchr(s->file, '/');
    gy_autofree char *folder =
        slash ? gy_strndup(s->file, (size_t)(slash - s->file) + 1) : gy_strdup(".");
    s->folder = realpath(folder, NULL);
    if (s->folder) return 0;
    return gy_cli_fail(cli, GY_CLI_NOT_FOUND, NULL, "cannot read %s: %s", s->file, strerror(errno));
}

static gantry_status read_file(const char *path, char **bytes, size_t *len, struct gy_error *err)
{
    if (strcmp(path, "-") != 0) return gy_file_read(path, GY_COMPOSE_TEXT_MAX, bytes, len, err);
    struct gy_buf b = {0};
    char chunk[16384];
    for (;;) {
        ssize_t n = read(0, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n > 0) gy_buf_add(&b, chunk, (size_t)n);
        if (n > 0 && b.len <= GY_COMPOSE_TEXT_MAX) continue;
        if (n == 0) break;
        gy_buf_fini(&b);
        return gy_error_set(err, GANTRY_EINVAL, "cannot read standard input: %s",
                            n < 0 ? strerror(errno) : "more than 1 MiB");
    }
    *len = b.len;
    *bytes = gy_buf_take(&b);
    return GANTRY_OK;
}

static const char *variable(void *arg, const char *name)
{
    const struct source *s = arg;
    const char *value = getenv(name); /* the environment wins over .env, as in docker compose */
    return value ? value : gy_map_get(&s->dotenv, name);
}

/* Any file that the user may read: it is this user's command, as with docker compose. */
static gantry_status named_file(void *arg, const char *path, char **bytes, size_t *len,
                                struct gy_error *err)
{
    (void)arg;
    return gy_file_read(path, GY_COMPOSE_TEXT_MAX, bytes, len, err);
}

static const char *outside(void *arg, const char *name)
{
    (void)arg;
    return getenv(name);
}

/* Variables from .env beside the Compose file, if there is one. */
static int read_dotenv(struct gy_cli *cli, struct source *s)
{
    gy_autofree char *path = join(s->folder, ".env"), *text = NULL;
    size_t len;
    gantry_status status = gy_file_read(path, GY_COMPOSE_TEXT_MAX, &text, &len, &cli->error);
    if (status == GANTRY_ENOTFOUND) {
        cli->error = (struct gy_error)GY_ERROR_INIT;
        return 0;
    }
    struct gy_envfile_source from = {.file = path, .get = outside};
    if (status == GANTRY_OK) status = gy_envfile_parse(text, &from, &s->dotenv, &cli->error);
    return status == GANTRY_OK ? 0 : GY_CLI_FAILED;
}

static const char *folder_name(const struct source *s)
{
    const char *slash = strrchr(s->folder, '/');
    return slash && slash[1] ? slash + 1 : NULL;
}

int gy_cli_project_load(struct gy_cli *cli, struct gy_compose *out)
{
    GY_CLEANUP(source_fini) struct source s = {0};
    gy_autofree char *text = NULL, *listed = NULL;
    size_t len = 0, profile_count = 0;
    const char *profiles[64];
    int code = find(cli, &s);
    if (!code) code = read_dotenv(cli, &s);
    if (code) return code;
    if (read_file(s.file, &text, &len, &cli->error) != GANTRY_OK) {
        if (cli->error.status == GANTRY_ENOTFOUND)
            cli->hint = gy_strdup("name the Compose file with -f FILE");
        return gy_cli_failed(cli);
    }
    for (const char *p; profile_count < 64 && (p = gy_cli_value_at(cli, "profile", profile_count));)
        profiles[profile_count++] = p;
    if (!profile_count && variable(&s, "COMPOSE_PROFILES")) {
        listed = gy_strdup(variable(&s, "COMPOSE_PROFILES"));
        for (char *p = strtok(listed, ","); p && profile_count < 64; p = strtok(NULL, ","))
            profiles[profile_count++] = p;
    }
    const char *project = gy_cli_value(cli, "project");
    if (!project) project = variable(&s, "COMPOSE_PROJECT_NAME");
    if (!cli->host && strncmp(cli->command->name, "compose", 7) != 0) {
        if ((code = gy_cli_find_server(cli))) return code;
    } else if (gy_cli_value(cli, "namespace")) {
        cli->ns = gy_cli_value(cli, "namespace");
    }
    struct gy_compose_input in = {.text = text,
                                  .len = len,
                                  .file = !strcmp(s.file, "-") ? "(standard input)" : s.file,
                                  .folder_name = folder_name(&s),
                                  .project = project && *project ? project : NULL,
                                  .ns = cli->ns,
                                  .profiles = profiles,
                                  .profile_count = profile_count,
                                  .env = variable,
                                  .read = named_file,
                                  .arg = &s};
    if (gy_compose_load(&in, out, &cli->error) != GANTRY_OK) return GY_CLI_FAILED;
    struct gy_term term;
    gy_term_init(&term, cli->err);
    for (size_t i = 0; i < out->warnings.n && !cli->quiet; i++)
        fprintf(cli->err, "%swarning%s: %s\n", gy_colour_on(&term, GY_YELLOW),
                gy_colour_off(&term, GY_YELLOW), out->warnings.items[i]);
    return 0;
}

int gy_cli_project_name(struct gy_cli *cli, char **name)
{
    const char *said = gy_cli_value(cli, "project");
    if (!said) said = getenv("COMPOSE_PROJECT_NAME");
    if (said && *said && !gy_cli_has(cli, "file")) {
        *name = gy_strdup(said);
        return 0;
    }
    struct gy_compose compose;
    int code = gy_cli_project_load(cli, &compose);
    if (code == GY_CLI_NOT_FOUND && !gy_cli_has(cli, "file")) {
        free(cli->hint);
        cli->hint = gy_strdup("name the project: gantry down PROJECT (see: gantry apps)");
    }
    if (code) return code;
    *name = gy_strdup(compose.project);
    gy_compose_fini(&compose);
    return 0;
}

json_t *gy_cli_project_body(const struct gy_compose *compose)
{
    json_t *apps = json_array();
    for (size_t i = 0; i < compose->n; i++)
        json_array_append_new(apps, gy_shape_encode(&gy_app_shape, &compose->apps[i]));
    return json_pack("{s:o}", "apps", apps);
}

int gy_cli_scale_parse(struct gy_cli *cli, const char *text, char **app, int64_t *n)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text || !equals[1])
        return gy_cli_fail(cli, GY_CLI_USAGE, NULL, "\"%s\" is not APP=N, such as web=5", text);
    if (gy_int_parse(equals + 1, 0, 100000, n, &cli->error) != GANTRY_OK) {
        gy_error_wrap(&cli->error, "%s", text);
        return GY_CLI_USAGE;
    }
    *app = gy_strndup(text, (size_t)(equals - text));
    return 0;
}
