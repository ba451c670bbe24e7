/* SPDX-License-Identifier: Apache-2.0 */
/* Writing YAML: block maps, one key a line; lists of words in one line. */
#ifndef GY_COMPOSE_EMIT_H
#define GY_COMPOSE_EMIT_H

#include "model/shape.h"

/* A map being written.  Its key comes with its first entry, so that an empty one leaves no trace.
 */
struct gy_emit {
    struct gy_buf *out;
    struct gy_emit *in; /* NULL at the top */
    const char *key;    /* of this map in the one outside */
    int indent;
    bool begun;
};
struct gy_emit gy_emit_map(struct gy_emit *in, const char *key);
/* Each leaves the key out when the value is NULL, 0, false or empty; values are safe from
 * interpolation. */
void gy_emit_text(struct gy_emit *e, const char *key, const char *value);
void gy_emit_int(struct gy_emit *e, const char *key, int64_t value);
void gy_emit_bool(struct gy_emit *e, const char *key, bool value);
void gy_emit_words(struct gy_emit *e, const char *key, const char *first,
                   const struct gy_strs *words);
void gy_emit_pairs(struct gy_emit *e, const char *key, const struct gy_map *pairs);
void gy_emit_cpus(struct gy_emit *e, const char *key, int64_t milli);
void gy_emit_bytes(struct gy_emit *e, const char *key, int64_t bytes);
/* Unless it is the standard value. */
void gy_emit_duration(struct gy_emit *e, const char *key, int64_t ms, int64_t standard_ms);
/* Key and text that is YAML already. */
void gy_emit_raw(struct gy_emit *e, const char *key, const char *yaml);
/* A value quoted as far as needed, `$` doubled. */
void gy_emit_quote(struct gy_buf *out, const char *value);

#endif
