#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every SDK header compiles alone, without a warning, as C99, C11 and C++11, with gcc and clang; no SIZED struct has
# padding on LP64 or on 32-bit ARM.
set -u
root=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

run() {
    "$@" >"$work/out" 2>&1 || { echo "failed: $*"; cat "$work/out"; failed=1; }
}

for cc in gcc clang; do
    command -v $cc >/dev/null || { echo "$cc is needed"; exit 1; }
    for header in "$root"/sdk/include/gantry/*.h; do
        name=$(basename "$header")
        echo "#include <gantry/$name>" >"$work/one.c"
        for std in c99 c11; do
            run $cc -std=$std -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$root/sdk/include" "$work/one.c"
        done
        run $cc -x c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$root/sdk/include" "$work/one.c"
    done
done

# A layout is only computed when it is asked for.
{
    for header in "$root"/sdk/include/gantry/*.h; do echo "#include <gantry/$(basename "$header")>"; done
    echo 'int sizes[] = {0'
    sed -n 's|^typedef struct \(gantry_[a-z_]*\) {.*|, (int)sizeof(\1)|p' "$root"/sdk/include/gantry/*.h
    echo '};'
} >"$work/padded.c"
count=$(grep -c sizeof "$work/padded.c")
[ "$count" -ge 20 ] || { echo "found $count structs only"; failed=1; }
for target in x86_64-linux-gnu armv7-none-eabi; do
    run clang --target=$target -ffreestanding -std=c11 -Wpadded -Wpedantic -Werror -fsyntax-only \
        -I"$root/sdk/include" "$work/padded.c"
done
[ $failed = 0 ] && echo "$count structs without padding"
exit $failed
