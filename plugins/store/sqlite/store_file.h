/* SPDX-License-Identifier: Apache-2.0 */
/* Around the store's file: who has it, how it was left, and on what kind of disk it is. */
#ifndef STORE_SQLITE_FILE_H
#define STORE_SQLITE_FILE_H

#include "sentence.h"
#include <stdbool.h>

struct store_file {
    char *path, *marker; /* marker: PATH.open, there while the store is open */
    int lock;            /* descriptor of PATH.lock, held for life */
    bool unclean;        /* the last owner did not close it */
};

/* Name of a network file system by its statfs number or by its type in mountinfo ("fuse.sshfs");
 * NULL when it is a local one. */
const char *store_file_network_name(unsigned long magic, const char *type);

/* Take the file for this process.  EINVAL: another process has it, it is on a network file system,
 * it is missing or empty although it was in use; EUNAVAIL: the folder cannot be used. */
gantry_status store_file_take(const char *path, struct store_file *out, struct sentence *why);
/* The file is open and holds a store: from now on an end without store_file_give(clean) is unclean.
 */
gantry_status store_file_mark(struct store_file *file, struct sentence *why);
void store_file_give(struct store_file *file, bool clean);

#endif
