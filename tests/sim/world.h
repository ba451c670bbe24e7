/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated world: virtual time, one queue of events, one source of chance.  One seed = one
 * history. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "base/random.h"
#include "base/text.h"
#include "engine/engine.h"
#include "engine/node/node_half.h"
#include "model/key.h"
#include "store/store.h"
#include <gantry/driver.h>
#include <uthash.h>
#include <utlist.h>

#define NODES_MAX 9

struct world;

/* ---- world.c: time and chance ---- */
struct happening {
    int64_t at_ms;
    uint64_t order;
    void (*fn)(struct world *w, void *arg);
    void *arg;
};

/* ---- disk.c: the store's backend, durable across crashes of the server ---- */
struct record {
    char *key, *value;
    size_t len;
    uint64_t create_rev, mod_rev;
    UT_hash_handle hh;
};
struct logged {
    uint64_t rev;
    char *key, *value; /* value NULL = deleted */
    size_t len;
    uint64_t create_rev;
};
struct disk_call;
struct disk_watch {
    uint64_t id;
    char *prefix;
    size_t next; /* in the log */
    gy_store_item_fn item;
    gy_store_done_fn done;
    void *arg;
    bool broken;
    struct disk_watch *prev, *next_watch;
};
struct disk {
    struct record *records;
    struct logged *log;
    size_t log_n, log_cap;
    uint64_t rev, compacted;
    struct disk_call *calls;
    struct disk_watch *watches;
    uint64_t next_id;
};
void disk_backend(struct world *w, struct gy_store_backend *out);
void disk_drop_client(
    struct world *w); /* the server died: what was under way is decided by chance */
const struct record *disk_get(const struct world *w, const char *key);
void disk_free(struct world *w);

/* ---- driver.c: what runs on a machine, durable across crashes of the agent ---- */
struct sim_container {
    char *name;
    int64_t attempt; /* last started */
    uint32_t state;
    int64_t exit_code, started_ms, ended_ms;
    bool lost;
    int behaviour;
    uint64_t life; /* grows with each start */
};
struct sim_pod {
    char *id;
    struct gy_pod spec;
    struct sim_container *containers;
    size_t n;
    struct sim_pod *prev, *next;
};

struct waiter {
    uint64_t action;
    char *pod, *container;
    struct waiter *prev, *next;
};

/* ---- machine.c: a node with its agent ---- */
struct machine {
    struct world *w;
    char name[16], boot_id[24];
    int64_t cpu_milli, memory_bytes;
    bool powered, agent_up, frozen;
    bool link_cut;       /* network partition */
    uint64_t agent_life; /* grows with each start of the agent */
    uint64_t session;    /* grows with each link; 0 = no link */
    bool session_up;
    struct gy_node_half *half;
    struct sim_pod *pods;
    struct waiter *waiters;
    struct gy_strs known; /* pods given since the last full listing */
    bool step_queued;
    int64_t wake_at_ms;
    int boots;
};

/* ---- control.c: the server ---- */
struct server {
    bool up, ready;
    uint64_t life;
    struct gy_engine *engine;
    struct gy_store *store;
    struct gy_store_subscription *subscription;
    uint64_t epoch_rev;
    bool step_queued, settling;
    int64_t wake_at_ms;
    int writes_in_flight;
};

struct bound { /* every pod record ever stored: where it was bound, and how it stands now */
    char *id;
    char *node, *app_key;
    int64_t slot, generation, cpu_milli, memory_bytes;
    bool stored, wanted, over, at_most_one, start_first;
    UT_hash_handle hh;
};

/* The newest write that somebody wants of a key: an older one that failed is not tried again over
 * it. */
struct newest {
    char *key;
    uint64_t number;
    UT_hash_handle hh;
};

struct world {
    uint64_t seed;
    struct gy_random random;
    int64_t now_ms;
    int64_t wall_offset_ms; /* clocks jump */
    uint64_t order;
    struct happening *heap;
    size_t heap_n, heap_cap;
    bool verbose, ended;
    bool faults; /* may things go wrong now? */
    struct disk disk;
    struct server server;
    struct machine machines[NODES_MAX];
    int machine_count;
    struct bound *bound;
    struct newest *newest;
    uint64_t writes;
    char *failure; /* the first invariant that did not hold */
    uint64_t happenings;
    bool changed; /* since the invariants were last looked at */
    int64_t placed, started, crashes;
};

void world_at(struct world *w, int64_t in_ms, void (*fn)(struct world *, void *), void *arg);
bool world_turn(struct world *w);           /* one happening; false = nothing left */
int64_t chance(struct world *w, int64_t n); /* 0 .. n-1 */
bool odds(struct world *w, int64_t one_in); /* once in n, only while faults are on */
struct gy_now world_now(const struct world *w);
void world_fail(struct world *w, const char *fmt, ...) GANTRY_PRINTF(2, 3);
void world_say(struct world *w, const char *fmt, ...) GANTRY_PRINTF(2, 3);
void world_free(struct world *w);

void server_start(struct world *w);
void server_crash(struct world *w);
void server_forget(struct world *w);
void server_step_soon(struct world *w);
void server_heard(struct world *w, const char *node);
void server_status(struct world *w, const struct gy_pod_status *status);
void server_put(struct world *w, const char *key,
                char *value); /* API write; takes value, NULL = delete */
void server_put_report(struct world *w, const char *node, const struct gy_node_report *report);

void machine_init(struct world *w, int i);
void machine_boot(struct machine *m);
void machine_power_off(struct machine *m);
void agent_start(struct machine *m);
void agent_crash(struct machine *m);
void machine_link(struct machine *m); /* (re)connect if both ends are there */
void machine_unlink(struct machine *m);
void machine_desired(struct machine *m, const char *value, size_t len);
void machine_forget(struct machine *m, const char *id);
void machine_synced(struct machine *m);
void agent_step_soon(struct machine *m);
bool machine_is_reachable(const struct machine *m);

void driver_apply(struct machine *m, const struct gy_action *action);
void driver_kill_container(struct machine *m, struct sim_pod *pod, size_t i, int64_t code,
                           bool lost);
struct sim_pod *driver_find(struct machine *m, const char *id);
void driver_drop_waiters(struct machine *m);
void driver_free(struct machine *m);

/* ---- invariants.c ---- */
void check_always(struct world *w);
void check_converged(struct world *w);

#endif
