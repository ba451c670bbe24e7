/* SPDX-License-Identifier: Apache-2.0 */
#include "faulty_vfs.h"
#include "base/memory.h"
#include "base/random.h"

#include <sqlite3.h>
#include <string.h>

#define SECTOR 512
#define FILES_MAX 16
#define SHM_LOCKS 8
#define SHM_PAGES 64

struct image {
    unsigned char *bytes;
    uint64_t size, cap;
};

struct pending { /* a write that was not synced; bytes NULL = truncation to `at` */
    unsigned char *bytes;
    uint64_t at, len;
};

struct disk_file {
    char name[128];
    bool exists, durable_exists;
    struct image now, durable;
    struct pending *pending;
    size_t pending_count, pending_cap;
    int shared; /* locks */
    struct handle *reserved, *exclusive;
    void *shm[SHM_PAGES];
    int shm_users, shm_shared[SHM_LOCKS];
    struct handle *shm_exclusive[SHM_LOCKS];
};

struct handle {
    sqlite3_file base;
    struct disk_file *file;
    int level;
    bool has_shm, delete_on_close;
    unsigned shm_mask; /* shared locks held */
};

static struct disk_file disk[FILES_MAX];
static enum fault armed;
static uint64_t fault_at, fault_count, operations;
static bool struck, dead;

/* ---- images ---- */

static void image_write(struct image *image, uint64_t at, const void *bytes, uint64_t len)
{
    if (at + len > image->cap) {
        image->cap = (at + len) * 2;
        image->bytes = gy_grow(image->bytes, image->cap, 1);
    }
    if (at > image->size) memset(image->bytes + image->size, 0, at - image->size);
    memcpy(image->bytes + at, bytes, len);
    if (at + len > image->size) image->size = at + len;
}

static void image_fini(struct image *image)
{
    free(image->bytes);
    *image = (struct image){0};
}

static void pending_add(struct disk_file *f, uint64_t at, const void *bytes, uint64_t len)
{
    GY_VEC_PUSH(f->pending, f->pending_count, f->pending_cap);
    struct pending *p = &f->pending[f->pending_count++];
    *p = (struct pending){.at = at, .len = len};
    if (!bytes) return;
    p->bytes = gy_alloc(len + 1);
    memcpy(p->bytes, bytes, len);
}

static void pending_clear(struct disk_file *f)
{
    for (size_t i = 0; i < f->pending_count; i++)
        free(f->pending[i].bytes);
    f->pending_count = 0;
}

static void pending_apply(struct disk_file *f, const struct pending *p)
{
    if (p->bytes)
        image_write(&f->durable, p->at, p->bytes, p->len);
    else if (f->durable.size > p->at)
        f->durable.size = p->at;
}

static void file_fini(struct disk_file *f)
{
    image_fini(&f->now);
    image_fini(&f->durable);
    pending_clear(f);
    free(f->pending);
    for (size_t i = 0; i < SHM_PAGES; i++)
        free(f->shm[i]);
    *f = (struct disk_file){0};
}

static struct disk_file *find(const char *name, bool create)
{
    struct disk_file *spare = NULL;
    for (size_t i = 0; i < FILES_MAX; i++) {
        if (!strcmp(disk[i].name, name) && name[0]) return &disk[i];
        if (!disk[i].name[0] && !spare) spare = &disk[i];
    }
    if (!create) return NULL;
    GY_ASSERT(spare && strlen(name) < sizeof spare->name);
    strcpy(spare->name, name);
    return spare;
}

/* ---- faults ---- */

/* Call once for each operation that the fault is about. */
static bool strikes(enum fault fault)
{
    if (armed != fault) return false;
    operations++;
    bool now = operations >= fault_at && operations < fault_at + fault_count;
    struck = struck || now;
    return now;
}

static int next_operation(void)
{
    dead = dead || strikes(FAULT_POWER);
    return dead ? SQLITE_IOERR : SQLITE_OK;
}

void faulty_format(void)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        file_fini(&disk[i]);
    faulty_arm(FAULT_NONE, 0, 0);
}

void faulty_arm(enum fault fault, uint64_t at, uint64_t count)
{
    armed = fault;
    fault_at = at;
    fault_count = count;
    operations = 0;
    struck = dead = false;
}

bool faulty_struck(void)
{
    return struck;
}

/* Some sectors of a write, as a disk that lost power in the middle of it. */
static void apply_torn(struct disk_file *f, const struct pending *p, struct gy_random *random)
{
    for (uint64_t done = 0; done < p->len; done += SECTOR) {
        uint64_t n = p->len - done < SECTOR ? p->len - done : SECTOR;
        if (gy_random_below(random, 2)) image_write(&f->durable, p->at + done, p->bytes + done, n);
    }
}

