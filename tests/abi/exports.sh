#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# exports.sh BUILD: every plugin exports gantry_plugin_entry and nothing else; gantryd exports nothing.
set -u
build=$1
bad=0
n=0
for plugin in "$build"/lib/gantry/plugins/*.so; do
    [ -e "$plugin" ] || continue
    n=$((n + 1))
    symbols=$(nm -D --defined-only --format=posix "$plugin" | cut -d' ' -f1 | tr '\n' ' ')
    if [ "$symbols" != "gantry_plugin_entry " ]; then
        echo "$plugin exports: $symbols"
        bad=1
    fi
    readelf -d "$plugin" | grep -q 'BIND_NOW' || { echo "$plugin is not linked with -z now"; bad=1; }
    readelf -n "$plugin" | grep -q Gantry || { echo "$plugin has no gantry note"; bad=1; }
done
[ $n -gt 0 ] || { echo "no plugin in $build/lib/gantry/plugins"; exit 1; }
if [ ! -e "$build/bin/gantryd" ]; then
    echo "$build/bin/gantryd is not built: $n plugins were checked, it was not"
    exit $((bad ? 1 : 77))
fi
# Copies of libc's own variables (stderr, environ) carry a version, and three marks are the linker's: none is ours.
symbols=$(nm -D --defined-only --format=posix "$build/bin/gantryd" | cut -d' ' -f1 | grep -vE '@|^__[a-z]*san_|^(__bss_start|_edata|_end)$' | tr '\n' ' ')
case $symbols in '') ;; *) echo "gantryd exports: $symbols"; bad=1 ;; esac
[ $bad = 0 ] && echo "$n plugins export one symbol each, gantryd none"
exit $bad
