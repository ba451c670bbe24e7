#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The form of the source: clang-format, one licence line, short files, nothing left to do, and no daemon that
# shows its symbols to plugins.
set -u
cd "$1" || exit 1
bad=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

wrong() {
    echo "$*"
    bad=1
}

find core plugins sdk tests contrib -type f | sort >"$work/all"
grep '\.[ch]$' "$work/all" >"$work/c"
count=$(wc -l <"$work/c")
[ "$count" -gt 100 ] || wrong "only $count C files were found"

if command -v clang-format >/dev/null; then
    xargs clang-format --dry-run <"$work/c" 2>&1 | sed -n 's/^\([^: ]*\):\([0-9]*\):.*Wclang-format-violations.*/\1:\2/p' |
        sort -u -t: -k1,1 >"$work/format"
    while read -r place; do wrong "$place: is not as clang-format writes it"; done <"$work/format"
else
    wrong "clang-format is needed"
fi

while read -r file; do
    [ "$(head -n 1 "$file")" = "/* SPDX-License-Identifier: Apache-2.0 */" ] ||
        wrong "$file: its first line is not the licence line"
    lines=$(wc -l <"$file")
    [ "$lines" -le 700 ] || wrong "$file: $lines lines; a file over 700 holds more than one idea"
done <"$work/c"

grep -E '(CMakeLists\.txt|\.(cmake|sh|py|conf|service))$' "$work/all" | grep -v /corpus/ >"$work/scripts"
while read -r file; do
    head -n 2 "$file" | grep -q '^# SPDX-License-Identifier: Apache-2.0$' ||
        wrong "$file: has no licence line"
done <"$work/scripts"

marks=$(printf '%s|%s|%s' 'TO''DO' 'FIX''ME' 'X''XX')
cat "$work/c" "$work/scripts" | xargs grep -nE "(^|[^A-Za-z])($marks)([^A-Za-z]|$)" >"$work/marks"
while read -r line; do wrong "$line: something is left to do"; done <"$work/marks"

grep -E '(CMakeLists\.txt|\.cmake)$' "$work/all" | xargs sed 's/#.*//' |
    grep -nE -e '-rdynamic|export-dynamic|ENABLE_EXPORTS (ON|TRUE|1)' && wrong "a program exports its symbols"

[ $bad = 0 ] && echo "$count C files in form"
exit $bad