void faulty_reboot(uint64_t seed)
{
    struct gy_random random;
    gy_random_seed(&random, seed);
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct disk_file *f = &disk[i];
        if (!f->name[0]) continue;
        GY_ASSERT(!f->shared && !f->shm_users);
        for (size_t k = 0; k < f->pending_count; k++) {
            uint64_t fate = gy_random_below(&random, 4);
            if (fate == 0) pending_apply(f, &f->pending[k]);
            if (fate == 1 && f->pending[k].bytes) apply_torn(f, &f->pending[k], &random);
        }
        pending_clear(f);
        f->exists = f->durable_exists;
        if (!f->exists) f->durable.size = 0;
        f->now.size = 0;
        if (f->durable.size) image_write(&f->now, 0, f->durable.bytes, f->durable.size);
    }
    faulty_arm(FAULT_NONE, 0, 0);
}

unsigned char *faulty_bytes(const char *name, uint64_t *size)
{
    struct disk_file *f = find(name, false);
    if (!f || !f->exists) return NULL;
    *size = f->now.size;
    return f->now.bytes;
}

/* ---- file methods ---- */

static int file_close(sqlite3_file *file)
{
    struct handle *h = (struct handle *)file;
    if (h->delete_on_close) h->file->exists = h->file->durable_exists = false;
    return SQLITE_OK;
}

static int file_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at)
{
    const struct image *image = &((struct handle *)file)->file->now;
    if (dead) return SQLITE_IOERR_READ;
    uint64_t len = (uint64_t)n, from = (uint64_t)at;
    uint64_t have = from >= image->size ? 0 : image->size - from;
    if (have > len) have = len;
    if (have) memcpy(out, image->bytes + from, have);
    memset((char *)out + have, 0, len - have);
    return have == len ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
    struct disk_file *f = ((struct handle *)file)->file;
    int code = next_operation();
    uint64_t len = (uint64_t)n;
    if (code != SQLITE_OK) return SQLITE_IOERR_WRITE;
    if (strikes(FAULT_FULL)) return SQLITE_FULL;
    bool torn = strikes(FAULT_TORN);
    if (torn) len /= 2;
    image_write(&f->now, (uint64_t)at, bytes, len);
    pending_add(f, (uint64_t)at, bytes, len);
    return torn ? SQLITE_IOERR_WRITE : SQLITE_OK;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct disk_file *f = ((struct handle *)file)->file;
    if (next_operation() != SQLITE_OK) return SQLITE_IOERR_TRUNCATE;
    if (f->now.size > (uint64_t)size) f->now.size = (uint64_t)size;
    pending_add(f, (uint64_t)size, NULL, 0);
    return SQLITE_OK;
}

static int file_sync(sqlite3_file *file, int flags)
{
    (void)flags;
    struct disk_file *f = ((struct handle *)file)->file;
    if (next_operation() != SQLITE_OK) return SQLITE_IOERR_FSYNC;
    bool fails = strikes(FAULT_SYNC);
    for (size_t i = 0; !fails && i < f->pending_count; i++)
        pending_apply(f, &f->pending[i]);
    pending_clear(f);
    if (!fails) f->durable_exists = f->exists;
    return fails ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    *size = (sqlite3_int64)((struct handle *)file)->file->now.size;
    return SQLITE_OK;
}

static int file_lock(sqlite3_file *file, int level)
{
    struct handle *h = (struct handle *)file;
    struct disk_file *f = h->file;
    if (level <= h->level) return SQLITE_OK;
    if (h->level == SQLITE_LOCK_NONE) {
        if (f->exclusive) return SQLITE_BUSY;
        f->shared++;
        h->level = SQLITE_LOCK_SHARED;
    }
    if (level >= SQLITE_LOCK_RESERVED) {
        if (f->reserved && f->reserved != h) return SQLITE_BUSY;
        f->reserved = h;
        h->level = SQLITE_LOCK_RESERVED;
    }
    if (level == SQLITE_LOCK_EXCLUSIVE) {
        if (f->shared > 1) return SQLITE_BUSY;
        f->exclusive = h;
        h->level = level;
    }
    return SQLITE_OK;
}

static int file_unlock(sqlite3_file *file, int level)
{
    struct handle *h = (struct handle *)file;
    struct disk_file *f = h->file;
    if (level >= h->level) return SQLITE_OK;
    if (f->exclusive == h) f->exclusive = NULL;
    if (f->reserved == h) f->reserved = NULL;
    if (level == SQLITE_LOCK_NONE) f->shared--;
    h->level = level;
    return SQLITE_OK;
}

static int file_check_reserved(sqlite3_file *file, int *out)
{
    *out = ((struct handle *)file)->file->reserved != NULL;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
    (void)file, (void)op, (void)arg;
    return SQLITE_NOTFOUND;
}

