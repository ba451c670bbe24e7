/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include "cli/api.h"
#include <inttypes.h>

#define BAR 10

void gy_progress_init(struct gy_progress *p)
{
    p->apps = json_object();
    p->pods = json_object();
}

void gy_progress_fini(struct gy_progress *p)
{
    json_decref(p->apps);
    json_decref(p->pods);
    *p = (struct gy_progress){0};
}

void gy_progress_clear(struct gy_progress *p)
{
    json_object_clear(p->apps);
    json_object_clear(p->pods);
}

static char *app_key(const char *ns, const char *project, const char *name)
{
    return gy_printf("%s/%s/%s", ns, project, name);
}

void gy_progress_apply(struct gy_progress *p, const json_t *line)
{
    const char *type = gy_json_text(line, "type"), *kind = gy_json_text(line, "kind");
    json_t *object = json_object_get(line, "object");
    bool put = !strcmp(type, "put");
    if (!put && strcmp(type, "delete") != 0) return;
    if (!strcmp(kind, "pod")) {
        const char *id = gy_json_text(object, "id");
        if (!*id) return; /* one that waits for a node: the app's status counts it */
        if (put)
            json_object_set(p->pods, id, object);
        else
            json_object_del(p->pods, id);
    } else if (!strcmp(kind, "app")) {
        gy_autofree char *key =
            app_key(gy_json_text(object, "namespace"), gy_json_text(object, "project"),
                    gy_json_text(object, "name"));
        if (put)
            json_object_set(p->apps, key, object);
        else
            json_object_del(p->apps, key);
    }
}

const json_t *gy_progress_find(const struct gy_progress *p, const char *ns, const char *project,
                               const char *name)
{
    gy_autofree char *key = app_key(ns, project, name);
    return json_object_get(p->apps, key);
}

static bool same(const json_t *a, const json_t *b, const char *name_a, const char *name_b)
{
    return !strcmp(gy_json_text(a, name_a), gy_json_text(b, name_b));
}

/* Returns 1 for one that has completed. */
static int64_t count_pod(const json_t *pod, int64_t generation, struct gy_progress_app *out)
{
    const char *state = gy_json_text(pod, "state"), *outcome = gy_json_text(pod, "outcome");
    const char *reason = gy_json_text(pod, "reason");
    bool stops = !strcmp(gy_json_text(pod, "desired"), "stop");
    bool present = gy_json_int(pod, "generation") == generation && !stops;
    bool worst = false, completed = false;
    if (!strcmp(state, "ended")) {
        completed = present && !strcmp(outcome, "completed");
        out->ready += completed;
        worst = present && !strcmp(outcome, "failed");
        out->failed += worst;
    } else if (stops) {
        out->stopping++;
    } else if (!present) {
        out->old++;
    } else {
        out->restarts += gy_json_int(pod, "restarts");
        if (!strcmp(state, "ready")) {
            if (out->job)
                out->running++; /* what counts is its end */
            else
                out->ready++;
        } else if (!strcmp(state, "unknown")) {
            out->unknown++;
            worst = true;
        } else if (!strcmp(gy_json_text(pod, "health"), "unhealthy")) {
            out->unhealthy++;
            worst = true;
        } else if (!strcmp(state, "preparing")) {
            out->preparing++;
            worst = !out->reason;
        } else {
            out->starting++;
            worst = !out->reason;
        }
    }
    if (worst && *reason) out->reason = reason;
    return completed;
}

void gy_progress_app(const struct gy_progress *p, const json_t *app, struct gy_progress_app *out)
{
    const json_t *status = json_object_get(app, "status");
    const char *id;
    json_t *pod;
    int64_t completed = 0;
    *out = (struct gy_progress_app){.name = gy_json_text(app, "name"),
                                    .job = !strcmp(gy_json_text(app, "mode"), "job"),
                                    .desired = gy_json_int(status, "desired"),
                                    .waiting = gy_json_int(status, "waiting")};
    json_object_foreach (p->pods, id, pod) {
        if (same(app, pod, "name", "app") && same(app, pod, "project", "project") &&
            same(app, pod, "namespace", "namespace"))
            completed += count_pod(pod, gy_json_int(app, "generation"), out);
    }
    if (out->waiting && *gy_json_text(status, "reason"))
        out->reason = gy_json_text(status, "reason");
    int64_t live = out->ready - completed;
    out->surplus = !out->job && live > out->desired ? live - out->desired : 0;
    bool going = out->starting || out->running || out->preparing || out->unhealthy ||
                 out->unknown || out->waiting;
    if (out->ready >= out->desired && !out->surplus)
        out->verdict = GY_PROGRESS_DONE;
    else if (out->failed && !going && out->ready + out->failed >= out->desired)
        out->verdict = GY_PROGRESS_FAILED; /* ended for good: its restart policy says so */
}

