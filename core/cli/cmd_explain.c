/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/explain.h"

#include "cli/api.h"
#include "cli/ref.h"
#include <inttypes.h>

static void print(const json_t *value, const char *name, int depth, const struct gy_term *term,
                  FILE *out);

static void print_text(const char *text, FILE *out)
{
    struct gy_buf b = {0};
    gy_text_fit(&b, text, 1 << 20); /* control characters off */
    fprintf(out, "%s\n", b.text ? b.text : "");
    gy_buf_fini(&b);
}

/* The members that carry the sentence stand before the others and without their names. */
static bool is_sentence(const char *name)
{
    return !strcmp(name, "text") || !strcmp(name, "reason") || !strcmp(name, "summary");
}

static void print_object(const json_t *object, int depth, const struct gy_term *term, FILE *out)
{
    const char *name;
    json_t *member;
    json_object_foreach ((json_t *)(uintptr_t)object, name, member) {
        if (!is_sentence(name) || !json_is_string(member)) continue;
        fprintf(out, "%*s", depth * 2, "");
        print_text(json_string_value(member), out);
    }
    json_object_foreach ((json_t *)(uintptr_t)object, name, member) {
        if (is_sentence(name) && json_is_string(member)) continue;
        print(member, name, depth, term, out);
    }
}

static void print(const json_t *value, const char *name, int depth, const struct gy_term *term,
                  FILE *out)
{
    size_t i;
    const json_t *element;
    if ((json_is_array(value) && json_array_size(value) == 0) ||
        (json_is_object(value) && json_object_size(value) == 0) || json_is_null(value))
        return;
    fprintf(out, "%*s%s%s%s", depth * 2, "", gy_colour_on(term, GY_BOLD), name,
            gy_colour_off(term, GY_BOLD));
    switch (json_typeof(value)) {
    case JSON_STRING:
        fputs(": ", out);
        print_text(json_string_value(value), out);
        break;
    case JSON_INTEGER:
        fprintf(out, ": %" JSON_INTEGER_FORMAT "\n", json_integer_value(value));
        break;
    case JSON_REAL: fprintf(out, ": %g\n", json_real_value(value)); break;
    case JSON_TRUE: fputs(": yes\n", out); break;
    case JSON_FALSE: fputs(": no\n", out); break;
    case JSON_OBJECT:
        fputs(":\n", out);
        print_object(value, depth + 1, term, out);
        break;
    case JSON_ARRAY:
        fputs(":\n", out);
        json_array_foreach (value, i, element) {
            if (json_is_object(element)) {
                if (i && json_object_size(element) > 2) fputc('\n', out);
                print_object(element, depth + 1, term, out);
            } else if (json_is_string(element)) {
                fprintf(out, "%*s", (depth + 1) * 2, "");
                print_text(json_string_value(element), out);
            } else {
                gy_autofree char *text = json_dumps(element, JSON_ENCODE_ANY | JSON_COMPACT);
                fprintf(out, "%*s%s\n", (depth + 1) * 2, "", text);
            }
        }
        break;
    case JSON_NULL: break;
    }
}

static void print_pod(const json_t *pod, const char *app, const struct gy_term *term, FILE *out)
{
    static const char *const said[] = {"reason", "stop_reason", "placement"};
    static const char *const names[] = {"because", "stopped because", "placed"};
    const char *state = gy_json_text(pod, "state"), *node = gy_json_text(pod, "node");
    enum gy_colour colour = gy_colour_of_state(state);
    int64_t slot = gy_json_int(pod, "slot"), restarts = gy_json_int(pod, "restarts");
    char label[128];
    if (slot)
        snprintf(label, sizeof label, "%.63s.%" PRId64, app, slot);
    else
        snprintf(label, sizeof label, "%.63s.%.63s", app, node);
    fprintf(out, "  %s%s%s: %s%s%s on %s (%.8s)", gy_colour_on(term, GY_BOLD), label,
            gy_colour_off(term, GY_BOLD), gy_colour_on(term, colour), state,
            gy_colour_off(term, colour), node, gy_json_text(pod, "id"));
    if (restarts) fprintf(out, ", %" PRId64 " restart%s", restarts, restarts == 1 ? "" : "s");
    fputc('\n', out);
    for (size_t i = 0; i < 3; i++) {
        const char *text = gy_json_text(pod, said[i]);
        if (!*text) continue;
        fprintf(out, "    %s: ", names[i]);
        print_text(text, out);
    }
}

