/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a plugin file: what is read is bounded text, or there is a sentence. */
#include "base/text.h"
#include "plugin/elf_note.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_word(const char *text, size_t max)
{
    GY_ASSERT(text[0] && strnlen(text, max) < max);
    for (const char *p = text; *p; p++)
        GY_ASSERT((unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct gy_elf_note note;
    struct gy_error err = GY_ERROR_INIT;
    if (gy_elf_note_parse(bytes, len, &note, &err) != GANTRY_OK) {
        GY_ASSERT(err.status == GANTRY_EINVAL && err.text[0]);
        return 0;
    }
    check_word(note.name, sizeof note.name);
    check_word(note.version, sizeof note.version);
    check_word(note.kinds, sizeof note.kinds);
    GY_ASSERT(strnlen(note.build_id, sizeof note.build_id) < sizeof note.build_id);
    return 0;
}