size_t gy_progress_pods_left(const struct gy_progress *p)
{
    size_t n = 0;
    const char *id;
    json_t *pod;
    json_object_foreach (p->pods, id, pod)
        n += strcmp(gy_json_text(pod, "state"), "ended") != 0;
    return n;
}

char *gy_progress_detail(const struct gy_progress_app *a)
{
    const struct {
        int64_t n;
        const char *word;
    } parts[] = {{a->failed, "failed"},
                 {a->unhealthy, "unhealthy"},
                 {a->unknown, "unknown"},
                 {a->preparing, "preparing"},
                 {a->starting, "starting"},
                 {a->running, "running"},
                 {a->waiting, "waiting"},
                 {a->old, "old"},
                 {a->stopping, "stopping"},
                 {a->surplus, "too many"},
                 {a->restarts, a->restarts == 1 ? "restart" : "restarts"}};
    struct gy_buf b = {0};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (parts[i].n)
            gy_buf_printf(&b, "%s%" PRId64 " %s", b.len ? ", " : "", parts[i].n, parts[i].word);
    if (a->reason && a->verdict != GY_PROGRESS_DONE)
        gy_buf_printf(&b, "%s%s", b.len ? ": " : "", a->reason);
    return gy_buf_take(&b);
}

void gy_progress_line(const struct gy_progress_app *a, const struct gy_term *term, int name_width,
                      struct gy_buf *out)
{
    gy_autofree char *detail = gy_progress_detail(a);
    const char *word = a->job ? "completed" : "ready";
    if (!term->tty) {
        gy_buf_printf(out, "%s: %" PRId64 " of %" PRId64 " %s%s%s", a->name, a->ready, a->desired,
                      word, *detail ? ", " : "", detail);
        return;
    }
    enum gy_colour colour = a->verdict == GY_PROGRESS_DONE     ? GY_GREEN
                            : a->verdict == GY_PROGRESS_FAILED ? GY_RED
                            : a->unhealthy || a->failed        ? GY_RED
                                                               : GY_YELLOW;
    int64_t full = a->desired > 0 ? a->ready * BAR / a->desired : BAR;
    if (full > BAR) full = BAR;
    const char *mark = a->verdict == GY_PROGRESS_DONE     ? "✔"
                       : a->verdict == GY_PROGRESS_FAILED ? "✘"
                                                          : "·";
    gy_buf_printf(out, "%s%s%s ", gy_colour_on(term, colour), mark, gy_colour_off(term, colour));
    struct gy_buf name = {0};
    gy_text_fit(&name, a->name, name_width);
    gy_buf_str(out, name.text ? name.text : "");
    gy_buf_printf(out, "%*s  %s", name_width - (name.text ? gy_text_columns(name.text) : 0), "",
                  gy_colour_on(term, colour));
    gy_buf_fini(&name);
    for (int i = 0; i < BAR; i++)
        gy_buf_str(out, i < full ? "█" : "░");
    gy_autofree char *count = gy_printf("%" PRId64 "/%" PRId64 " %s", a->ready, a->desired, word);
    gy_buf_printf(out, "%s  %s", gy_colour_off(term, colour), count);
    int used = 2 + name_width + 2 + BAR + 2 + gy_text_columns(count) + 2;
    if (*detail && (term->width == 0 || term->width - used > 8)) {
        gy_buf_printf(out, "  %s", gy_colour_on(term, GY_DIM));
        gy_text_fit(out, detail, term->width ? term->width - used : 1000);
        gy_buf_str(out, gy_colour_off(term, GY_DIM));
    }
}
