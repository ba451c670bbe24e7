/* SPDX-License-Identifier: Apache-2.0 */
/* Token bucket; pure: the caller brings the time. */
#ifndef GY_NET_RATE_H
#define GY_NET_RATE_H

#include <stdbool.h>
#include <stdint.h>

/* Embedded; all zero is an unused bucket, full at its first use. */
struct gy_rate {
    int64_t milli_tokens; /* thousandths of a token */
    int64_t filled_ms;    /* when milli_tokens was true */
    bool used;
};

struct gy_rate_rule {
    int64_t per_second; /* tokens that flow in; 1 .. 1,000,000 */
    int64_t burst;      /* most it holds; 1 .. 1,000,000 */
};

/* Take one token.  False: none left; *retry_ms (may be NULL) is how long until there is one, at
 * least 1.  A clock that goes back adds nothing. */
bool gy_rate_take(struct gy_rate *r, const struct gy_rate_rule *rule, int64_t now_ms,
                  int64_t *retry_ms);
/* True when the bucket is full again: it can be forgotten. */
bool gy_rate_is_full(const struct gy_rate *r, const struct gy_rate_rule *rule, int64_t now_ms);

#endif
