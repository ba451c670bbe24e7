/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenAPI 3 document, made of the table of routes and the shapes of the model. */
#include "server/private.h"

#include <ctype.h>

static json_t *ref(const char *name)
{
    gy_autofree char *at = gy_printf("#/components/schemas/%s", name);
    return json_pack("{s:s}", "$ref", at);
}

static json_t *parse(const char *text)
{
    json_t *out = json_loads(text, 0, NULL);
    GY_ASSERT(out);
    return out;
}

static json_t *list_of(json_t *item)
{
    json_t *out =
        parse("{\"type\":\"object\",\"required\":[\"items\",\"revision\"],\"properties\":{"
              "\"items\":{\"type\":\"array\"},\"revision\":{\"type\":\"integer\","
              "\"format\":\"int64\"},\"continue\":{\"type\":\"string\",\"description\":"
              "\"there is more: give it as ?continue=\"}}}");
    json_object_set_new(json_object_get(json_object_get(out, "properties"), "items"), "items",
                        item);
    return out;
}

static json_t *schema_of(enum schema schema)
{
    switch (schema) {
    case SCHEMA_NONE: return NULL;
    case SCHEMA_ERROR: return ref("Error");
    case SCHEMA_VERSION: return ref("Version");
    case SCHEMA_OBJECT: return parse("{\"type\":\"object\"}");
    case SCHEMA_NAMESPACES: return list_of(ref("Namespace"));
    case SCHEMA_PROJECTS: return list_of(ref("ProjectSummary"));
    case SCHEMA_PROJECT: return ref("Project");
    case SCHEMA_PLAN: return ref("Plan");
    case SCHEMA_SCALE: return ref("Scale");
    case SCHEMA_APP: return ref("App");
    case SCHEMA_APP_VIEW: return ref("AppView");
    case SCHEMA_APP_LIST: return list_of(ref("AppView"));
    case SCHEMA_POD_VIEW: return ref("PodView");
    case SCHEMA_POD_LIST: return list_of(ref("PodView"));
    case SCHEMA_NODE: return ref("Node");
    case SCHEMA_NODE_LIST: return list_of(ref("Node"));
    case SCHEMA_NODE_PATCH: return ref("NodePatch");
    case SCHEMA_EVENT_LIST: return list_of(ref("Event"));
    case SCHEMA_LINES: return ref("WatchLine");
    case SCHEMA_FRAMES:
    case SCHEMA_BYTES: return parse("{\"type\":\"string\",\"format\":\"binary\"}");
    }
    return NULL;
}

static const char *media_of(enum schema schema)
{
    if (schema == SCHEMA_LINES) return "application/x-ndjson";
    if (schema == SCHEMA_FRAMES) return "application/x-gantry-stream";
    return schema == SCHEMA_BYTES ? "application/octet-stream" : "application/json";
}

static json_t *content(enum schema schema)
{
    return json_pack("{s:{s:o}}", media_of(schema), "schema", schema_of(schema));
}

static json_t *parameter(const char *name, size_t len, const char *where)
{
    gy_autofree char *text = gy_strndup(name, len);
    bool repeats = gy_streq(text, "label") || gy_streq(text, "arg");
    return json_pack("{s:s,s:s,s:b,s:o}", "name", text, "in", where, "required",
                     gy_streq(where, "path"), "schema",
                     parse(repeats ? "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"
                                   : "{\"type\":\"string\"}"));
}

static json_t *parameters(const struct route *route)
{
    json_t *out = json_array();
    for (const char *p = strchr(route->pattern, '{'); p; p = strchr(p + 1, '{'))
        json_array_append_new(out, parameter(p + 1, strcspn(p + 1, "}"), "path"));
    for (const char *p = route->query; *p;) {
        size_t len = strcspn(p, " ");
        json_array_append_new(out, parameter(p, len, "query"));
        p += len + strspn(p + len, " ");
    }
    return out;
}

static json_t *operation(const struct route *route)
{
    json_t *out = json_pack("{s:s,s:o,s:s}", "summary", route->summary, "parameters",
                            parameters(route), "x-role", gy_role_names[route->role]);
    if (route->request)
        json_object_set_new(
            out, "requestBody",
            json_pack("{s:b,s:o}", "required", 1, "content", content(route->request)));
    bool upgrades = route->response == SCHEMA_FRAMES && gy_streq(route->method, "POST");
    json_object_set_new(out, "responses",
                        json_pack("{s:{s:s,s:o},s:{s:s,s:o}}", upgrades ? "101" : "200",
                                  "description",
                                  upgrades ? "the connection carries gantry-stream frames" : "done",
                                  "content", content(route->response), "default", "description",
                                  "refused", "content", content(SCHEMA_ERROR)));
    return out;
}

