/* SPDX-License-Identifier: Apache-2.0 */
#include "compose/service.h"
#include "compose/signals.h"

#include <ctype.h>

static gantry_status read_pull_policy(struct gy_loader *l, const struct gy_yaml *y, int *policy)
{
    static const struct {
        const char *word;
        int policy;
    } words[] = {{"missing", GY_PULL_MISSING},
                 {"if_not_present", GY_PULL_MISSING},
                 {"always", GY_PULL_ALWAYS},
                 {"never", GY_PULL_NEVER}};
    const char *text = NULL;
    gantry_status status = gy_compose_text(l, y, &text);
    if (status || !text) return status;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(words[i].word, text)) {
            *policy = words[i].policy;
            return GANTRY_OK;
        }
    if (!strcmp(text, "build"))
        return gy_compose_fail(l, y,
                               "gantry does not build images; write missing, always or never");
    return gy_compose_fail(l, y, "\"%.60s\" must be missing, always or never", text);
}

static gantry_status read_stop_signal(struct gy_loader *l, const struct gy_yaml *y, char **out)
{
    const char *text = NULL;
    gantry_status status = gy_compose_text(l, y, &text);
    if (status || !text) return status;
    *out = gy_signal_name(text);
    if (*out) return GANTRY_OK;
    const char *near = gy_signal_nearest(text);
    return gy_compose_fail(l, y, "\"%.40s\" is not a signal; write a name such as %s, or a number",
                           text, near ? near : "SIGTERM");
}

static gantry_status read_ulimit(struct gy_loader *l, const struct gy_yaml *y, struct gy_list *out)
{
    static const char *const names[] = {
        "as",   "core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue",
        "nice", "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack"};
    size_t n = sizeof names / sizeof *names;
    bool known = false;
    for (size_t i = 0; i < n; i++)
        known |= !strcmp(names[i], y->key);
    const char *near = known ? NULL : gy_nearest(y->key, names, n);
    if (!known)
        return gy_compose_fail(l, y, "there is no such limit%s%s%s",
                               near ? ", did you mean \"" : "; nofile and nproc are common ones",
                               near ? near : "", near ? "\"?" : "");
    int64_t soft = 0, hard = 0;
    gantry_status status = GANTRY_OK;
    if (y->kind == GY_YAML_MAP) {
        for (size_t i = 0; i < y->n && !status; i++)
            if (strcmp(y->items[i]->key, "soft") != 0 && strcmp(y->items[i]->key, "hard") != 0)
                status = gy_compose_fail(l, y->items[i], "unknown key; it has soft and hard");
        const struct gy_yaml *s = gy_yaml_value(y, "soft"), *h = gy_yaml_value(y, "hard");
        if (!status && (!s || !h)) status = gy_compose_fail(l, y, "needs both soft and hard");
        if (!status) status = gy_compose_int(l, s, -1, INT64_MAX, &soft);
        if (!status) status = gy_compose_int(l, h, -1, INT64_MAX, &hard);
    } else {
        if (y->kind == GY_YAML_NULL) return gy_compose_fail(l, y, "a number is missing");
        status = gy_compose_int(l, y, -1, INT64_MAX, &soft);
        hard = soft;
    }
    if (status) return status;
    if (hard >= 0 && (soft > hard || soft < 0))
        return gy_compose_fail(l, y, "soft must not be more than hard");
    struct gy_ulimit *u = gy_list_add(out, &gy_ulimit_shape);
    u->name = gy_strdup(y->key);
    u->soft = soft;
    u->hard = hard;
    return GANTRY_OK;
}

static gantry_status read_ulimits(struct gy_loader *l, const struct gy_yaml *y, struct gy_list *out)
{
    if (!y) return GANTRY_OK;
    gantry_status status = gy_compose_is_map(l, y);
    for (size_t i = 0; i < y->n && !status; i++)
        status = read_ulimit(l, y->items[i], out);
    return status;
}

static gantry_status read_hostname(struct gy_loader *l, const struct gy_yaml *y,
                                   struct gy_service *s)
{
    gantry_status status = gy_compose_string(l, y, &s->app.pod.hostname);
    const char *name = s->app.pod.hostname;
    if (status || !name) return status;
    s->said |= GY_SAID_HOSTNAME;
    size_t n = strlen(name);
    bool good = n <= 63 && name[0] != '-' && name[0] != '.' && name[n - 1] != '-';
    for (const char *p = name; *p && good; p++)
        good = isalnum((unsigned char)*p) || *p == '-' || *p == '.';
    return good ? GANTRY_OK
                : gy_compose_fail(l, y, "\"%.80s\" must be 1 to 63 letters, digits, hyphens, dots",
                                  name);
}

