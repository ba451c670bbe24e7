/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/wait.h"

#include "base/time.h"
#include "cli/api.h"
#include "cli/explain.h"
#include "cli/progress.h"
#include <inttypes.h>
#include <time.h>

#define REDRAW_MS 80
#define LOST_MS 10000 /* how long a server that went away is waited for */

struct waiting {
    struct gy_cli *cli;
    const struct gy_cli_wait *what;
    struct gy_progress now;
    bool gone;   /* wait for no pods, else for ready apps */
    bool synced; /* what is was told, now come changes */
    int64_t started_ms, heard_ms, drawn_ms, seen_revision;
    int lines;     /* drawn on the terminal */
    char **former; /* per app (or one, for gone): the plain line printed last */
    int code;      /* -1 = go on */
};

static void draw_plain(struct waiting *w, size_t i, const char *text)
{
    if (gy_streq(w->former[i], text)) return;
    free(w->former[i]);
    w->former[i] = gy_strdup(text);
    fprintf(w->cli->out, "%s\n", text);
    fflush(w->cli->out);
}

static void line_of(struct waiting *w, size_t i, int name_width, struct gy_buf *out)
{
    const struct gy_cli_wait *what = w->what;
    struct gy_progress_app a = {.name = what->apps[i], .desired = 1};
    const json_t *app = gy_progress_find(&w->now, what->ns, what->project, what->apps[i]);
    if (app) gy_progress_app(&w->now, app, &a);
    gy_progress_line(&a, &w->cli->term, name_width, out);
}

static void draw(struct waiting *w, bool last)
{
    struct gy_cli *cli = w->cli;
    int64_t now = gy_time_mono_ms();
    if (cli->quiet || cli->json || !w->synced) return;
    if (cli->term.tty && !last && now - w->drawn_ms < REDRAW_MS) return;
    w->drawn_ms = now;
    struct gy_buf b = {0};
    if (w->gone) {
        size_t left = gy_progress_pods_left(&w->now);
        gy_autofree char *text =
            gy_printf("%s: %zu pod%s left", w->what->project, left, left == 1 ? "" : "s");
        bool nothing_was = left == 0 && !w->former[0];
        if (nothing_was) return;
        if (!cli->term.tty) {
            draw_plain(w, 0, text);
            return;
        }
        if (!w->former[0]) w->former[0] = gy_strdup(text);
        gy_buf_printf(&b, "\r\033[K%s", text);
        if (last) gy_buf_str(&b, "\n");
    } else if (cli->term.tty) {
        gy_term_resize(&cli->term, cli->out);
        int width = 4;
        for (size_t i = 0; i < w->what->n; i++)
            if (gy_text_columns(w->what->apps[i]) > width)
                width = gy_text_columns(w->what->apps[i]);
        if (width > 30) width = 30;
        if (w->lines) gy_buf_printf(&b, "\033[%dA", w->lines);
        for (size_t i = 0; i < w->what->n; i++) {
            gy_buf_str(&b, "\r\033[K");
            line_of(w, i, width, &b);
            gy_buf_str(&b, "\n");
        }
        w->lines = (int)w->what->n;
    } else {
        for (size_t i = 0; i < w->what->n; i++) {
            gy_buf_drop(&b, b.len);
            line_of(w, i, 0, &b);
            draw_plain(w, i, b.text);
        }
        gy_buf_drop(&b, b.len);
    }
    if (b.len) fwrite(b.text, 1, b.len, cli->out);
    fflush(cli->out);
    gy_buf_fini(&b);
}

static int judge(struct waiting *w)
{
    bool all = true;
    if (!w->synced) return -1;
    if (w->gone) return gy_progress_pods_left(&w->now) == 0 ? GY_CLI_OK : -1;
    /* An answer older than the change would show the former pods as ready. */
    if (w->seen_revision < w->what->revision && gy_time_mono_ms() - w->started_ms < 2000) return -1;
    for (size_t i = 0; i < w->what->n; i++) {
        struct gy_progress_app a;
        const json_t *app =
            gy_progress_find(&w->now, w->what->ns, w->what->project, w->what->apps[i]);
        if (!app) {
            all = false;
            continue;
        }
        gy_progress_app(&w->now, app, &a);
        if (a.verdict == GY_PROGRESS_FAILED) return GY_CLI_UNHEALTHY;
        all = all && a.verdict == GY_PROGRESS_DONE;
    }
    return all ? GY_CLI_OK : -1;
}

