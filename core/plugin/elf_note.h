/* SPDX-License-Identifier: Apache-2.0 */
/* The facts a plugin file states in its ELF note, read without loading it. */
#ifndef GY_PLUGIN_ELF_NOTE_H
#define GY_PLUGIN_ELF_NOTE_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>

#define GY_NOTE_NAME_MAX 64
#define GY_NOTE_KINDS_MAX 256

struct gy_elf_note {
    char name[GY_NOTE_NAME_MAX], version[GY_NOTE_NAME_MAX];
    char kinds[GY_NOTE_KINDS_MAX]; /* separated by single blanks */
    uint32_t abi_built, abi_min;
    char build_id[41]; /* hexadecimal, "" when the file has none */
};

/* [any] What the file says.  EINVAL with a sentence that begins with no file name: not ELF,
 * truncated, of another machine, no shared object, no note, a note that cannot be read. */
gantry_status gy_elf_note_read(int fd, struct gy_elf_note *out, struct gy_error *err);
/* The same over bytes. */
gantry_status gy_elf_note_parse(const void *bytes, size_t len, struct gy_elf_note *out,
                                struct gy_error *err);

#endif
