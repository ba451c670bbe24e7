#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# abidiff.sh SOURCE [--accept]: the SDK's types against those that were accepted.  Members appended at the end pass,
# everything else fails; --accept replaces the accepted dump (sdk/abi/accepted-MACHINE.xml).
set -u
root=$(cd "$1" && pwd)
accepted=$root/sdk/abi/accepted-$(uname -m).xml
for tool in abidw abidiff gcc; do
    command -v $tool >/dev/null || { echo "$tool is needed (Debian: abigail-tools)"; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$root/sdk/abi/probe.c" "$work/probe.c"
(cd "$work" && gcc -g -O0 -fPIC -shared -fno-eliminate-unused-debug-types -I"$root/sdk/include" -o libprobe.so probe.c) || exit 1
abidw --no-corpus-path --no-comp-dir-path --no-show-locs --drop-private-types "$work/libprobe.so" >"$work/now.xml" || exit 1
if [ "${2:-}" = --accept ]; then
    cp "$work/now.xml" "$accepted"
    echo "accepted: $accepted"
    exit 0
fi
[ -e "$accepted" ] || { echo "nothing was accepted for $(uname -m): run $0 $root --accept there"; exit 77; }
abidiff --suppressions "$root/sdk/abi/appended.abignore" "$accepted" "$work/now.xml" && echo "as accepted"
