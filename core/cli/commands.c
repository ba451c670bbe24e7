/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands.  Dispatch, parsing, help, completions and man pages all come from here;
 * after a change run `gantry man` and `gantry completion` into contrib (contrib/man/README.md). */
#include "cli/cli.h"

#define END                                                                                        \
    {                                                                                              \
        .name = NULL                                                                               \
    }
#define NO_MORE                                                                                    \
    {                                                                                              \
        NULL, NULL                                                                                 \
    }
#define OPTIONS(...)                                                                               \
    (const struct gy_cli_option[])                                                                 \
    {                                                                                              \
        __VA_ARGS__, END                                                                           \
    }
#define EXAMPLES(...)                                                                              \
    (const struct gy_cli_example[])                                                                \
    {                                                                                              \
        __VA_ARGS__, NO_MORE                                                                       \
    }

const struct gy_cli_option gy_cli_globals[] = {
    {"host", 'H', "URL", GY_CLI_TEXT, "server: unix://PATH or http://HOST:PORT (also GANTRY_HOST)",
     false},
    {"context", 0, "NAME", GY_CLI_CONTEXT, "use a stored server (gantry context ls)", false},
    {"namespace", 'n', "NAME", GY_CLI_NAMESPACE, "namespace, \"default\" when not said", false},
    {"json", 0, NULL, GY_CLI_NONE, "print JSON, stable for scripts", false},
    {"no-color", 0, NULL, GY_CLI_NONE, "no colours (also NO_COLOR)", false},
    {"quiet", 'q', NULL, GY_CLI_NONE, "print only results and errors", false},
    {"help", 'h', NULL, GY_CLI_NONE, "show help and exit", false},
    {"version", 0, NULL, GY_CLI_NONE, "show the version and exit", false},
    END,
};

const struct gy_cli_exit_text gy_cli_exits[] = {
    {GY_CLI_OK, "done"},
    {GY_CLI_FAILED, "failed; the sentence on standard error says why"},
    {GY_CLI_USAGE, "the command line is wrong"},
    {GY_CLI_UNHEALTHY, "not healthy, or not gone, in time"},
    {GY_CLI_NOT_FOUND, "there is no such project, app, pod, node, plugin or file"},
    {GY_CLI_UNREACHABLE, "the server cannot be reached"},
    {GY_CLI_REFUSED, "the server refuses: token missing or without the right"},
    {GY_CLI_INTERRUPTED, "interrupted by Ctrl-C"},
    {-1, NULL},
};

#define FILE_OPTION                                                                                \
    {                                                                                              \
        "file", 'f', "FILE", GY_CLI_FILE,                                                          \
            "Compose file; - reads standard input (default: compose.yaml here or above)", true     \
    }
#define PROJECT_OPTION                                                                             \
    {                                                                                              \
        "project", 'p', "PROJECT", GY_CLI_PROJECT,                                                 \
            "project name (default: the file's name:, else the folder)", false                     \
    }
#define PROFILE_OPTION                                                                             \
    {                                                                                              \
        "profile", 0, "NAME", GY_CLI_TEXT, "enable a profile of the Compose file", true            \
    }
#define DETACH_OPTION                                                                              \
    {                                                                                              \
        "detach", 'd', NULL, GY_CLI_NONE, "do not wait", false                                     \
    }
#define TIMEOUT_OPTION(what)                                                                       \
    {                                                                                              \
        "timeout", 't', "TIME", GY_CLI_DURATION, what, false                                       \
    }
#define CONTAINER_OPTION                                                                           \
    {                                                                                              \
        "container", 'c', "NAME", GY_CLI_TEXT, "container, where a pod has several", false         \
    }

