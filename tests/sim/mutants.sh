#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each mutant is the engine or its wiring with one deliberate bug: the simulator must find it.
# usage: mutants.sh FOLDER-OF-THE-BINARIES [SEEDS]
set -u
dir=$1 seeds=${2:-400} caught=0 missed=0
for binary in "$dir"/gantry-sim-*; do
    case $binary in *.txt) continue ;; esac
    if timeout 300 "$binary" --seeds "$seeds" --from 1 --first >"$binary.txt" 2>/dev/null; then
        echo "missed: $(basename "$binary") survived $seeds seeds"
        missed=$((missed + 1))
    else
        echo "caught: $(basename "$binary"): $(grep -m1 '^seed' "$binary.txt" || echo "ended by a signal or an assertion")"
        caught=$((caught + 1))
    fi
done
echo "$caught mutants caught, $missed missed"
[ "$missed" -eq 0 ] && [ "$caught" -gt 0 ]
