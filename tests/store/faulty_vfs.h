/* SPDX-License-Identifier: Apache-2.0 */
/* A disk in memory for SQLite that fails on request and forgets what was not synced.  One thread.
 */
#ifndef TESTS_STORE_FAULTY_VFS_H
#define TESTS_STORE_FAULTY_VFS_H

#include <stdbool.h>
#include <stdint.h>

enum fault {
    FAULT_NONE,
    FAULT_FULL,  /* a write fails as on a full disk */
    FAULT_TORN,  /* half of the write arrives, then an I/O error */
    FAULT_SYNC,  /* fsync fails, and what it should have synced is lost for good, as on Linux */
    FAULT_POWER, /* at `at` the machine stops: everything fails until faulty_reboot() */
};

#define FAULTY_VFS_NAME "faulty"
void faulty_register(void);
/* An empty disk without faults. */
void faulty_format(void);
/* The fault strikes at the at-th operation of its kind from now (write; sync; any change for
 * POWER), `count` times in a row. */
void faulty_arm(enum fault fault, uint64_t at, uint64_t count);
bool faulty_struck(void);
/* Drop what was not synced, but for a random choice of it, in whole or torn sectors.  Every
 * connection must be closed before. */
void faulty_reboot(uint64_t seed);
/* Bytes of a file, to damage it; NULL when there is none. */
unsigned char *faulty_bytes(const char *name, uint64_t *size);

#endif