static int file_sector_size(sqlite3_file *file)
{
    (void)file;
    return SECTOR;
}

static int file_characteristics(sqlite3_file *file)
{
    (void)file;
    return 0;
}

static int shm_map(sqlite3_file *file, int page, int bytes, int extend, void volatile **out)
{
    struct handle *h = (struct handle *)file;
    GY_ASSERT(page < SHM_PAGES);
    if (!h->has_shm) h->file->shm_users++;
    h->has_shm = true;
    void **slot = &h->file->shm[page];
    if (!*slot && extend) *slot = gy_alloc((size_t)bytes);
    *out = *slot;
    return SQLITE_OK;
}

static bool shm_is_free(const struct handle *h, int i, bool exclusive)
{
    const struct disk_file *f = h->file;
    if (f->shm_exclusive[i] && f->shm_exclusive[i] != h) return false;
    int others = f->shm_shared[i] - (h->shm_mask >> i & 1u ? 1 : 0);
    return !exclusive || others == 0;
}

static int shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    struct handle *h = (struct handle *)file;
    struct disk_file *f = h->file;
    bool exclusive = flags & SQLITE_SHM_EXCLUSIVE;
    for (int i = offset; flags & SQLITE_SHM_LOCK && i < offset + n; i++)
        if (!shm_is_free(h, i, exclusive)) return SQLITE_BUSY;
    for (int i = offset; i < offset + n; i++) {
        unsigned bit = 1u << i;
        if (flags & SQLITE_SHM_UNLOCK) {
            if (f->shm_exclusive[i] == h) f->shm_exclusive[i] = NULL;
            if (h->shm_mask & bit) f->shm_shared[i]--;
            h->shm_mask &= ~bit;
        } else if (exclusive) {
            f->shm_exclusive[i] = h;
        } else if (!(h->shm_mask & bit)) {
            f->shm_shared[i]++;
            h->shm_mask |= bit;
        }
    }
    return SQLITE_OK;
}

static void shm_barrier(sqlite3_file *file)
{
    (void)file;
}

static int shm_unmap(sqlite3_file *file, int delete_it)
{
    (void)delete_it;
    struct handle *h = (struct handle *)file;
    if (!h->has_shm) return SQLITE_OK;
    h->has_shm = false;
    if (--h->file->shm_users ==
        0) /* as if the file were gone: the next user rebuilds it from the log */
        for (size_t i = 0; i < SHM_PAGES; i++) {
            free(h->file->shm[i]);
            h->file->shm[i] = NULL;
        }
    return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

/* ---- the file system ---- */

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                    int *out_flags)
{
    (void)vfs;
    static int temporary;
    char made_up[32];
    struct handle *h = (struct handle *)file;
    *h = (struct handle){0};
    if (!name) {
        sqlite3_snprintf(sizeof made_up, made_up, "temporary%d", ++temporary);
        name = made_up;
    }
    struct disk_file *f = find(name, flags & SQLITE_OPEN_CREATE);
    if (dead || !f || (!f->exists && !(flags & SQLITE_OPEN_CREATE))) return SQLITE_CANTOPEN;
    f->exists = true;
    h->file = f;
    h->delete_on_close = flags & SQLITE_OPEN_DELETEONCLOSE;
    h->base.pMethods = &methods;
    if (out_flags) *out_flags = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs, (void)sync;
    if (dead) return SQLITE_IOERR_DELETE;
    struct disk_file *f = find(name, false);
    if (!f || !f->exists) return SQLITE_IOERR_DELETE_NOENT;
    char kept[sizeof f->name];
    memcpy(kept, f->name, sizeof kept);
    file_fini(f);
    memcpy(f->name, kept, sizeof kept);
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    (void)vfs, (void)flags;
    const struct disk_file *f = find(name, false);
    *out = f && f->exists;
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int n, char *out)
{
    (void)vfs;
    sqlite3_snprintf(n, out, "%s", name);
    return SQLITE_OK;
}

static int vfs_random(sqlite3_vfs *vfs, int n, char *out)
{
    (void)vfs;
    memset(out, 7, (size_t)n); /* the same run each time */
    return n;
}

static int vfs_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    return us;
}

static int vfs_time(sqlite3_vfs *vfs, double *out)
{
    (void)vfs;
    *out = 2460000.5;
    return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *vfs, int n, char *out)
{
    (void)vfs, (void)n, (void)out;
    return 0;
}

void faulty_register(void)
{
    static sqlite3_vfs vfs = {
        .iVersion = 1,
        .szOsFile = (int)sizeof(struct handle),
        .mxPathname = 120,
        .zName = FAULTY_VFS_NAME,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_random,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xGetLastError = vfs_last_error,
    };
    sqlite3_vfs_register(&vfs, 0);
}
