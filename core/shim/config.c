/* SPDX-License-Identifier: Apache-2.0 */
/* Strings `key=value`, each ended by NUL.  Strict: an unknown key or a malformed value is refused.
 * The writer is the process driver (plugins/driver/process/prepare.c); keys are added, never
 * changed. */
#include "shim/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIG_MAX (8u << 20)

int gy_shim_fail(char text[GY_SHIM_TEXT_MAX], const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, GY_SHIM_TEXT_MAX, fmt, args);
    va_end(args);
    for (char *p = text; *p; p++) /* one line: it goes into the journal */
        if ((unsigned char)*p < ' ') *p = ' ';
    return -1;
}

static bool number(const char *value, int64_t min, int64_t max, int64_t *out)
{
    char *end;
    errno = 0;
    long long n = strtoll(value, &end, 10);
    if (errno || end == value || *end || n < min || n > max) return false;
    *out = n;
    return true;
}

static bool unsigned_number(const char *value, uint64_t *out)
{
    int64_t n;
    if (!number(value, 0, INT64_MAX, &n)) return false;
    *out = (uint64_t)n;
    return true;
}

static bool flag(const char *value, bool *out)
{
    *out = !strcmp(value, "1");
    return *out || !strcmp(value, "0");
}

/* "WHICH:SOFT:HARD", numbers of setrlimit(2), -1 = unlimited */
static bool limit(const char *value, struct gy_shim_limit *out)
{
    long long soft, hard;
    int end = 0;
    if (sscanf(value, "%d:%lld:%lld%n", &out->which, &soft, &hard, &end) != 3 || value[end])
        return false;
    out->value.rlim_cur = soft < 0 ? RLIM_INFINITY : (rlim_t)soft;
    out->value.rlim_max = hard < 0 ? RLIM_INFINITY : (rlim_t)hard;
    return out->which >= 0 && out->which < (int)RLIM_NLIMITS;
}

static bool id(const char *value, uid_t *out)
{
    int64_t n;
    if (!number(value, 0, UINT32_MAX - 1, &n)) return false;
    *out = (uid_t)n;
    return true;
}

static bool set_list(struct gy_shim_config *c, const char *key, char *value)
{
    if (!strcmp(key, "arg")) return c->args[c->arg_count++] = value, true;
    if (!strcmp(key, "env")) return c->env[c->env_count++] = value, strchr(value, '=') != NULL;
    if (!strcmp(key, "limit")) return limit(value, &c->limits[c->limit_count++]);
    return id(value, &c->groups[c->group_count++]); /* "group" */
}

static bool set(struct gy_shim_config *c, const char *key, char *value)
{
    static const struct {
        const char *key;
        size_t offset;
    } texts[] = {{"cwd", offsetof(struct gy_shim_config, cwd)},
                 {"cgroup.path", offsetof(struct gy_shim_config, cgroup_path)},
                 {"cgroup.cpu", offsetof(struct gy_shim_config, cgroup_cpu)},
                 {"cgroup.memory", offsetof(struct gy_shim_config, cgroup_memory)},
                 {"cgroup.pids", offsetof(struct gy_shim_config, cgroup_pids)},
                 {"cgroup.v2", offsetof(struct gy_shim_config, cgroup_v2)}},
      numbers[] = {{"cpu_milli", offsetof(struct gy_shim_config, cpu_milli)},
                   {"memory_bytes", offsetof(struct gy_shim_config, memory_bytes)},
                   {"pids_max", offsetof(struct gy_shim_config, pids_max)},
                   {"log_max_bytes", offsetof(struct gy_shim_config, log_max_bytes)},
                   {"log_files", offsetof(struct gy_shim_config, log_files)},
                   {"width", offsetof(struct gy_shim_config, width)},
                   {"height", offsetof(struct gy_shim_config, height)},
                   {"signal", offsetof(struct gy_shim_config, signal)},
                   {"grace_ms", offsetof(struct gy_shim_config, grace_ms)}},
      flags[] = {{"tty", offsetof(struct gy_shim_config, tty)},
                 {"stdin", offsetof(struct gy_shim_config, open_stdin)},
                 {"no_new_privs", offsetof(struct gy_shim_config, no_new_privs)}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!strcmp(key, texts[i].key))
            return *(const char **)((char *)c + texts[i].offset) = value, *value == '/';
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!strcmp(key, numbers[i].key))
            return unsigned_number(value, (uint64_t *)(void *)((char *)c + numbers[i].offset));
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (!strcmp(key, flags[i].key)) return flag(value, (bool *)((char *)c + flags[i].offset));
    if (!strcmp(key, "uid")) return c->has_user = true, id(value, &c->uid);
    if (!strcmp(key, "gid")) return id(value, &c->gid);
    if (!strcmp(key, "oom_score")) {
        int64_t n;
        if (!number(value, -1000, 1000, &n)) return false;
        c->oom_score = (int)n;
        return true;
    }
    return false;
}

