/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes of the system, and a seeded generator for whatever must replay. */
#ifndef GY_BASE_RANDOM_H
#define GY_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void gy_random_bytes(void *out, size_t n); /* getrandom(2); aborts when the system has none */

/* xoshiro256** by Blackman and Vigna (2018), seeded by splitmix64.  Not for secrets. */
struct gy_random {
    uint64_t s[4];
};
void gy_random_seed(struct gy_random *r, uint64_t seed);
uint64_t gy_random_next(struct gy_random *r);
uint64_t gy_random_below(struct gy_random *r, uint64_t n); /* uniform in [0, n); n > 0 */

#endif
