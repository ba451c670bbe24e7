# SPDX-License-Identifier: Apache-2.0
"""Reads the description of the ABI: the headers of sdk/include/gantry in their fixed form.

Every SIZED struct is declared exactly once, as

    typedef struct gantry_NAME { /* SIZED ... */
        MEMBERS;
    } gantry_NAME;

An array member `things` has its count in `thing_count` (or `thing` in `thing_count`) of the same struct.
Whatever does not fit this form is an error with the file and the line, so that nothing is left out.
"""
import re
import sys

HEADERS = ["abi", "host", "plugin", "driver", "strategy", "store", "process"]

# name: (size, alignment) on LP64
SCALARS = {
    "uint32_t": (4, 4), "int32_t": (4, 4), "gantry_status": (4, 4),
    "uint64_t": (8, 8), "int64_t": (8, 8), "size_t": (8, 8), "gantry_op": (8, 8),
    "gantry_str": (16, 8), "gantry_bytes": (16, 8), "gantry_kv": (32, 8),
}


class Member:
    def __init__(self, name, kind, ctype):
        self.name = name
        self.kind = kind  # scalar, str, bytes, strs, kvs, ptrs, pointer, function
        self.ctype = ctype
        self.count = None  # name of the member that holds the number of elements
        self.of = None  # ptrs: the struct pointed to
        self.args = None  # function: text of its arguments
        self.offset = 0

    @property
    def layout(self):
        return SCALARS.get(self.ctype, (8, 8)) if self.kind in ("scalar", "str", "bytes", "kv") else (8, 8)


class Struct:
    def __init__(self, name, header, line):
        self.name, self.header, self.line = name, header, line
        self.members = []
        self.size = 0

    @property
    def short(self):
        return self.name[len("gantry_"):]

    @property
    def is_copyable(self):
        return all(m.kind in ("scalar", "str", "bytes", "strs", "kvs", "ptrs") for m in self.members)


def die(header, line, text):
    sys.exit(f"{header}:{line}: {text}")


def without_comments(text):
    return re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)


def parse_member(struct, text, where):
    text = " ".join(text.split())
    function = re.fullmatch(r"(.+?)\(\*(\w+)\)\s*\((.*)\)(?:\s*GANTRY_PRINTF\(.*\))?", text)
    if function:
        m = Member(function.group(2), "function", function.group(1).strip())
        m.args = function.group(3)
        return [m]
    pointers = re.fullmatch(r"const (\w+) \*const \*(\w+)", text)
    if pointers:
        m = Member(pointers.group(2), "ptrs", "pointer")
        m.of = pointers.group(1)
        return [m]
    first = re.fullmatch(r"(const )?(\w+) (.+)", text)
    if not first:
        die(*where, f"struct {struct.name}: cannot read \"{text}\"")
    members = []
    for part in first.group(3).split(","):
        part = part.strip()
        ptrs = re.fullmatch(r"\*const \*(\w+)", part)
        ptr = re.fullmatch(r"\*(\w+)", part)
        base = first.group(2)
        if ptrs:
            m = Member(ptrs.group(1), "ptrs", "pointer")
            m.of = base
        elif ptr:
            kind = {"gantry_str": "strs", "gantry_kv": "kvs"}.get(base, "pointer")
            m = Member(ptr.group(1), kind, "pointer")
            m.of = base
        elif re.fullmatch(r"\w+", part):
            if base not in SCALARS:
                die(*where, f"struct {struct.name}: type {base} of {part} is not one that crosses the line")
            kind = {"gantry_str": "str", "gantry_bytes": "bytes", "gantry_kv": "kv"}.get(base, "scalar")
            m = Member(part, kind, base)
        else:
            die(*where, f"struct {struct.name}: cannot read \"{text}\"")
        members.append(m)
    return members


def lay_out(struct, where):
    names = [m.name for m in struct.members]
    if names[0] != "size" or struct.members[0].ctype != "uint32_t":
        die(*where, f"struct {struct.name} is SIZED and must begin with uint32_t size")
    offset, widest = 0, 4
    for m in struct.members:
        size, align = m.layout
        if offset % align:
            die(*where, f"struct {struct.name}: there is padding before {m.name}; add a reserved member")
        m.offset = offset
        offset += size
        widest = max(widest, align)
        if m.kind in ("strs", "kvs", "ptrs"):
            for count in (m.name + "_count", re.sub(r"s$", "", m.name) + "_count"):
                if count in names:
                    m.count = count
            if not m.count:
                m.kind = "pointer"  # ends with NULL, or is a column: not copied
    if offset % widest:
        die(*where, f"struct {struct.name}: there is padding at its end; add a reserved member")
    struct.size = offset


def parse_header(folder, name):
    path = f"{folder}/{name}.h"
    raw = open(path, encoding="utf-8").read()
    structs, constants = [], []
    pattern = re.compile(r"typedef struct (gantry_\w+) \{\s*/\* SIZED.*?\n\}\s*(gantry_\w+);", re.S)
    for found in pattern.finditer(raw):
        line = raw.count("\n", 0, found.start()) + 1
        where = (path, line)
        struct = Struct(found.group(1), name, line)
        if found.group(1) != found.group(2):
            die(*where, f"{found.group(1)} ends as {found.group(2)}")
        body = without_comments(found.group())
        body = body[body.index("{") + 1:body.rindex("}")]
        for text in body.split(";"):
            if text.strip():
                struct.members += parse_member(struct, text, where)
        lay_out(struct, where)
        structs.append(struct)
    declared = len(re.findall(r"typedef struct gantry_\w+\s*\{", raw))
    if declared != len(structs):
        die(path, 1, f"{declared} structs are declared, {len(structs)} have the fixed form of SIZED ones")
    code = re.sub(r"\\\n", " ", without_comments(raw))
    for found in re.finditer(r"^#define (GANTRY_[A-Z0-9_]+) +(\S.*?)\s*$", code, re.M):
        value = found.group(2)
        if re.fullmatch(r"-?\d+u?|\(1u?l?l? << \d+\)|GANTRY_ABI\(\d+, \d+\)|\"[^\"]*\"", value):
            constants.append((found.group(1), value))
    return structs, constants


def parse(folder):
    structs, constants, per_header = [], [], {}
    for name in HEADERS:
        s, c = parse_header(folder, name)
        structs += s
        constants += c
        per_header[name] = s
    abi = dict(constants)
    major, minor = re.fullmatch(r"GANTRY_ABI\((\d+), (\d+)\)", abi["GANTRY_ABI_CURRENT"]).groups()
    if abi["GANTRY_NOTE_ABI_"] != f'"{major}.{minor}"':
        die("plugin.h", 1, f"GANTRY_NOTE_ABI_ is {abi['GANTRY_NOTE_ABI_']}, the ABI is {major}.{minor}")
    known = {s.name for s in structs}
    for s in structs:
        for m in s.members:
            if m.kind == "ptrs" and m.of not in known:
                die(s.header, s.line, f"struct {s.name}: {m.name} points to {m.of}, which is not SIZED")
    return structs, constants
