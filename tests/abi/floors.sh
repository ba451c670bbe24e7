#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A room includes only rooms of the floors below its own; plugins include only <gantry/...> and their own files.
set -u
cd "$1" || exit 1

floor() {
    case $1 in
    base) echo 1 ;;
    net | model) echo 2 ;;
    compose | engine) echo 3 ;;
    plugin | store) echo 4 ;;
    server | agent) echo 5 ;;
    cli | shim | main) echo 6 ;;
    *) echo 0 ;;
    esac
}

bad=0
seen=0
for file in $(find core -name '*.[ch]' | sort); do
    room=${file#core/}
    room=${room%%/*}
    own=$(floor "$room")
    case $file in core/*/main.c | core/*/main/*) own=7 ;; esac # the mains wire
    if [ "$own" = 0 ]; then
        echo "$file: room $room has no floor: name it in tests/abi/floors.sh"
        bad=1
    fi
    for include in $(sed -n 's|^ *# *include "\([a-z]*\)/.*|\1|p' "$file" | sort -u); do
        seen=$((seen + 1))
        [ "$include" = "$room" ] && continue
        [ -d "core/$include" ] || continue # a folder of the room itself
        if [ "$(floor "$include")" -ge "$own" ]; then
            echo "$file includes \"$include/...\", which is not on a floor below $room"
            bad=1
        fi
    done
done
for file in $(find plugins sdk/template -name '*.[ch]' | sort); do
    if grep -nE '^ *# *include "(\.\./|(base|net|model|compose|engine|plugin|store|server|agent|cli|shim)/)' "$file"; then
        echo "$file includes a file of the core: plugins see <gantry/...> only"
        bad=1
    fi
done
[ "$seen" -gt 20 ] || { echo "only $seen includes were seen"; bad=1; }
[ $bad = 0 ] && echo "$seen includes, all from floors below"
exit $bad
