#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# template.sh SOURCE BUILD: the templates build from a staged install of the SDK alone, by CMake and by pkg-config.
set -eu
source=$1 build=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --component sdk --prefix "$work/stage" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
config=$(find "$work/stage" -name GantryConfig.cmake)
pc=$(find "$work/stage" -name gantry-plugin.pc)
sed -i "s|^prefix=.*|prefix=$work/stage|" "$pc"
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
for kind in strategy driver; do
    cp -r "$work/stage/share/gantry/sdk/template/$kind" "$work/$kind"
    cmake -S "$work/$kind" -B "$work/$kind/build" -DGantry_DIR="$(dirname "$config")" -DCMAKE_C_FLAGS="-Wall -Wextra -Werror" \
        >"$work/log" 2>&1 && cmake --build "$work/$kind/build" >>"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
    # shellcheck disable=SC2046
    cc $(pkg-config --cflags gantry-plugin) -o "$work/$kind.so" "$work/$kind/example.c" $(pkg-config --libs gantry-plugin)
    for file in "$work/$kind/build/example.so" "$work/$kind.so"; do
        symbols=$(nm -D --defined-only --format=posix "$file" | cut -d' ' -f1)
        [ "$symbols" = gantry_plugin_entry ] || { echo "$file exports: $symbols"; exit 1; }
        readelf -p .note.gantry "$file" | grep -q "example 0.1.0 .* gantry.$kind/1" || { echo "$file: no note"; exit 1; }
    done
done
mkdir -p "$work/tree/plugins" "$work/tree/sdk" "$work/tree/contrib"
cp -r "$source/sdk/template" "$work/tree/sdk/template"
cp "$source/contrib/new-plugin" "$work/tree/contrib/"
"$work/tree/contrib/new-plugin" strategy mine >/dev/null
grep -q '"mine"' "$work/tree/plugins/strategy/mine/mine.c"
if "$work/tree/contrib/new-plugin" strategy mine 2>/dev/null; then echo "new-plugin overwrote a plugin"; exit 1; fi
if "$work/tree/contrib/new-plugin" strategy ../x 2>/dev/null; then echo "new-plugin took a bad name"; exit 1; fi
echo "templates build by CMake and by pkg-config"
