/* SPDX-License-Identifier: Apache-2.0 */
/* How far a deployment is, from what the server tells; and the lines that show it.  No I/O. */
#ifndef GY_CLI_PROGRESS_H
#define GY_CLI_PROGRESS_H

#include "cli/term.h"
#include <jansson.h>

enum gy_progress_verdict { GY_PROGRESS_GOING, GY_PROGRESS_DONE, GY_PROGRESS_FAILED };

struct gy_progress_app {
    const char *name; /* borrowed from the app */
    bool job;
    int verdict;
    int64_t desired;
    int64_t ready;               /* pods of the present generation; completed ones too */
    int64_t surplus;             /* ready ones beyond desired, before they are told to stop */
    int64_t preparing, starting; /* starting: assigned, starting, or running and not yet healthy */
    int64_t unhealthy, failed, unknown;
    int64_t old;      /* pods of an earlier generation that still run */
    int64_t stopping; /* told to stop, not ended yet */
    int64_t waiting;  /* without a node */
    int64_t running;  /* of jobs: not ended yet */
    int64_t restarts;
    const char *reason; /* of the worst pod or of waiting, borrowed; NULL = none */
};

/* What is known: AppViews by "ns/project/name", PodViews by id. */
struct gy_progress {
    json_t *apps, *pods;
};
void gy_progress_init(struct gy_progress *p);
void gy_progress_fini(struct gy_progress *p);
void gy_progress_clear(struct gy_progress *p);
/* One line of the watch stream (type, kind, object). */
void gy_progress_apply(struct gy_progress *p, const json_t *line);
void gy_progress_app(const struct gy_progress *p, const json_t *app, struct gy_progress_app *out);
const json_t *gy_progress_find(const struct gy_progress *p, const char *ns, const char *project,
                               const char *name);
/* Pods that have not ended. */
size_t gy_progress_pods_left(const struct gy_progress *p);

/* "1 starting, 2 restarts: exit code 1"; for free(). */
char *gy_progress_detail(const struct gy_progress_app *a);
/* One line without its end: with bar and colours for a terminal, plain text else. */
void gy_progress_line(const struct gy_progress_app *a, const struct gy_term *term, int name_width,
                      struct gy_buf *out);

#endif
