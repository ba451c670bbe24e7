/* SPDX-License-Identifier: Apache-2.0 */
/* After the System V ABI, chapters 4 and 5, and elf(5).  Nothing in the file is believed: every
 * offset is checked against its length, every count is bounded. */
#include "plugin/elf_note.h"
#include "base/memory.h"
#include "base/text.h"

#include <ctype.h>
#include <elf.h>
#include <gantry/plugin.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENTS_MAX 128
#define NOTES_MAX (64u * 1024)

#if UINTPTR_MAX == UINT64_MAX
typedef Elf64_Ehdr elf_header;
typedef Elf64_Phdr elf_segment;
#define OWN_CLASS ELFCLASS64
#else
typedef Elf32_Ehdr elf_header;
typedef Elf32_Phdr elf_segment;
#define OWN_CLASS ELFCLASS32
#endif
#define OWN_DATA (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB)

struct source {
    int fd; /* -1: bytes */
    const unsigned char *bytes;
    uint64_t len;
};

static bool read_at(const struct source *s, uint64_t offset, void *out, size_t n)
{
    if (offset > s->len || n > s->len - offset) return false;
    if (s->fd < 0) {
        memcpy(out, s->bytes + offset, n);
        return true;
    }
    size_t have = 0;
    while (have < n) {
        ssize_t got = pread(s->fd, (char *)out + have, n - have, (off_t)(offset + have));
        if (got <= 0) return false;
        have += (size_t)got;
    }
    return true;
}

static const char *machine_name(unsigned machine, char text[24])
{
    switch (machine) {
    case EM_X86_64: return "x86_64";
    case EM_AARCH64: return "aarch64";
    case EM_386: return "i386";
    case EM_ARM: return "arm";
    case EM_RISCV: return "riscv";
    case EM_PPC64: return "ppc64";
    case EM_S390: return "s390";
    default: snprintf(text, 24, "machine %u", machine); return text;
    }
}

/* Our own machine is the one this file was compiled for. */
#if defined(__x86_64__)
#define OWN_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OWN_MACHINE EM_AARCH64
#elif defined(__i386__)
#define OWN_MACHINE EM_386
#elif defined(__arm__)
#define OWN_MACHINE EM_ARM
#elif defined(__riscv)
#define OWN_MACHINE EM_RISCV
#elif defined(__powerpc64__)
#define OWN_MACHINE EM_PPC64
#elif defined(__s390x__)
#define OWN_MACHINE EM_S390
#else
#error "name the ELF machine of this architecture here"
#endif

static gantry_status truncated(const struct source *s, struct gy_error *err)
{
    return gy_error_set(err, GANTRY_EINVAL,
                        "the file is truncated: its headers point beyond its %" PRIu64 " bytes",
                        s->len);
}

static gantry_status check_header(const struct source *s, elf_header *h, struct gy_error *err)
{
    unsigned char ident[EI_NIDENT];
    uint16_t machine;
    char text[24], own[24];
    if (s->len == 0) return gy_error_set(err, GANTRY_EINVAL, "the file is empty");
    if (!read_at(s, 0, ident, SELFMAG) || memcmp(ident, ELFMAG, SELFMAG) != 0)
        return gy_error_set(err, GANTRY_EINVAL, "not a shared object: it has no ELF header");
    if (!read_at(s, 0, ident, sizeof ident) || !read_at(s, 18, &machine, sizeof machine))
        return truncated(s, err);
    if (ident[EI_DATA] != OWN_DATA)
        return gy_error_set(err, GANTRY_EINVAL, "built for a machine of the other byte order");
    if (machine != OWN_MACHINE || ident[EI_CLASS] != OWN_CLASS)
        return gy_error_set(err, GANTRY_EINVAL,
                            "built for %s (%d bit), this gantry runs on %s (%d bit)",
                            machine_name(machine, text), ident[EI_CLASS] == ELFCLASS64 ? 64 : 32,
                            machine_name(OWN_MACHINE, own), OWN_CLASS == ELFCLASS64 ? 64 : 32);
    if (!read_at(s, 0, h, sizeof *h)) return truncated(s, err);
    if (h->e_type != ET_DYN)
        return gy_error_set(err, GANTRY_EINVAL, "an ELF file, but not a shared object (type %u)",
                            (unsigned)h->e_type);
    if (h->e_phentsize != sizeof(elf_segment) || h->e_phnum == 0 || h->e_phnum > SEGMENTS_MAX)
        return gy_error_set(err, GANTRY_EINVAL,
                            "its ELF program headers cannot be read: %u entries of %u bytes",
                            (unsigned)h->e_phnum, (unsigned)h->e_phentsize);
    uint64_t sections = (uint64_t)h->e_shnum * h->e_shentsize;
    if (h->e_shoff > s->len || sections > s->len - h->e_shoff) return truncated(s, err);
    return GANTRY_OK;
}

/* "0.1": two numbers below 65536. */
static bool parse_abi(const char *text, uint32_t *abi)
{
    unsigned major, minor;
    int end = 0;
    if (!isdigit((unsigned char)text[0]) || strlen(text) > 11) return false;
    if (sscanf(text, "%u.%u%n", &major, &minor, &end) != 2 || text[end]) return false;
    if (major > 0xffff || minor > 0xffff) return false;
    *abi = GANTRY_ABI(major, minor);
    return true;
}

