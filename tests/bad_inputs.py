#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The page of bad inputs and the answers to them, made by the tests themselves.

    bad_inputs.py BUILD             write tests/BAD_INPUTS.md
    bad_inputs.py BUILD --check     exit 1 when the page is not what the suites say now"""
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, "BAD_INPUTS.md")
AREAS = [
    ("Configuration", "test_main_config", "`gantryd --check-config`, exit 78"),
    ("Compose", "test_compose_files", "`gantry up`; the files are in tests/unit/compose/bad"),
    ("API", "test_server_api", "status and message"),
    ("Store file", "test_store_files", "gantryd does not start"),
    ("Plugin", "test_loader", "the loader's sentence; the plugins are made by tests/loader/plugin.c"),
]
HEAD = """<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Written by `tests/bad_inputs.py BUILD`; do not edit. -->
# Bad inputs, and the answers

Every line was tried by a test, which fails when the answer is another one. DIR stands for a folder of the test.
"""


def cell(text, build):
    text = text.replace(build + "/", "BUILD/").replace(os.path.dirname(HERE) + "/", "SOURCE/")
    text = re.sub(r"/tmp/[A-Za-z.-]*[-.][A-Za-z0-9]{6}(?![A-Za-z0-9])", "DIR", text)
    text = re.sub(r"beyond its [0-9]+ bytes", "beyond its N bytes", text)
    text = re.sub(r"\s+", " ", text).strip()
    if len(text) > 240:
        text = text[:239] + "…"
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`").replace("*", "\\*")


def rows_of(suite, build):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "rows")
        program = os.path.join(build, "tests", suite)
        done = subprocess.run([program], env=dict(os.environ, GANTRY_BAD_INPUTS=path), stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, timeout=300)
        if done.returncode or not os.path.exists(path):
            sys.exit("%s failed:\n%s" % (suite, done.stderr.decode(errors="replace")[-2000:]))
        with open(path, encoding="utf-8", errors="replace") as f:
            rows = [line.rstrip("\n").split("\t", 1) for line in f]
    rows = [[given[:-2] if given.endswith('\\n') else given, answer] for given, answer in rows]
    rows = ["| %s | %s |" % (cell(given, build), cell(answer, build)) for given, answer in rows]
    return list(dict.fromkeys(rows))


def main():
    build = os.path.abspath(sys.argv[1])
    parts = []
    for title, suite, what in AREAS:
        rows = rows_of(suite, build)
        if len(rows) < 10:
            sys.exit("%s: only %d bad inputs were tried" % (title, len(rows)))
        parts.append("\n## %s (%s)\n\n| given | answer |\n|---|---|\n%s\n" % (title, what, "\n".join(rows)))
    page = HEAD + "".join(parts)
    if "--check" not in sys.argv:
        with open(PAGE, "w", encoding="utf-8") as f:
            f.write(page)
        return
    with open(PAGE, encoding="utf-8") as f:
        have = f.read()
    missing = [line for line in page.splitlines() if line not in have.splitlines()]
    stale = [line for line in have.splitlines() if line not in page.splitlines()] if os.geteuid() == 0 else []
    for line in missing:
        print("not on the page: " + line)
    for line in stale:
        print("no longer so:    " + line)
    if missing or stale:
        sys.exit("tests/BAD_INPUTS.md is not up to date: run tests/bad_inputs.py BUILD and read the difference")
    print("%d bad inputs" % page.count("\n| "))


main()
