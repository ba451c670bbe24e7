/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 client: libcurl on the loop, and a small blocking form for the command line. */
#ifndef GY_NET_HTTP_CLIENT_H
#define GY_NET_HTTP_CLIENT_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

/* Where to and as whom; every text is copied by the functions that take it. */
struct gy_http_target {
    const char *url;     /* "unix:///x/gantry.sock", "http://127.0.0.1:2375/base", "https://..." */
    const char *token;   /* bearer token or NULL; never logged, never in a sentence */
    const char *peer;    /* what is there, for sentences; NULL = "gantryd" */
    const char *ca_file; /* for https, NULL = the system's */
    int64_t connect_ms;  /* 0 = 5 s */
    int64_t timeout_ms;  /* 0 = 60 s for a call; streams have none */
    size_t body_bytes;   /* 0 = 64 MiB; EINVAL beyond */
};

/* ---- on the loop [loop] ---- */

struct gy_http_client;
struct gy_http_call;

/* NULL with a sentence when the URL is not one. */
struct gy_http_client *gy_http_client_create(uv_loop_t *loop, const struct gy_http_target *target,
                                             struct gy_error *err);
/* Cancels open calls (their on_done is not called); freed on a later turn. */
void gy_http_client_destroy(struct gy_http_client *c);

struct gy_http_result {
    gantry_status status; /* OK: an answer came, whatever its http status */
    unsigned http_status;
    const char *content_type; /* or NULL */
    const void *body;         /* borrowed; NULL for streams */
    size_t len;
    const struct gy_error *err; /* when status is not OK */
};
struct gy_http_request_options { /* zero = default */
    const char *content_type;    /* of the body; NULL = application/json */
    const char *const *headers;  /* NULL-terminated "Name: value", or NULL */
    int64_t timeout_ms;          /* 0 = the target's; -1 = none */
    /* Streaming: gets the bytes of a 2xx answer as they come instead of gathering them; false =
     * pause (nothing of this call's bytes was taken), go on with gy_http_call_resume(). */
    bool (*on_bytes)(void *arg, const void *bytes, size_t len);
};
/* body is copied.  on_done comes exactly once, on a later turn, unless canceled. */
struct gy_http_call *
gy_http_client_send(struct gy_http_client *c, const char *method, const char *path,
                    const void *body, size_t len, const struct gy_http_request_options *options,
                    void (*on_done)(void *arg, const struct gy_http_result *result), void *arg);
void gy_http_call_resume(struct gy_http_call *call);
void gy_http_call_cancel(struct gy_http_call *call); /* on_done is not called */

/* ---- blocking, for the command line ---- */

struct gy_http_response {
    unsigned status;
    char *content_type; /* or NULL */
    char *body;         /* NUL-terminated */
    size_t len;
};
void gy_http_response_fini(struct gy_http_response *r);

/* OK for 2xx; else the status and sentence that the answer carries ({"error": ...}), or ones made
 * from its HTTP status. */
gantry_status gy_http_response_check(const struct gy_http_response *r, struct gy_error *err);

struct gy_http_session; /* keeps its connection between calls */
struct gy_http_session *gy_http_session_open(const struct gy_http_target *target,
                                             struct gy_error *err);
void gy_http_session_close(struct gy_http_session *s);
/* OK: an answer came (look at response->status).  EUNAVAIL: not reachable, the sentence says what
 * to do.  ETIMEDOUT, EINVAL (bad answer). */
gantry_status gy_http_call(struct gy_http_session *s, const char *method, const char *path,
                           const void *body, size_t len, struct gy_http_response *response,
                           struct gy_error *err);
/* GET that stays open: on_bytes gets the bytes of a 2xx answer as they come and returns false to
 * end (still OK).  Another answer becomes an error as by gy_http_response_check() and is put into
 * *refused (may be NULL; gy_http_response_fini).  Every 250 ms without bytes
 * on_bytes is called with len 0, so that the caller can look at a signal or a clock. */
gantry_status gy_http_stream(struct gy_http_session *s, const char *path,
                             bool (*on_bytes)(void *arg, const void *bytes, size_t len), void *arg,
                             struct gy_http_response *refused, struct gy_error *err);
/* POST with `Upgrade: protocol`.  OK: *fd is a connected, blocking socket for the caller to close,
 * *early (for free(), may be NULL) what followed the answer's headers.  An answer other than 101 is
 * put into *refused (may be NULL) and becomes an error as by gy_http_response_check(). */
gantry_status gy_http_upgrade_connect(const struct gy_http_target *target, const char *path,
                                      const char *protocol, const void *body, size_t len, int *fd,
                                      char **early, size_t *early_len,
                                      struct gy_http_response *refused, struct gy_error *err);

#endif