static void print_app(const json_t *answer, const struct gy_term *term, FILE *out)
{
    const char *key = gy_json_text(answer, "app"), *slash = strrchr(key, '/');
    int64_t desired = gy_json_int(answer, "desired"), waiting = gy_json_int(answer, "waiting");
    size_t i;
    const json_t *pod;
    fprintf(out, "%s: %" PRId64 " pod%s wanted", key, desired, desired == 1 ? "" : "s");
    if (waiting) fprintf(out, ", %" PRId64 " wait%s: ", waiting, waiting == 1 ? "s" : "");
    print_text(waiting ? gy_json_text(answer, "reason") : "", out);
    json_array_foreach (json_object_get(answer, "pods"), i, pod)
        print_pod(pod, slash ? slash + 1 : key, term, out);
    if (!*gy_json_text(answer, "nodes")) return;
    fputs("  nodes: ", out);
    print_text(gy_json_text(answer, "nodes"), out);
}

static void print_events(const json_t *events, bool slots, FILE *out)
{
    size_t i;
    const json_t *event;
    if (json_array_size(events)) fputs("lately:\n", out);
    json_array_foreach (events, i, event) {
        char clock[32];
        gy_event_clock(gy_json_int(event, "time_ms"), clock);
        fprintf(out, "  %s  ", clock);
        if (slots && gy_json_int(event, "slot"))
            fprintf(out, "%.63s.%" PRId64 ": ", gy_json_text(event, "app"),
                    gy_json_int(event, "slot"));
        print_text(gy_json_text(event, "text"), out);
    }
}

void gy_explain_print(const json_t *answer, const struct gy_term *term, FILE *out)
{
    bool is_app = json_is_array(json_object_get(answer, "pods"));
    json_t *rest = json_copy((json_t *)(uintptr_t)answer);
    json_object_del(rest, "events");
    if (is_app)
        print_app(rest, term, out);
    else
        print_object(rest, 0, term, out);
    json_decref(rest);
    print_events(json_object_get(answer, "events"), is_app, out);
}

void gy_explain_app(struct gy_cli *cli, FILE *out, const char *ns, const char *project,
                    const char *app)
{
    gy_autofree char *key = gy_printf("%s/%s/%s", ns, project, app);
    struct gy_buf path = {0};
    gy_buf_str(&path, "/v1/explain");
    gy_cli_query(&path, "app", key);
    gy_autofree char *url = gy_buf_take(&path);
    json_t *answer = NULL;
    if (gy_cli_call(cli, "GET", url, NULL, &answer) != 0) return;
    struct gy_term plain = {0};
    gy_explain_print(answer, &plain, out);
    json_decref(answer);
}

int gy_cmd_explain(struct gy_cli *cli)
{
    struct gy_cli_ref ref;
    json_t *pods = NULL, *answer = NULL;
    int code = gy_cli_ref_pods(cli, cli->args[0], true, &ref, &pods);
    if (code) return code;
    struct gy_buf path = {0};
    gy_buf_str(&path, "/v1/explain");
    const char *id = gy_json_text(json_array_get(pods, 0), "id");
    if (*ref.app && (!*ref.slot || !*id)) {
        gy_autofree char *key = gy_printf("%s/%s/%s", ref.ns, ref.project, ref.app);
        gy_cli_query(&path, "app", key);
    } else {
        gy_cli_query(&path, "pod", id);
    }
    gy_autofree char *url = gy_buf_take(&path);
    code = gy_cli_call(cli, "GET", url, NULL, &answer);
    if (!code && cli->json)
        gy_cli_print_json(cli, answer);
    else if (!code)
        gy_explain_print(answer, &cli->term, cli->out);
    json_decref(answer);
    json_decref(pods);
    return code;
}