static const char own_schemas[] =
    "{\"Error\":{\"type\":\"object\",\"required\":[\"error\"],\"properties\":{\"error\":{\"type\":"
    "\"object\",\"required\":[\"status\",\"message\"],\"properties\":{\"status\":{\"type\":"
    "\"string\"},\"message\":{\"type\":\"string\"},\"path\":{\"type\":\"string\",\"description\":"
    "\"which part of the request\"}}}}},"
    "\"Version\":{\"type\":\"object\",\"required\":[\"version\",\"abi\",\"node\",\"cluster\"],"
    "\"properties\":{\"version\":{\"type\":\"string\"},\"abi\":{\"type\":\"string\"},\"node\":{"
    "\"type\":\"string\"},\"cluster\":{\"type\":\"string\"}}},"
    "\"Namespace\":{\"type\":\"object\",\"required\":[\"name\",\"projects\",\"apps\"],"
    "\"properties\":{\"name\":{\"type\":\"string\"},\"projects\":{\"type\":\"integer\"},\"apps\":{"
    "\"type\":\"integer\"}}},"
    "\"ProjectSummary\":{\"type\":\"object\",\"required\":[\"name\",\"apps\",\"desired\","
    "\"ready\"],\"properties\":{\"name\":{\"type\":\"string\"},\"apps\":{\"type\":\"integer\"},"
    "\"desired\":{\"type\":\"integer\"},\"ready\":{\"type\":\"integer\"}}},"
    "\"Project\":{\"type\":\"object\",\"required\":[\"apps\"],\"additionalProperties\":false,"
    "\"properties\":{\"apps\":{\"type\":\"array\",\"maxItems\":2000,\"items\":{\"$ref\":"
    "\"#/components/schemas/App\"}}}},"
    "\"Scale\":{\"type\":\"object\",\"required\":[\"replicas\"],\"additionalProperties\":false,"
    "\"properties\":{\"replicas\":{\"type\":\"object\",\"additionalProperties\":{\"type\":"
    "\"integer\",\"minimum\":0,\"maximum\":100000}}}},"
    "\"Plan\":{\"type\":\"object\",\"required\":[\"revision\",\"warnings\",\"plan\"],"
    "\"properties\":{\"revision\":{\"type\":\"integer\",\"format\":\"int64\"},\"warnings\":{"
    "\"type\":\"array\",\"items\":{\"type\":\"string\"}},\"plan\":{\"type\":\"array\",\"items\":{"
    "\"type\":\"object\",\"required\":[\"app\",\"action\",\"text\"],\"properties\":{\"app\":{"
    "\"type\":\"string\"},\"action\":{\"type\":\"string\",\"enum\":[\"none\",\"create\",\"update\","
    "\"replace\",\"scale\",\"remove\"]},\"text\":{\"type\":\"string\"}}}}}},"
    "\"NodePatch\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"labels\":{"
    "\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\",\"nullable\":true}},"
    "\"drain\":{\"type\":\"boolean\"}}},"
    "\"WatchLine\":{\"type\":\"object\",\"required\":[\"type\",\"revision\"],\"properties\":{"
    "\"type\":{\"type\":\"string\",\"enum\":[\"put\",\"delete\",\"resync\",\"synced\"]},\"kind\":{"
    "\"type\":\"string\",\"enum\":[\"app\",\"pod\",\"node\",\"event\"]},\"revision\":{\"type\":"
    "\"integer\",\"format\":\"int64\"},\"object\":{\"type\":\"object\"}}}}";

static void add_shapes(json_t *schemas)
{
    static const struct gy_shape *const shapes[] = {
        &gy_app_shape,         &gy_pod_template_shape, &gy_container_shape,
        &gy_health_shape,      &gy_resources_shape,    &gy_ulimit_shape,
        &gy_port_shape,        &gy_restart_shape,      &gy_update_shape,
        &gy_placement_shape,   &gy_affinity_shape,     &gy_depends_shape,
        &gy_app_status_shape,  &gy_pod_view_shape,     &gy_container_status_shape,
        &gy_pod_address_shape, &gy_node_shape,         &gy_node_driver_shape,
        &gy_event_shape,
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        json_object_set_new(schemas, shapes[i]->name, gy_shape_schema(shapes[i]));
    json_object_set_new(schemas, "AppView", gy_app_view_schema());
}

json_t *gy_openapi_make(void)
{
    json_t *paths = json_object(), *schemas = parse(own_schemas);
    add_shapes(schemas);
    for (size_t i = 0; i < gy_route_count; i++) {
        const struct route *route = &gy_routes[i];
        json_t *path = json_object_get(paths, route->pattern);
        if (!path) {
            path = json_object();
            json_object_set_new(paths, route->pattern, path);
        }
        char method[16] = "";
        for (size_t j = 0; route->method[j] && j < sizeof method - 1; j++)
            method[j] = (char)tolower((unsigned char)route->method[j]);
        json_object_set_new(path, method, operation(route));
    }
    return json_pack("{s:s,s:{s:s,s:s,s:s},s:o,s:{s:o,s:{s:{s:s,s:s}}}}", "openapi", "3.0.3",
                     "info", "title", "gantry", "version", GANTRY_VERSION, "description",
                     "Unix socket: peer credentials.  TCP: a bearer token, always.", "paths", paths,
                     "components", "schemas", schemas, "securitySchemes", "token", "type", "http",
                     "scheme", "bearer");
}