/* linux/amd64, linux/arm64/v8, linux */
static gantry_status read_platform(struct gy_loader *l, const struct gy_yaml *y,
                                   struct gy_service *s)
{
    const char *text = NULL;
    gantry_status status = gy_compose_text(l, y, &text);
    if (status || !text) return status;
    const char *slash = strchr(text, '/'), *arch = slash ? slash + 1 : NULL;
    size_t os_len = slash ? (size_t)(slash - text) : strlen(text);
    size_t arch_len = arch ? strcspn(arch, "/") : 0;
    bool good = os_len && (!arch || arch_len);
    for (const char *p = text; *p && good; p++)
        good = isalnum((unsigned char)*p) || strchr("/._-", *p);
    if (!good) return gy_compose_fail(l, y, "\"%.60s\" must be OS/ARCH: linux/amd64", text);
    if (arch && arch[arch_len])
        gy_compose_warn(l, y, "the variant \"%s\" has no effect", arch + arch_len + 1);
    gy_autofree char *os = gy_printf("node.platform.os == %.*s", (int)os_len, text);
    gy_strs_add(&s->app.placement.constraints, os);
    if (arch) {
        gy_autofree char *machine = gy_printf("node.platform.arch == %.*s", (int)arch_len, arch);
        gy_strs_add(&s->app.placement.constraints, machine);
    }
    s->said |= GY_SAID_PLACEMENT;
    return GANTRY_OK;
}

static gantry_status check_name(struct gy_loader *l, const struct gy_yaml *y)
{
    if (gy_is_label(y->key)) return GANTRY_OK;
    gy_autofree char *better = gy_strdup(y->key);
    size_t n = 0;
    for (const char *p = y->key; *p && n < 63; p++) {
        char c = (char)tolower((unsigned char)*p);
        bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (fine || n) better[n++] = fine ? c : '-';
    }
    while (n && better[n - 1] == '-')
        n--;
    better[n] = '\0';
    return gy_compose_fail(l, y,
                           "a service's name must be 1 to 63 lower-case letters, digits and inner "
                           "hyphens, as it becomes a host name: write \"%s\"",
                           n ? better : "app");
}

static gantry_status read_process(struct gy_loader *l, struct gy_service *s)
{
    const struct gy_yaml *y = s->y;
    struct gy_container *c = gy_service_container(s);
    gantry_status status = gy_compose_string(l, gy_yaml_get(y, "image"), &c->image);
    if (!status) status = read_pull_policy(l, gy_yaml_get(y, "pull_policy"), &c->pull_policy);
    if (!status) status = gy_compose_argv(l, gy_yaml_get(y, "entrypoint"), &c->entrypoint);
    if (!status) status = gy_compose_argv(l, gy_yaml_get(y, "command"), &c->command);
    if (!status) status = gy_compose_string(l, gy_yaml_get(y, "user"), &c->user);
    if (!status) status = gy_compose_string(l, gy_yaml_get(y, "working_dir"), &c->working_dir);
    if (!status) status = read_stop_signal(l, gy_yaml_get(y, "stop_signal"), &c->stop_signal);
    if (!status)
        status = gy_compose_duration(l, gy_yaml_get(y, "stop_grace_period"), 0, GY_COMPOSE_DAY_MS,
                                     &c->stop_grace_ms);
    if (!status) status = gy_compose_bool(l, gy_yaml_get(y, "tty"), &c->tty);
    if (!status) status = gy_compose_bool(l, gy_yaml_get(y, "stdin_open"), &c->stdin_open);
    if (!status) status = gy_compose_bool(l, gy_yaml_get(y, "init"), &c->init);
    if (!status) status = gy_compose_pairs(l, gy_yaml_get(y, "labels"), NULL, &c->labels);
    if (!status) status = read_ulimits(l, gy_yaml_value(y, "ulimits"), &c->ulimits);
    if (status) return status;
    if (!c->image && c->entrypoint.n + c->command.n == 0)
        return gy_compose_fail(l, y,
                               "nothing to run: write `image: NAME`, or `command: ...` for a "
                               "process on the host");
    return GANTRY_OK;
}

gantry_status gy_service_read(struct gy_loader *l, struct gy_service *s)
{
    gantry_status status = check_name(l, s->y);
    if (status) return status;
    struct gy_container *c = gy_list_add(&s->app.pod.containers, &gy_container_shape);
    c->name = gy_strdup(s->name);
    s->app.name = gy_strdup(s->name);
    static gantry_status (*const parts[])(struct gy_loader *, struct gy_service *) = {
        read_process,
        gy_service_read_environment,
        gy_service_read_ports,
        gy_service_read_deploy,
        gy_service_read_extension,
        gy_service_read_health,
        gy_service_read_resources,
        gy_service_read_restart,
        gy_service_read_depends,
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !status; i++)
        status = parts[i](l, s);
    if (!status) status = read_hostname(l, gy_yaml_get(s->y, "hostname"), s);
    if (!status) status = read_platform(l, gy_yaml_get(s->y, "platform"), s);
    return status;
}
