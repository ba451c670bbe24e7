#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Machine-made mutants: negate one condition of core/engine at a time; the simulator or a unit suite must notice.

usage: mutate.py BUILD [COUNT [SEED]]   BUILD: a configured release build of the tree

Works on copies in a temporary folder; lists the survivors, each a place that no test looks at (or where the
condition makes no difference: read before you believe)."""
import glob, os, random, re, subprocess, sys, tempfile

build, count, seed = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 20, int(sys.argv[3]) if len(sys.argv) > 3 else 1
root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
flags = ["-std=gnu11", "-O1", "-D_GNU_SOURCE", "-Icore", "-Isdk/include", "-Itests", "-Itests/sim"]
suites = ["test_engine_cluster", "test_engine_node"]


def run(*command, **more):
    return subprocess.run(command, cwd=root, capture_output=True, text=True, **more)


def compile_to(source, target):
    done = run("cc", *flags, "-c", source, "-o", target)
    return done.returncode == 0


def conditions(path):
    """(start, end) of the text between the parentheses of each `if` that stands in one balanced piece."""
    text = open(path).read()
    for match in re.finditer(r"\bif \(", text):
        depth, at = 1, match.end()
        while depth and at < len(text):
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            at += 1
        yield match.end(), at - 1


def main():
    libraries = [os.path.join(build, "core", room, f"libgy_{room}.a") for room in ("store", "model", "base")]
    libraries += ["-ljansson", "-lcunit", "-luv", "-lpthread"]
    engine = sorted(glob.glob("core/engine/*.c", root_dir=root) + glob.glob("core/engine/node/*.c", root_dir=root))
    with tempfile.TemporaryDirectory(prefix="gantry-mutate-") as folder:
        objects = {}
        for source in engine + sorted(glob.glob("tests/sim/*.c", root_dir=root)) + [f"tests/unit/{s}.c" for s in suites]:
            objects[source] = os.path.join(folder, source.replace("/", "_") + ".o")
            if not compile_to(source, objects[source]):
                sys.exit(f"cannot compile {source}")
        places = [(source, start, end) for source in engine if not source.endswith("explain.c")
                  for start, end in conditions(os.path.join(root, source))]
        random.Random(seed).shuffle(places)
        survivors, caught = [], 0
        for number, (source, start, end) in enumerate(places[:count], 1):
            text = open(os.path.join(root, source)).read()
            mutant = os.path.join(folder, "mutant.c")
            open(mutant, "w").write(text[:start] + "!(" + text[start:end] + ")" + text[end:])
            where = f"{source}:{text.count(chr(10), 0, start) + 1}: if ({' '.join(text[start:end].split())})"
            if not compile_to(mutant, os.path.join(folder, "mutant.o")):
                sys.exit(f"cannot compile the mutant of {where}")
            parts = [os.path.join(folder, "mutant.o") if s == source else objects[s] for s in engine]
            verdict = None
            for name in suites + ["sim"]:
                own = [objects[f"tests/unit/{name}.c"]] if name in suites else [o for s, o in objects.items() if s.startswith("tests/sim/")]
                program = os.path.join(folder, name)
                linked = run("cc", "-o", program, *own, *parts, *libraries)
                if linked.returncode:
                    sys.exit(linked.stderr)
                more = ["--seeds", "150", "--from", "1", "--first"] if name == "sim" else []
                try:
                    ended = run(program, *more, timeout=120).returncode
                except subprocess.TimeoutExpired:
                    ended = "time-out"
                if ended:
                    verdict = f"{name} ({ended})"
                    break
            print(f"{number:3} {'caught by ' + verdict if verdict else 'SURVIVED':32} {where}", flush=True)
            if verdict:
                caught += 1
            else:
                survivors.append(where)
        print(f"{caught} caught, {len(survivors)} survived")


main()
