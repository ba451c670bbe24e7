/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions: checked, sent, and answered once the mirror shows them. */
#include "store/internal.h"

#include <string.h>

static void destroy(struct txn *t)
{
    free(t->compare_keys);
    free(t);
}

static void tell(struct txn *t, const struct gy_store_outcome *outcome)
{
    gy_store_txn_fn done = GY_GIVE(t->done);
    if (!done) return;
    t->store->in_flight--;
    gy_store_enter(t->store);
    done(t->arg, outcome);
    gy_store_leave(t->store);
}

static const char *compared_key(const struct txn *t, size_t i)
{
    const char *key = t->compare_keys;
    while (i--)
        key += strlen(key) + 1;
    return key;
}

static void wait_for_mirror(struct txn *t, uint64_t rev)
{
    struct txn_list *list = &t->store->waiting;
    t->rev = rev;
    struct txn *later = TAILQ_LAST(list, txn_list);
    while (later && later->rev > rev)
        later = TAILQ_PREV(later, txn_list, entry);
    if (later)
        TAILQ_INSERT_AFTER(list, later, t, entry);
    else
        TAILQ_INSERT_HEAD(list, t, entry);
}

static void sent_done(void *arg, gantry_status status, const gantry_store_result *result,
                      const char *text)
{
    struct txn *t = arg;
    struct gy_store *store = t->store;
    TAILQ_REMOVE(&store->sent, t, entry);
    struct gy_error err = GY_ERROR_INIT;
    struct gy_store_outcome outcome = {.status = status, .text = text};
    if (status == GANTRY_OK && result && result->failed == 0 && store->state != SYNC_CLOSED) {
        wait_for_mirror(t, result->rev);
        gy_store_wake_txns(store);
        gy_store_call_ended(store);
        return;
    }
    if (status == GANTRY_OK && result && result->failed <= t->compare_count && result->failed > 0) {
        outcome.failed = result->failed - 1;
        const char *key = compared_key(t, outcome.failed);
        struct gy_store_object *now = gy_store_get(store, key);
        if (now)
            gy_error_set(&err, GANTRY_ECONFLICT,
                         "%s was changed meanwhile (it is at revision %llu)", key,
                         (unsigned long long)now->mod_rev);
        else
            gy_error_set(&err, GANTRY_ECONFLICT, "%s was changed meanwhile (it does not exist)",
                         key);
        outcome.status = GANTRY_ECONFLICT;
        outcome.text = err.text;
    } else if (status == GANTRY_OK) {
        outcome.status = GANTRY_EINTERNAL;
        outcome.text = "the store's answer to a transaction makes no sense";
    }
    tell(t, &outcome);
    destroy(t);
    gy_store_call_ended(store);
}

void gy_store_wake_txns(struct gy_store *store)
{
    struct txn *t;
    while ((t = TAILQ_FIRST(&store->waiting)) && t->rev <= store->rev) {
        TAILQ_REMOVE(&store->waiting, t, entry);
        struct gy_store_outcome outcome = {.status = GANTRY_OK, .rev = t->rev, .text = ""};
        tell(t, &outcome);
        destroy(t);
    }
}

void gy_store_end_txns(struct gy_store *store)
{
    static const struct gy_store_outcome ended = {.status = GANTRY_ECANCELED,
                                                  .text = "the store was closed"};
    struct txn *t;
    while ((t = TAILQ_FIRST(&store->waiting))) {
        TAILQ_REMOVE(&store->waiting, t, entry);
        tell(t, &ended);
        destroy(t);
    }
    TAILQ_FOREACH (t, &store->sent, entry) {
        tell(t, &ended); /* the record stays until the backend ends the call */
    }
}

static gantry_status check_key(const char *key, struct gy_error *err)
{
    size_t len = key ? strlen(key) : 0;
    if (len == 0) return gy_error_set(err, GANTRY_EINVAL, "a key of a transaction is empty");
    if (len > GY_STORE_KEY_MAX)
        return gy_error_set(err, GANTRY_EINVAL,
                            "the key %.64s... has %zu bytes, at most %d are allowed", key, len,
                            GY_STORE_KEY_MAX);
    return GANTRY_OK;
}