static bool on_line(void *arg, json_t *line)
{
    struct waiting *w = arg;
    int64_t now = gy_time_mono_ms();
    if (line) {
        const char *type = gy_json_text(line, "type");
        w->heard_ms = now;
        if (gy_json_int(line, "revision") > w->seen_revision)
            w->seen_revision = gy_json_int(line, "revision");
        if (!strcmp(type, "resync")) return false; /* fell behind: ask again for what is */
        if (!strcmp(type, "synced")) w->synced = true;
        gy_progress_apply(&w->now, line);
        return true;
    }
    w->code = judge(w);
    if (w->code < 0 && gy_cli_interrupted()) w->code = GY_CLI_INTERRUPTED;
    if (w->code < 0 && w->what->timeout_ms && now - w->started_ms >= w->what->timeout_ms)
        w->code = GY_CLI_UNHEALTHY;
    if (w->code >= 0) return false;
    draw(w, false);
    return true;
}

static int watch(struct waiting *w)
{
    struct gy_buf path = {0};
    gy_buf_str(&path, "/v1/watch");
    gy_cli_query(&path, "kinds", "app,pod");
    gy_cli_query(&path, "namespace", w->what->ns);
    gy_cli_query(&path, "project", w->what->project);
    gy_autofree char *url = gy_buf_take(&path);
    w->started_ms = w->heard_ms = gy_time_mono_ms();
    gy_cli_catch_interrupt();
    while (w->code < 0) {
        w->synced = false;
        gy_progress_clear(&w->now);
        int code = gy_cli_lines(w->cli, url, on_line, w);
        if (w->code >= 0) break;
        if (code && code != GY_CLI_UNREACHABLE) return code;
        if (gy_cli_interrupted()) return GY_CLI_INTERRUPTED;
        if (gy_time_mono_ms() - w->heard_ms > LOST_MS)
            return code ? code
                        : gy_cli_fail(w->cli, GY_CLI_UNREACHABLE, NULL,
                                      "the server keeps ending the watch stream");
        struct timespec pause = {0, 200 * 1000 * 1000};
        nanosleep(&pause, NULL);
    }
    w->cli->error = (struct gy_error)GY_ERROR_INIT; /* of a try that failed on the way */
    return w->code;
}

static int run(struct waiting *w, size_t formers)
{
    gy_progress_init(&w->now);
    w->former = gy_alloc_array(formers ? formers : 1, sizeof *w->former);
    int code = watch(w);
    draw(w, true);
    for (size_t i = 0; i < formers; i++)
        free(w->former[i]);
    free(w->former);
    return code;
}

static int interrupted(struct gy_cli *cli, const char *goes_on)
{
    return gy_cli_fail(cli, GY_CLI_INTERRUPTED, "see: gantry ps", "stopped waiting; %s goes on",
                       goes_on);
}

int gy_cli_wait_ready(struct gy_cli *cli, const struct gy_cli_wait *wait)
{
    struct waiting w = {.cli = cli, .what = wait, .code = -1};
    if (wait->n == 0) return GY_CLI_OK;
    int code = run(&w, wait->n);
    struct gy_buf bad = {0};
    if (code == GY_CLI_UNHEALTHY) {
        bool failed = false;
        for (size_t i = 0; i < wait->n; i++) {
            struct gy_progress_app a = {0};
            const json_t *app = gy_progress_find(&w.now, wait->ns, wait->project, wait->apps[i]);
            if (app) gy_progress_app(&w.now, app, &a);
            if (app && a.verdict == GY_PROGRESS_DONE) continue;
            failed = failed || a.verdict == GY_PROGRESS_FAILED;
            gy_buf_printf(&bad, "%s%s", bad.len ? ", " : "", wait->apps[i]);
            gy_explain_app(cli, cli->err, wait->ns, wait->project, wait->apps[i]);
        }
        char after[GY_TIME_TEXT_MAX];
        gy_duration_format(wait->timeout_ms, after);
        gy_autofree char *hint =
            gy_printf("see: gantry logs %s/%.*s, gantry events %s", wait->project,
                      (int)strcspn(bad.text, ","), bad.text, wait->project);
        if (failed)
            gy_cli_fail(cli, code, hint, "failed: %s", bad.text);
        else
            gy_cli_fail(cli, code, hint, "not ready after %s: %s", after, bad.text);
    } else if (code == GY_CLI_INTERRUPTED) {
        interrupted(cli, "the deployment");
    }
    gy_buf_fini(&bad);
    gy_progress_fini(&w.now);
    return code;
}

int gy_cli_wait_gone(struct gy_cli *cli, const struct gy_cli_wait *wait)
{
    struct waiting w = {.cli = cli, .what = wait, .gone = true, .code = -1};
    int code = run(&w, 1);
    if (code == GY_CLI_UNHEALTHY) {
        char after[GY_TIME_TEXT_MAX];
        gy_duration_format(wait->timeout_ms, after);
        gy_autofree char *hint = gy_printf("see: gantry ps %s", wait->project);
        gy_cli_fail(cli, code, hint, "%zu pods of %s are still there after %s",
                    gy_progress_pods_left(&w.now), wait->project, after);
    } else if (code == GY_CLI_INTERRUPTED) {
        interrupted(cli, "stopping");
    }
    gy_progress_fini(&w.now);
    return code;
}
