/* SPDX-License-Identifier: Apache-2.0 */
/* gantry/plugin.h: what a plugin declares, and the life cycle that every kind shares. */
#ifndef GANTRY_PLUGIN_H
#define GANTRY_PLUGIN_H

#include <gantry/host.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GANTRY_PLUGIN_SINGLETON (1ull << 0) /* refuse a second instance                       */
#define GANTRY_PLUGIN_BLOCKING (1ull << 1)  /* [loop] calls run on workers, see `workers`     */

#define GANTRY_SETTING_STR 1u
#define GANTRY_SETTING_INT 2u
#define GANTRY_SETTING_BOOL 3u
#define GANTRY_SETTING_STRV 4u
#define GANTRY_SETTING_SECRET 5u /* a string; never logged, never echoed by the API           */

typedef struct gantry_setting { /* SIZED; one key an operator may write */
    uint32_t size, type, flags, reserved;
    const char *path, *fallback, *doc; /* fallback NULL = required; INT and BOOL as text;     */
} gantry_setting;                      /* STRV: elements separated by blanks                  */

typedef struct gantry_provider {               /* SIZED; `ops` is the kind's SIZED vtable */
    uint32_t size, workers, draft, reserved;   /* workers 0 = 4; draft 0 = stable              */
    const char *kind, *name;                   /* "gantry.driver/1", "docker"                  */
    const gantry_setting *const *settings;     /* NULL-terminated; the plugin's own block     */
    const gantry_setting *const *app_settings; /* NULL-terminated; its block inside an app    */
    const void *ops;
} gantry_provider;

typedef struct gantry_plugin {         /* SIZED */
    uint32_t size, abi_built, abi_min; /* abi_min: oldest host this can run on */
    uint32_t provider_count;
    uint64_t flags;
    const char *name, *version, *license, *url, *description;
    const gantry_provider *const *providers; /* pointers, so entries may grow */
} gantry_plugin;

typedef struct gantry_health { /* SIZED; an item of `health` */
    uint32_t size;
    gantry_status status; /* GANTRY_OK, or what is wrong */
    gantry_str text;
} gantry_health;

/* Shared by every kind; all [loop] unless tagged. */
typedef struct gantry_base_ops { /* SIZED */
    uint32_t size, reserved;
    /* No I/O; `self` is the plugin's own. */
    gantry_status (*create)(const gantry_host_api *, gantry_host *, const gantry_conf *,
                            void **self, gantry_error *);
    /* Connect, recover; retried by the host with back-off; no other call before it ended OK.
     * NULL = nothing to open. */
    void (*open)(void *self, gantry_op);
    void (*reload)(void *self, gantry_op, const gantry_conf *); /* NULL = restart the instance  */
    void (*health)(void *self, gantry_op);   /* stream of gantry_health                        */
    void (*shutdown)(void *self, gantry_op); /* end every open op, then this one; may be NULL  */
    void (*destroy)(void *self);             /* only after create returned OK; runs once       */
    void (*cancel)(void *self, gantry_op);   /* best effort; the op still ends once            */
    const void *(*extension)(void *self, const char *id); /* [any] or NULL                      */
} gantry_base_ops;

typedef const gantry_plugin *(*gantry_plugin_entry_fn)(void);

/* ELF note "Gantry", type 1: one NUL-terminated line "name version abi_built abi_min kind kind
 * ...", readable without loading the object: `readelf -p .note.gantry plugin.so`. */
#define GANTRY_NOTE_SECTION ".note.gantry"
#define GANTRY_NOTE_TYPE 1u
#define GANTRY_STRINGIFY_(x) #x
#define GANTRY_STRINGIFY(x) GANTRY_STRINGIFY_(x)

/* The one exported symbol: a function that returns static storage; it must not allocate, log or
 * start threads.  name, version and kinds ("gantry.driver/1 gantry.store/1") are string literals;
 * abi_major and abi_minor, the oldest host it runs on, are plain numbers.  The loader refuses a
 * note that differs from the descriptor. */
#define GANTRY_PLUGIN(descriptor, name_, version_, min_major, min_minor, kinds_)                   \
    static const struct {                                                                          \
        uint32_t namesz, descsz, type;                                                             \
        char owner[8];                                                                             \
        char text[(sizeof(name_ " " version_ " " GANTRY_NOTE_ABI_ " " GANTRY_STRINGIFY(            \
                       min_major) "." GANTRY_STRINGIFY(min_minor) " " kinds_) +                    \
                   3u) &                                                                           \
                  ~(size_t)3u];                                                                    \
    } gantry_note_ __attribute__((used, aligned(4), section(GANTRY_NOTE_SECTION))) = {             \
        7u, (uint32_t)sizeof(gantry_note_.text), GANTRY_NOTE_TYPE, "Gantry",                       \
        name_ " " version_ " " GANTRY_NOTE_ABI_                                                    \
              " " GANTRY_STRINGIFY(min_major) "." GANTRY_STRINGIFY(min_minor) " " kinds_};         \
    GANTRY_EXTERN_C GANTRY_EXPORT const gantry_plugin *gantry_plugin_entry(void);                  \
    const gantry_plugin *gantry_plugin_entry(void)                                                 \
    {                                                                                              \
        return &(descriptor);                                                                      \
    }
#define GANTRY_NOTE_ABI_ "0.1" /* GANTRY_ABI_CURRENT as text; the lock checks that they agree */

#ifdef __cplusplus
}
#endif
#endif /* GANTRY_PLUGIN_H */