static gantry_status check(const struct gy_store *store, const struct gy_store_change *changes,
                           size_t n, const struct gy_store_compare *compares, size_t m,
                           struct gy_error *err)
{
    if (!store->complete || store->state == SYNC_CLOSED)
        return gy_error_set(err, GANTRY_EUNAVAIL, "the store is not open%s%s",
                            store->trouble[0] ? ": " : "", store->trouble);
    if (n == 0) return gy_error_set(err, GANTRY_EINVAL, "a transaction without a change");
    uint32_t max_ops = store->backend.max_txn_ops, max_bytes = store->backend.max_value_bytes;
    if (max_ops == 0) max_ops = UINT32_MAX;
    if (n > max_ops || m > max_ops)
        return gy_error_set(
            err, GANTRY_EINVAL,
            "a transaction of %zu changes and %zu compares; the store takes at most %u "
            "of each",
            n, m, max_ops);
    for (size_t i = 0; i < n; i++) {
        gantry_status status = check_key(changes[i].key, err);
        if (status != GANTRY_OK) return status;
        if (changes[i].bytes && max_bytes && changes[i].len > max_bytes)
            return gy_error_set(err, GANTRY_EINVAL,
                                "%s has %zu bytes; the store takes at most %u a value",
                                changes[i].key, changes[i].len, max_bytes);
    }
    for (size_t i = 0; i < m; i++) {
        gantry_status status = check_key(compares[i].key, err);
        if (status != GANTRY_OK) return status;
    }
    if (store->in_flight >= GY_STORE_TXNS_MAX)
        return gy_error_set(err, GANTRY_EBUSY, "%d transactions are waiting for the store already",
                            GY_STORE_TXNS_MAX);
    return GANTRY_OK;
}

static char *pack_keys(const struct gy_store_compare *compares, size_t m)
{
    size_t bytes = 0;
    for (size_t i = 0; i < m; i++)
        bytes += strlen(compares[i].key) + 1;
    char *all = gy_alloc(bytes + 1), *p = all;
    for (size_t i = 0; i < m; i++) {
        size_t len = strlen(compares[i].key) + 1;
        memcpy(p, compares[i].key, len);
        p += len;
    }
    return all;
}

gantry_status gy_store_txn(struct gy_store *store, const struct gy_store_change *changes, size_t n,
                           const struct gy_store_compare *compares, size_t m, gy_store_txn_fn done,
                           void *arg, struct gy_error *err)
{
    gantry_status status = check(store, changes, n, compares, m, err);
    if (status != GANTRY_OK) return status;

    gantry_store_write *writes = gy_alloc_array(n, sizeof *writes);
    const gantry_store_write **write_list = gy_alloc_array(n, sizeof *write_list);
    gantry_store_compare *tests = gy_alloc_array(m + 1, sizeof *tests);
    const gantry_store_compare **test_list = gy_alloc_array(m + 1, sizeof *test_list);
    for (size_t i = 0; i < n; i++) {
        writes[i] = (gantry_store_write){
            .size = (uint32_t)sizeof *writes,
            .type = changes[i].bytes ? GANTRY_STORE_PUT : GANTRY_STORE_DELETE,
            .key = {changes[i].key, strlen(changes[i].key)},
            .value = {changes[i].bytes, changes[i].bytes ? changes[i].len : 0},
        };
        write_list[i] = &writes[i];
    }
    for (size_t i = 0; i < m; i++) {
        tests[i] = (gantry_store_compare){.size = (uint32_t)sizeof *tests,
                                          .mod_rev = compares[i].mod_rev,
                                          .key = {compares[i].key, strlen(compares[i].key)}};
        test_list[i] = &tests[i];
    }
    gantry_store_txn wire = {.size = (uint32_t)sizeof wire,
                             .compare_count = (uint32_t)m,
                             .write_count = (uint32_t)n,
                             .compares = test_list,
                             .writes = write_list};

    struct txn *t = gy_alloc(sizeof *t);
    *t = (struct txn){.store = store,
                      .done = done,
                      .arg = arg,
                      .compare_count = m,
                      .compare_keys = pack_keys(compares, m)};
    TAILQ_INSERT_TAIL(&store->sent, t, entry);
    store->calls++;
    store->in_flight++;
    store->backend.txn(store->backend.ctx, &wire, sent_done, t);
    free(writes);
    free(write_list);
    free(tests);
    free(test_list);
    return GANTRY_OK;
}