static bool is_list(const char *key)
{
    return !strcmp(key, "arg") || !strcmp(key, "env") || !strcmp(key, "limit") ||
           !strcmp(key, "group");
}

int gy_shim_config_parse(char *bytes, size_t len, struct gy_shim_config *out,
                         char text[GY_SHIM_TEXT_MAX])
{
    struct gy_shim_config c = {.no_new_privs = true};
    size_t n = 0;
    if (len && bytes[len - 1] != '\0') return gy_shim_fail(text, "config: cut short");
    for (size_t i = 0; i < len; i++)
        n += bytes[i] == '\0';
    c.args = calloc(n + 1, sizeof *c.args); /* n bounds each of the lists */
    c.env = calloc(n + 1, sizeof *c.env);
    c.limits = calloc(n + 1, sizeof *c.limits);
    c.groups = calloc(n + 1, sizeof *c.groups);
    if (!c.args || !c.env || !c.limits || !c.groups) {
        gy_shim_config_fini(&c);
        return gy_shim_fail(text, "config: out of memory");
    }
    for (char *p = bytes; p < bytes + len; p += strlen(p) + 1) {
        char *equals = strchr(p, '=');
        if (equals) *equals = '\0';
        bool ok = equals && (is_list(p) ? set_list(&c, p, equals + 1) : set(&c, p, equals + 1));
        if (equals && !ok) gy_shim_fail(text, "config: bad entry \"%.64s\"", p);
        if (!equals) gy_shim_fail(text, "config: entry without \"=\": \"%.64s\"", p);
        if (!ok) {
            gy_shim_config_fini(&c);
            return -1;
        }
        *equals = '='; /* the entry has its whole length again */
    }
    *out = c;
    return 0;
}

int gy_shim_config_load(struct gy_shim_config *out, char text[GY_SHIM_TEXT_MAX])
{
    int fd = open("config", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= 0 || st.st_size > CONFIG_MAX) {
        if (fd >= 0) close(fd);
        return gy_shim_fail(text, "config: %s", fd < 0 ? strerror(errno) : "empty or too large");
    }
    size_t size = (size_t)st.st_size, have = 0;
    char *bytes = malloc(size);
    while (bytes && have < size) {
        ssize_t n = read(fd, bytes + have, size - have);
        if (n <= 0) break;
        have += (size_t)n;
    }
    close(fd);
    if (!bytes || have < size) {
        free(bytes);
        return gy_shim_fail(text, "config: cannot be read");
    }
    if (gy_shim_config_parse(bytes, size, out, text) < 0) {
        free(bytes);
        return -1;
    }
    if (!out->arg_count) return gy_shim_fail(text, "config: no program (\"arg\") is named");
    return 0; /* the bytes live as long as the process */
}

void gy_shim_config_fini(struct gy_shim_config *c)
{
    free(c->args);
    free(c->env);
    free(c->limits);
    free(c->groups);
    *c = (struct gy_shim_config){0};
}
