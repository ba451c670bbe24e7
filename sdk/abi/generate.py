#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what follows from the description of the ABI (describe.py): the lock and the deep copy.

    sdk/abi/generate.py            write the files
    sdk/abi/generate.py --check    exit 1 when a committed file differs, naming it
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import describe  # noqa: E402

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
LICENSE = "/* SPDX-License-Identifier: Apache-2.0 */\n"
MARK = "/* Written by sdk/abi/generate.py from sdk/include/gantry; do not edit. */\n"


def enum_name(struct):
    return "GY_ABI_" + struct.short.upper()


def lock(structs, constants):
    out = [LICENSE, MARK,
           "/* The ABI as it was accepted: a change here is reviewed beside the ABI number. */\n",
           "#ifndef GANTRY_ABI_LOCK_H\n#define GANTRY_ABI_LOCK_H\n\n"]
    out += [f"#include <gantry/{h}.h>\n" for h in sorted(describe.HEADERS)]
    out.append("\n#define GANTRY_LOCK(x) _Static_assert(x, #x)\n\n")
    for name, value in constants:
        if value.startswith('"'):
            out.append(f"GANTRY_LOCK(sizeof({name}) == {len(value) - 1});\n")
        else:
            out.append(f"GANTRY_LOCK({name} == {value});\n")
    out.append("\n#if UINTPTR_MAX == UINT64_MAX\n")
    for s in structs:
        out.append(f"\n/* gantry/{s.header}.h */\n")
        out.append(f"GANTRY_LOCK(sizeof({s.name}) == {s.size});\n")
        for m in s.members:
            out.append(f"GANTRY_LOCK(offsetof({s.name}, {m.name}) == {m.offset});\n")
    out.append("#endif\n\n#endif\n")
    return "".join(out)


def copy_header(structs):
    out = [LICENSE, MARK,
           "/* Deep copies of the structs that cross the line, by type. */\n"
           "#ifndef GY_PLUGIN_ABI_COPY_H\n#define GY_PLUGIN_ABI_COPY_H\n\n"
           "#include \"plugin/copy.h\"\n#include <gantry/abi.h>\n\n"
           "enum gy_abi_type {\n    GY_ABI_NONE,\n"]
    for s in structs:
        if s.is_copyable:
            out.append(f"    {enum_name(s)}, /* {s.name} */\n")
    out.append("    GY_ABI_TYPES\n};\n\n"
               "/* NULL for GY_ABI_NONE. */\n"
               "const struct gy_copy_type *gy_abi_copy_type(enum gy_abi_type type);\n\n#endif\n")
    return "".join(out)


KINDS = {"str": "GY_COPY_STR", "bytes": "GY_COPY_BYTES", "strs": "GY_COPY_STRS", "kvs": "GY_COPY_KVS",
         "ptrs": "GY_COPY_PTRS"}


def copy_source(structs):
    copyable = [s for s in structs if s.is_copyable]
    headers = sorted({s.header for s in copyable})
    out = [LICENSE, MARK, '#include "plugin/abi_copy.h"\n\n']
    out += [f"#include <gantry/{h}.h>\n" for h in headers]
    out.append("\n")
    for s in copyable:
        out.append(f"static const struct gy_copy_type {s.short}_type;\n")
    for s in copyable:
        members = [m for m in s.members if m.kind != "scalar"]
        out.append(f"\nstatic const struct gy_copy_member {s.short}_members[] = {{\n")
        for m in members:
            count = f"offsetof({s.name}, {m.count})" if m.count else "0"
            of = f"&{m.of[len('gantry_'):]}_type" if m.kind == "ptrs" else "NULL"
            out.append(f"    {{\"{m.name}\", {KINDS[m.kind]}, offsetof({s.name}, {m.name}), {count}, {of}}},\n")
        out.append("    {NULL, GY_COPY_END, 0, 0, NULL},\n};\n")
        out.append(f"static const struct gy_copy_type {s.short}_type = {{\n"
                   f"    {{\"{s.name}\", gy_copy_op}}, sizeof({s.name}), {s.short}_members}};\n")
    out.append("\nconst struct gy_copy_type *gy_abi_copy_type(enum gy_abi_type type)\n{\n"
               "    static const struct gy_copy_type *const types[GY_ABI_TYPES] = {\n")
    for s in copyable:
        out.append(f"        [{enum_name(s)}] = &{s.short}_type,\n")
    out.append("    };\n    return type < GY_ABI_TYPES ? types[type] : NULL;\n}\n")
    return "".join(out)


def probe(structs):
    out = [LICENSE, MARK, "/* Mentions every type, for abidiff; see tests/abi/abidiff.sh. */\n"]
    out += [f"#include <gantry/{h}.h>\n" for h in sorted(describe.HEADERS)]
    out.append("\n")
    for s in structs:
        out.append(f"void probe_{s.short}({s.name} *);\n"
                   f"void probe_{s.short}({s.name} *p)\n{{\n    p->size = 0;\n}}\n")
    return "".join(out)


def clang_format(text, path):
    """The tree's format, so that generated files pass the format check like any other."""
    import shutil
    import subprocess
    if not shutil.which("clang-format"):
        return None
    return subprocess.run(["clang-format", f"--assume-filename={path}"], input=text, text=True,
                          capture_output=True, check=True, cwd=ROOT).stdout


def squeezed(text):
    return "".join(text.split())


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(__doc__)
    structs, constants = describe.parse(os.path.join(ROOT, "sdk/include/gantry"))
    files = {"sdk/abi/lock.h": lock(structs, constants),
             "sdk/abi/probe.c": probe(structs),
             "core/plugin/abi_copy.h": copy_header(structs),
             "core/plugin/abi_copy.c": copy_source(structs)}
    differ = 0
    for path, text in files.items():
        full = os.path.join(ROOT, path)
        old = open(full, encoding="utf-8").read() if os.path.exists(full) else None
        if check:
            if old is None or squeezed(old) != squeezed(text):
                print(f"{path} differs from the headers: run sdk/abi/generate.py, review the change "
                      "beside GANTRY_ABI_CURRENT, commit both")
                differ = 1
            continue
        text = clang_format(text, full) or text
        if text != old:
            with open(full, "w", encoding="utf-8") as f:
                f.write(text)
            print(f"wrote {path}")
    sys.exit(differ)


if __name__ == "__main__":
    main()
