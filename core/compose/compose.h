/* SPDX-License-Identifier: Apache-2.0 */
/* Compose text to apps of the model, and back to a normal form.  No I/O, no clock, no threads, no
 * global state: files and environment come through callbacks.  README.md has the table of keys. */
#ifndef GY_COMPOSE_COMPOSE_H
#define GY_COMPOSE_COMPOSE_H

#include "model/app.h"

#define GY_COMPOSE_TEXT_MAX (1 << 20) /* bytes of one file */

/* What a load needs.  Everything is borrowed for the time of the call.  Start with {0}. */
struct gy_compose_input {
    const char *text;
    size_t len;
    const char *file;            /* its path, for messages; NULL = "compose.yaml" */
    const char *folder_name;     /* project name when nobody says one; may be NULL */
    const char *project;         /* -p: wins over the file's `name` */
    const char *ns;              /* namespace of the apps; NULL = "default" */
    const char *const *profiles; /* active ones; "*" = all */
    size_t profile_count;
    /* Value of a variable, NULL = not set; borrowed until the call ends.  NULL = none is set. */
    const char *(*env)(void *arg, const char *name);
    /* Content of a file that the Compose file names (env_file, include, extends).  A relative path
     * comes joined with the folder of the file that names it: with file "deploy/compose.yaml",
     * `env_file: web.env` asks for "deploy/web.env".  *bytes for free(), NUL-terminated behind *len
     * bytes, as gy_file_read gives it.  ENOTFOUND = there is none.  read NULL = such files are
     * refused. */
    gantry_status (*read)(void *arg, const char *path, char **bytes, size_t *len,
                          struct gy_error *err);
    void *arg;
};

/* Apps are in the order of the file's services; each passed gy_shape_check. */
struct gy_compose {
    char *project;
    struct gy_app *apps;
    size_t n;
    struct gy_strs warnings; /* "compose.yaml:3: version: ..." */
};

/* EINVAL: "file:line: services.web.ports[0]: what is wrong and what would be right"; also for keys
 * that gantry does not honour.  What `read` said about a file (ENOTFOUND, ...) is passed on,
 * wrapped in who names the file.  *out is untouched on failure. */
gantry_status gy_compose_load(const struct gy_compose_input *in, struct gy_compose *out,
                              struct gy_error *err);
/* The normal form: YAML, stable; loading it (same ns; any environment but COMPOSE_PROJECT_NAME,
 * which wins over its `name`; without files) gives the same project and apps.  For free(). */
char *gy_compose_format(const struct gy_compose *compose);
void gy_compose_fini(struct gy_compose *compose);

/* Every key of the Compose specification and what becomes of it: for documentation and tests. */
enum gy_compose_verdict {
    GY_COMPOSE_SUPPORTED,
    GY_COMPOSE_WARNED,  /* accepted, has no effect, said so */
    GY_COMPOSE_REFUSED, /* not honoured: the file is refused */
};
struct gy_compose_key {
    const char *where; /* "", "services.*", "services.*.deploy", ... */
    const char *name;
    int verdict;
    const char *doc; /* supported: how; else: what to do instead; may be NULL */
};
const struct gy_compose_key *gy_compose_keys(size_t *n);

#endif