const struct gy_cli_command gy_cli_commands[] = {
    {.name = "up",
     .synopsis = "",
     .summary = "Deploy a Compose file and wait until it is healthy",
     .text = "Reads the Compose file on this machine, shows what changes, sends the whole project "
             "to the server in one transaction and shows progress until every app is healthy. "
             "Running it again with the same file changes nothing. Apps of the project that the "
             "file no longer names are removed.\n\n"
             "Variables come from the environment, then from the file .env beside the Compose "
             "file. Ctrl-C stops waiting, not the deployment.",
     .options = OPTIONS(
         FILE_OPTION, PROJECT_OPTION, PROFILE_OPTION,
         {"scale", 0, "APP=N", GY_CLI_APP_COUNT, "run N pods, whatever the file says", true},
         DETACH_OPTION,
         {"dry-run", 0, NULL, GY_CLI_NONE, "show what would change, change nothing", false},
         TIMEOUT_OPTION("give up waiting after that long, 0 = never (default 5m)")),
     .examples = EXAMPLES({"gantry up", "deploy ./compose.yaml"},
                          {"gantry up -f shop.yaml --scale web=5", "five pods of web"},
                          {"gantry up --dry-run", "only show the plan"}),
     .exits = "3 not healthy in time: the reasons are printed and the deployment stays as it is",
     .run = gy_cmd_up},
    {.name = "down",
     .synopsis = "[PROJECT]",
     .summary = "Stop and remove the apps of a project",
     .text = "Without PROJECT the one of the Compose file here. Waits until all pods are gone.",
     .options = OPTIONS(FILE_OPTION, PROJECT_OPTION, DETACH_OPTION,
                        TIMEOUT_OPTION("give up waiting after that long, 0 = never (default 5m)")),
     .kind = GY_CLI_PROJECT,
     .max = 1,
     .examples = EXAMPLES({"gantry down hello", "remove the project hello"}),
     .exits = "3 pods were still there when the time was over",
     .run = gy_cmd_down},
    {.name = "ps",
     .synopsis = "[PROJECT | APP]",
     .summary = "List pods",
     .text = "Pods that have ended are shown with -a only.",
     .options = OPTIONS({"all", 'a', NULL, GY_CLI_NONE, "ended pods too", false},
                        {"node", 0, "NODE", GY_CLI_NODE, "only pods on that node", false}),
     .kind = GY_CLI_PROJECT,
     .max = 1,
     .examples = EXAMPLES({"gantry ps", "all pods of the namespace"},
                          {"gantry ps hello --json", "pods of one project, for a script"}),
     .run = gy_cmd_ps},
    {.name = "apps",
     .synopsis = "[PROJECT]",
     .summary = "List apps",
     .kind = GY_CLI_PROJECT,
     .max = 1,
     .examples = EXAMPLES({"gantry apps", "apps with how many pods are ready"}),
     .run = gy_cmd_apps},
    {.name = "nodes",
     .synopsis = "",
     .summary = "List nodes",
     .examples = EXAMPLES({"gantry nodes", "nodes with state, pods and resources"}),
     .run = gy_cmd_nodes},
    {.name = "node drain",
     .synopsis = "NODE",
     .summary = "Place nothing more on a node and move its pods away",
     .kind = GY_CLI_NODE,
     .min = 1,
     .max = 1,
     .examples = EXAMPLES({"gantry node drain n2", "before maintenance"}),
     .run = gy_cmd_node_drain},
    {.name = "node undrain",
     .synopsis = "NODE",
     .summary = "Let a drained node take pods again",
     .kind = GY_CLI_NODE,
     .min = 1,
     .max = 1,
     .examples = EXAMPLES({"gantry node undrain n2", "after maintenance"}),
     .run = gy_cmd_node_undrain},
    {.name = "node label",
     .synopsis = "NODE KEY=VALUE|KEY-...",
     .summary = "Set or remove labels of a node",
     .kind = GY_CLI_NODE,
     .min = 2,
     .max = -1,
     .examples = EXAMPLES({"gantry node label n1 disk=ssd", "set a label"},
                          {"gantry node label n1 disk-", "remove it"}),
     .run = gy_cmd_node_label},
    {.name = "scale",
     .synopsis = "APP=N...",
     .summary = "Change how many pods an app runs and wait until they are ready",
     .text = "The next `gantry up` sets the number of the Compose file again and says so.",
     .options = OPTIONS(DETACH_OPTION,
                        TIMEOUT_OPTION("give up waiting after that long, 0 = never (default 5m)")),
     .kind = GY_CLI_APP_COUNT,
     .min = 1,
     .max = -1,
     .examples = EXAMPLES({"gantry scale web=5", "five pods of web"},
                          {"gantry scale shop/web=3 shop/api=2", "several apps at once"}),
     .exits = "3 not ready in time: the reasons are printed",
     .run = gy_cmd_scale},
    {.name = "logs",
     .synopsis = "APP|POD...",
     .summary = "Show what pods wrote",
     .text = "Lines of several pods carry the pod's name, in a colour of its own on a terminal. "
             "What a pod wrote to standard error goes to standard error.",
     .options = OPTIONS(
         {"follow", 'f', NULL, GY_CLI_NONE, "go on with new lines until Ctrl-C", false},
         {"tail", 0, "N", GY_CLI_NUMBER, "only the last N lines of each pod", false},
         {"since", 0, "TIME", GY_CLI_TIME, "only newer lines: 10m, or 2026-01-02T15:04:05Z", false},
         {"previous", 0, NULL, GY_CLI_NONE, "of the attempt before the present one", false},
         {"timestamps", 0, NULL, GY_CLI_NONE, "show when each line was written", false},
         CONTAINER_OPTION),
     .kind = GY_CLI_TARGET,
     .min = 1,
     .max = -1,
     .examples = EXAMPLES({"gantry logs -f web", "all pods of web, as they write"},
                          {"gantry logs --previous web.2", "what slot 2 wrote before it crashed"}),
     .run = gy_cmd_logs},
    {.name = "exec",
     .synopsis = "POD|APP[.SLOT] -- PROGRAM [ARGUMENT...]",
     .summary = "Run a program in a pod",
     .text = "An app without slot means its first running pod. Exits with the program's code, or "
             "with 128 plus the signal that ended it.",
     .options = OPTIONS({"interactive", 'i', NULL, GY_CLI_NONE, "pass standard input on", false},
                        {"tty", 't', NULL, GY_CLI_NONE, "give the program a terminal", false},
                        {"user", 'u', "USER", GY_CLI_TEXT, "run as that user", false},
                        {"workdir", 'w', "FOLDER", GY_CLI_TEXT, "start in that folder", false},
                        CONTAINER_OPTION),
     .kind = GY_CLI_TARGET,
     .min = 2,
     .max = -1,
     .examples = EXAMPLES({"gantry exec -it web -- sh", "a shell in a pod of web"},
                          {"gantry exec web.2 -- ls -l", "one command in slot 2"}),
     .exits = "otherwise the exit code of the program",
     .run = gy_cmd_exec},
    {.name = "events",
     .synopsis = "[PROJECT | APP]",
     .summary = "Show what happened",
     .text = "With --json one object a line.",
     .options = OPTIONS(
         {"follow", 'f', NULL, GY_CLI_NONE, "go on with new events until Ctrl-C", false},
         {"since", 0, "TIME", GY_CLI_TIME, "only newer ones: 10m, or 2026-01-02T15:04:05Z", false}),
     .kind = GY_CLI_PROJECT,
     .max = 1,
     .examples = EXAMPLES({"gantry events --since 10m", "of the last ten minutes"},
                          {"gantry events -f --json", "a stream for a script"}),
     .run = gy_cmd_events},
    {.name = "explain",
     .synopsis = "APP|POD",
     .summary = "Say why an app or a pod is as it is",
     .text = "For what waits: which nodes were ruled out and what the nearest one lacks. For a "
             "placed pod: why its node.",
     .kind = GY_CLI_TARGET,
     .min = 1,
     .max = 1,
     .examples = EXAMPLES({"gantry explain web", "why is web not ready"}),
     .run = gy_cmd_explain},
    {.name = "inspect",
     .synopsis = "APP|POD|NODE",
     .summary = "Show everything about one object, as JSON",
     .text = "app/NAME, pod/ID and node/NAME say which kind is meant.",
     .kind = GY_CLI_TARGET,
     .min = 1,
     .max = 1,
     .examples =
         EXAMPLES({"gantry inspect web", "the app web"}, {"gantry inspect node/n1", "the node n1"}),
     .run = gy_cmd_inspect},
    {.name = "plugin ls",
     .synopsis = "",
     .summary = "List the server's plugins, or those in a folder",
     .text = "With --scan the files of a folder are read, not loaded, and no server is asked: what "
             "each says about itself, or why it cannot be used here.",
     .options = OPTIONS({"scan", 0, "FOLDER", GY_CLI_FOLDER, "plugin files in that folder", false}),
     .examples =
         EXAMPLES({"gantry plugin ls", "kind, version, state and calls"},
                  {"gantry plugin ls --scan build/lib/gantry/plugins", "before enabling one"}),
     .run = gy_cmd_plugin_ls},
    {.name = "plugin info",
     .synopsis = "NAME",
     .summary = "Show a plugin: version, ABI, settings with their meaning, state, time spent",
     .kind = GY_CLI_PLUGIN,
     .min = 1,
     .max = 1,
     .examples = EXAMPLES({"gantry plugin info process", "the settings of the driver process"}),
     .run = gy_cmd_plugin_info},
    {.name = "config",
     .synopsis = "",
     .summary = "Show the server's configuration in force, secrets masked",
     .examples = EXAMPLES({"gantry config", "as JSON"}),
     .run = gy_cmd_config},
    {.name = "compose config",
     .synopsis = "",
     .summary = "Print the normal form of a Compose file",
     .text = "Needs no server. With --json the apps as the server will get them.",
     .options = OPTIONS(FILE_OPTION, PROJECT_OPTION, PROFILE_OPTION),
     .examples = EXAMPLES({"gantry compose config -f shop.yaml", "with everything filled in"}),
     .run = gy_cmd_compose_config},
    {.name = "compose check",
     .synopsis = "",
     .summary = "Check a Compose file, deploy nothing",
     .text = "Needs no server. Says what is wrong and in which line, and what is accepted without "
             "having an effect.",
     .options = OPTIONS(FILE_OPTION, PROJECT_OPTION, PROFILE_OPTION),
     .examples = EXAMPLES({"gantry compose check", "before a commit"}),
     .run = gy_cmd_compose_check},
    {.name = "backup",
     .synopsis = "FILE",
     .summary = "Write a backup of the server's store to a file; - is standard output",
     .text = "Apps, nodes, pods and events as of one moment; not the volumes of the pods. The file "
             "is readable by its owner only.",
     .kind = GY_CLI_FILE,
     .min = 1,
     .max = 1,
     .examples = EXAMPLES({"gantry backup gantry-$(date +%F).backup", "while all runs"}),
     .run = gy_cmd_backup},
    {.name = "restore",
     .synopsis = "[FILE]",
     .summary = "Say how a backup is put back",
     .text = "A store is restored by the daemon itself, while it does not serve: this command "
             "checks the file and prints the steps.",
     .kind = GY_CLI_FILE,
     .max = 1,
     .examples = EXAMPLES({"gantry restore gantry-2026-01-02.backup", "print the steps"}),
     .run = gy_cmd_restore},
    {.name = "version",
     .synopsis = "",
     .summary = "Show the versions of this command and of the server",
     .examples = EXAMPLES({"gantry version --json", "for a script"}),
     .exits = "0 also when the server cannot be reached",
     .run = gy_cmd_version},
    {.name = "context ls",
     .synopsis = "",
     .summary = "List stored servers",
     .examples = EXAMPLES({"gantry context ls", "* marks the one in use"}),
     .run = gy_cmd_context_ls},
    {.name = "context use",
     .synopsis = "NAME",
     .summary = "Talk to a stored server from now on; - means none",
     .kind = GY_CLI_CONTEXT,
     .min = 1,
     .max = 1,
     .examples = EXAMPLES({"gantry context use prod", "until another is chosen"}),
     .run = gy_cmd_context_use},
    {.name = "context add",
     .synopsis = "NAME URL",
     .summary = "Store a server; its token is read from GANTRY_TOKEN",
     .text = "Stored in $XDG_CONFIG_HOME/gantry/contexts.json (~/.config), readable by its owner "
             "only. The namespace of -n is stored too.",
     .kind = GY_CLI_CONTEXT,
     .min = 2,
     .max = 2,
     .examples = EXAMPLES(
         {"GANTRY_TOKEN=$(cat token) gantry context add prod http://10.0.0.5:7000", "add prod"}),
     .run = gy_cmd_context_add},
    {.name = "context rm",
     .synopsis = "NAME",
     .summary = "Forget a stored server",
     .kind = GY_CLI_CONTEXT,
     .min = 1,
     .max = 1,
     .examples = EXAMPLES({"gantry context rm prod", "and its token"}),
     .run = gy_cmd_context_rm},
    {.name = "completion",
     .synopsis = "bash|zsh|fish",
     .summary = "Print the completion script for a shell",
     .kind = GY_CLI_SHELL,
     .min = 1,
     .max = 1,
     .examples = EXAMPLES({"source <(gantry completion bash)", "in this shell"}),
     .run = gy_cmd_completion},
    {.name = "man",
     .synopsis = "[FOLDER]",
     .summary = "Write the man pages into a folder, or print gantry(1)",
     .kind = GY_CLI_FOLDER,
     .max = 1,
     .examples = EXAMPLES({"gantry man | man -l -", "read it"},
                          {"gantry man /usr/local/share/man/man1", "install them"}),
     .run = gy_cmd_man},
    {.name = "help",
     .synopsis = "[COMMAND]",
     .summary = "Show help about a command",
     .max = 2,
     .examples = EXAMPLES({"gantry help up", "about up"}),
     .run = gy_cmd_help},
    {.name = "__names",
     .synopsis = "KIND",
     .summary = "Names for completion",
     .min = 1,
     .max = 1,
     .hidden = true,
     .run = gy_cmd_names},
};
const size_t gy_cli_command_count = sizeof gy_cli_commands / sizeof *gy_cli_commands;
