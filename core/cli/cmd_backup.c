/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/api.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

struct backup {
    struct gy_cli *cli;
    int fd;
    int64_t bytes;
    int failed; /* errno of a write */
    bool done;
    unsigned http_status;
    int code;
};

static bool on_bytes(void *arg, const void *bytes, size_t len)
{
    struct backup *b = arg;
    const char *p = bytes;
    b->bytes += (int64_t)len;
    while (len && !b->failed) {
        ssize_t n = write(b->fd, p, len);
        if (n < 0 && errno != EINTR) b->failed = errno;
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        }
    }
    return true;
}

static void on_done(void *arg, const struct gy_http_result *result)
{
    struct backup *b = arg;
    b->done = true;
    if (result->status != GANTRY_OK) {
        b->cli->error = *result->err;
        b->code = gy_cli_net_failed(b->cli);
    } else if (result->http_status > 299) {
        b->code = gy_cli_answer_failed(b->cli, result->http_status, result->body, result->len);
    }
}

static int transfer(struct gy_cli *cli, struct backup *b)
{
    uv_loop_t loop;
    struct gy_http_target target;
    struct gy_http_request_options options = {.on_bytes = on_bytes, .timeout_ms = -1};
    gy_cli_target(cli, &target);
    uv_loop_init(&loop);
    struct gy_http_client *client = gy_http_client_create(&loop, &target, &cli->error);
    if (!client) {
        uv_loop_close(&loop);
        return GY_CLI_USAGE;
    }
    gy_http_client_send(client, "POST", "/v1/backup", NULL, 0, &options, on_done, b);
    while (!b->done && !b->failed && uv_run(&loop, UV_RUN_ONCE))
        ;
    gy_http_client_destroy(client);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return b->code;
}

int gy_cmd_backup(struct gy_cli *cli)
{
    const char *file = cli->args[0];
    bool to_stdout = !strcmp(file, "-");
    struct backup b = {.cli = cli, .fd = STDOUT_FILENO};
    int code = gy_cli_find_server(cli);
    if (code) return code;
    struct stat st;
    if (!to_stdout && lstat(file, &st) == 0)
        return gy_cli_fail(cli, GY_CLI_FAILED, "name a file that does not exist yet",
                           "%s is there already, and a backup never overwrites", file);
    if (to_stdout && isatty(STDOUT_FILENO))
        return gy_cli_fail(cli, GY_CLI_USAGE, NULL, "a backup is not for a terminal: name a file");
    gy_autofree char *beside = gy_printf("%s.new", file);
    if (!to_stdout) b.fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (b.fd < 0)
        return gy_cli_fail(cli, GY_CLI_FAILED, NULL, "cannot write %s: %s", beside,
                           strerror(errno));
    code = transfer(cli, &b);
    if (!code && b.failed)
        code =
            gy_cli_fail(cli, GY_CLI_FAILED, NULL, "cannot write %s: %s", file, strerror(b.failed));
    if (to_stdout) return code;
    if (!code && (fsync(b.fd) < 0 || rename(beside, file) < 0))
        code = gy_cli_fail(cli, GY_CLI_FAILED, NULL, "cannot write %s: %s", file, strerror(errno));
    close(b.fd);
    if (code)
        unlink(beside);
    else if (!cli->quiet)
        fprintf(cli->err, "%s: %" PRId64 " bytes; how to put it back: gantry restore %s\n", file,
                b.bytes, file);
    return code;
}

int gy_cmd_restore(struct gy_cli *cli)
{
    const char *file = cli->arg_count ? cli->args[0] : "FILE";
    struct stat st;
    if (cli->arg_count && (stat(file, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0))
        return gy_cli_fail(cli, GY_CLI_NOT_FOUND, "make one with: gantry backup FILE",
                           "%s is not a backup file", file);
    fprintf(
        cli->out,
        "A store is restored by the daemon itself, before it serves:\n"
        "  1. stop the daemon (pods go on running):   systemctl stop gantryd\n"
        "  2. put the backup in place of the store:   gantryd --restore %s\n"
        "  3. start the daemon again:                 systemctl start gantryd\n"
        "Pods that the backup does not know are adopted where their app still wants them, else\n"
        "listed and stopped.\n",
        file);
    return 0;
}