/* One word into `out`; the rest of the line, or NULL when the word is missing or too long. */
static const char *take_word(const char *line, char *out, size_t max)
{
    size_t n = strcspn(line, " ");
    if (n == 0 || n >= max) return NULL;
    memcpy(out, line, n);
    out[n] = '\0';
    return line[n] ? line + n + 1 : line + n;
}

static gantry_status parse_line(const char *line, struct gy_elf_note *out, struct gy_error *err)
{
    char built[GY_NOTE_NAME_MAX], min[GY_NOTE_NAME_MAX];
    const char *rest = line;
    for (const char *p = line; *p; p++)
        if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e) goto bad;
    if (!(rest = take_word(rest, out->name, sizeof out->name)) ||
        !(rest = take_word(rest, out->version, sizeof out->version)) ||
        !(rest = take_word(rest, built, sizeof built)) ||
        !(rest = take_word(rest, min, sizeof min)) || !parse_abi(built, &out->abi_built) ||
        !parse_abi(min, &out->abi_min) || !*rest || strlen(rest) >= sizeof out->kinds)
        goto bad;
    memcpy(out->kinds, rest, strlen(rest) + 1);
    return GANTRY_OK;
bad:
    return gy_error_set(err, GANTRY_EINVAL,
                        "its gantry note cannot be read: it should say \"name version built-abi "
                        "oldest-abi kind ...\"");
}

static void format_build_id(const unsigned char *id, uint32_t n, char out[41])
{
    if (n > 20) n = 20;
    for (uint32_t i = 0; i < n; i++)
        snprintf(out + 2 * i, 3, "%02x", id[i]);
}

/* The notes of one segment: {namesz, descsz, type}, name, desc, each padded to `align`. */
static gantry_status walk_notes(const unsigned char *notes, size_t len, size_t align,
                                struct gy_elf_note *out, bool *found, struct gy_error *err)
{
    size_t at = 0;
    while (len - at >= 12) {
        uint32_t head[3];
        memcpy(head, notes + at, sizeof head);
        at += sizeof head;
        size_t name = ((size_t)head[0] + align - 1) / align * align;
        size_t desc = ((size_t)head[1] + align - 1) / align * align;
        if (name > len - at || head[1] > len - at - name)
            return GANTRY_OK; /* not for us to judge */
        const unsigned char *text = notes + at + name;
        if (head[0] == 7 && !memcmp(notes + at, "Gantry", 7) && head[2] == GANTRY_NOTE_TYPE) {
            if (*found) return gy_error_set(err, GANTRY_EINVAL, "it has two gantry notes");
            if (!memchr(text, 0, head[1]))
                return gy_error_set(err, GANTRY_EINVAL, "its gantry note does not end");
            gantry_status status = parse_line((const char *)text, out, err);
            if (status != GANTRY_OK) return status;
            *found = true;
        } else if (head[0] == 4 && !memcmp(notes + at, "GNU", 4) && head[2] == NT_GNU_BUILD_ID) {
            format_build_id(text, head[1], out->build_id);
        }
        if (desc > len - at - name) return GANTRY_OK;
        at += name + desc;
    }
    return GANTRY_OK;
}

static gantry_status read_segment(const struct source *s, const elf_segment *seg,
                                  struct gy_elf_note *out, bool *found, struct gy_error *err)
{
    if (seg->p_filesz > s->len || seg->p_offset > s->len - seg->p_filesz) return truncated(s, err);
    if (seg->p_type != PT_NOTE || seg->p_filesz > NOTES_MAX) return GANTRY_OK;
    size_t len = (size_t)seg->p_filesz;
    unsigned char *notes = gy_alloc(len);
    gantry_status status = GANTRY_OK;
    if (read_at(s, seg->p_offset, notes, len))
        status = walk_notes(notes, len, seg->p_align == 8 ? 8 : 4, out, found, err);
    free(notes);
    return status;
}

static gantry_status read_source(const struct source *s, struct gy_elf_note *out,
                                 struct gy_error *err)
{
    elf_header h;
    bool found = false;
    *out = (struct gy_elf_note){.name = ""};
    gantry_status status = check_header(s, &h, err);
    for (unsigned i = 0; status == GANTRY_OK && i < h.e_phnum; i++) {
        elf_segment seg;
        if (h.e_phoff > s->len ||
            !read_at(s, h.e_phoff + (uint64_t)i * sizeof seg, &seg, sizeof seg))
            return truncated(s, err);
        status = read_segment(s, &seg, out, &found, err);
    }
    if (status == GANTRY_OK && !found)
        status = gy_error_set(err, GANTRY_EINVAL,
                              "not a gantry plugin: it has no " GANTRY_NOTE_SECTION
                              " (a plugin declares itself with GANTRY_PLUGIN)");
    return status;
}

gantry_status gy_elf_note_read(int fd, struct gy_elf_note *out, struct gy_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return gy_error_set(err, GANTRY_EINVAL, "not a regular file");
    struct source s = {.fd = fd, .len = (uint64_t)st.st_size};
    return read_source(&s, out, err);
}

gantry_status gy_elf_note_parse(const void *bytes, size_t len, struct gy_elf_note *out,
                                struct gy_error *err)
{
    struct source s = {.fd = -1, .bytes = bytes, .len = len};
    return read_source(&s, out, err);
}
