/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"
#include "cli/api.h"
#include "cli/explain.h"
#include "cli/ref.h"
#include <inttypes.h>
#include <time.h>

void gy_event_clock(int64_t wall_ms, char out[32])
{
    time_t then = (time_t)(wall_ms / 1000), now = time(NULL);
    struct tm a, b;
    localtime_r(&then, &a);
    localtime_r(&now, &b);
    bool today = a.tm_yday == b.tm_yday && a.tm_year == b.tm_year;
    strftime(out, 32, today ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &a);
}

static void print_event(struct gy_cli *cli, const json_t *event)
{
    if (cli->json) {
        json_dumpf(event, cli->out, JSON_COMPACT);
        fputc('\n', cli->out);
        return;
    }
    char when[32], subject[160];
    bool warn = !strcmp(gy_json_text(event, "level"), "warn");
    const char *app = gy_json_text(event, "app"), *node = gy_json_text(event, "node");
    gy_event_clock(gy_json_int(event, "time_ms"), when);
    if (*app && (gy_json_int(event, "slot") || *gy_json_text(event, "pod")))
        gy_cli_pod_label(event, subject);
    else
        snprintf(subject, sizeof subject, "%.150s", *app ? app : *node ? node : "-");
    struct gy_buf text = {0};
    gy_text_fit(&text, gy_json_text(event, "text"), 1 << 20);
    enum gy_colour colour = warn ? GY_YELLOW : GY_PLAIN;
    fprintf(cli->out, "%s%s%s  %-14s  %s%s%s\n", gy_colour_on(&cli->term, GY_DIM), when,
            gy_colour_off(&cli->term, GY_DIM), subject, gy_colour_on(&cli->term, colour),
            text.text ? text.text : "", gy_colour_off(&cli->term, colour));
    gy_buf_fini(&text);
}

static bool on_event(void *arg, json_t *event)
{
    struct gy_cli *cli = arg;
    if (event && *gy_json_text(event, "kind")) print_event(cli, event);
    if (!event) fflush(cli->out);
    return !gy_cli_interrupted() && !ferror(cli->out);
}

int gy_cmd_events(struct gy_cli *cli)
{
    struct gy_buf path = {0};
    int64_t since;
    char number[24];
    gy_buf_str(&path, "/v1/events");
    const char *said = gy_cli_value(cli, "since");
    if (said && gy_time_parse(said, gy_time_wall_ms(), &since, &cli->error) != GANTRY_OK) {
        gy_buf_fini(&path);
        return GY_CLI_USAGE;
    }
    int code = gy_cli_ref_filter(cli, cli->arg_count ? cli->args[0] : NULL, &path);
    if (said) {
        snprintf(number, sizeof number, "%" PRId64, since);
        gy_cli_query(&path, "since_ms", number);
    }
    bool follow = gy_cli_has(cli, "follow");
    if (follow) gy_cli_query(&path, "follow", "true");
    if (said)
        gy_cli_query(&path, "limit", "10000");
    else if (follow)
        gy_cli_query(&path, "limit", "10"); /* what led here, then what comes */
    gy_autofree char *url = gy_buf_take(&path);
    if (code) return code;
    if (follow) {
        gy_cli_catch_interrupt();
        code = gy_cli_lines(cli, url, on_event, cli);
        return gy_cli_interrupted() ? GY_CLI_INTERRUPTED : code;
    }
    json_t *events = NULL, *event;
    if ((code = gy_cli_list(cli, url, &events))) return code;
    size_t i;
    json_array_foreach (events, i, event)
        print_event(cli, event);
    if (json_array_size(events) == 0 && !cli->quiet && !cli->json)
        fprintf(cli->err, "no events%s\n", said ? " since then" : "");
    json_decref(events);
    return 0;
}
