/* SPDX-License-Identifier: Apache-2.0 */
/* Talking to a shim; the protocol is described in core/shim/serve.c. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int process_connect(const struct process_driver *d, const char *pod, const char *container)
{
    /* Through the folder's descriptor: the path itself may be longer than an address can be. */
    char *path = process_container_path(d, pod, container, "");
    int folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    free(path);
    if (folder < 0) return -1;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/sock", folder);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int rc = fd < 0 ? -1 : connect(fd, (struct sockaddr *)&address, sizeof address);
    int why = errno;
    close(folder);
    if (rc == 0) return fd;
    if (fd >= 0) close(fd);
    errno = why;
    return -1;
}

void process_request_begin(struct process_buf *b, const char *verb)
{
    *b = (struct process_buf){0};
    process_buf_add(b, verb, strlen(verb) + 1);
}

int process_request(int fd, const struct process_buf *request, const int *fds)
{
    struct iovec part = {.iov_base = request->bytes, .iov_len = request->len};
    union {
        char bytes[CMSG_SPACE(3 * sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fds) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(3 * sizeof(int));
        memcpy(CMSG_DATA(head), fds, 3 * sizeof(int));
    }
    return sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

ssize_t process_answer(int fd, char *text, size_t max, int *pass_fd)
{
    struct iovec part = {.iov_base = text, .iov_len = max - 1};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    *pass_fd = -1;
    ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    if (n < 0) return -1;
    text[n] = '\0';
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
        memcpy(pass_fd, CMSG_DATA(head), sizeof(int));
    return n;
}
