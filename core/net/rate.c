/* SPDX-License-Identifier: Apache-2.0 */
#include "net/rate.h"

static int64_t level(const struct gy_rate *r, const struct gy_rate_rule *rule, int64_t now_ms)
{
    int64_t full = rule->burst * 1000;
    if (!r->used) return full;
    int64_t passed = now_ms > r->filled_ms ? now_ms - r->filled_ms : 0;
    /* tokens per second = thousandths per millisecond; capped before it can overflow */
    if (passed > full / rule->per_second) return full;
    int64_t have = r->milli_tokens + passed * rule->per_second;
    return have > full ? full : have;
}

bool gy_rate_take(struct gy_rate *r, const struct gy_rate_rule *rule, int64_t now_ms,
                  int64_t *retry_ms)
{
    r->milli_tokens = level(r, rule, now_ms);
    r->filled_ms = r->used && now_ms < r->filled_ms ? r->filled_ms : now_ms;
    r->used = true;
    if (r->milli_tokens >= 1000) {
        r->milli_tokens -= 1000;
        return true;
    }
    if (retry_ms) *retry_ms = (1000 - r->milli_tokens + rule->per_second - 1) / rule->per_second;
    return false;
}

bool gy_rate_is_full(const struct gy_rate *r, const struct gy_rate_rule *rule, int64_t now_ms)
{
    return level(r, rule, now_ms) >= rule->burst * 1000;
}
