#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# samples.sh SOURCE BUILD: every plugin's sample configuration, and the configuration that is installed, are accepted
# by gantryd with the plugins as they are built.
set -u
source=$1 build=$2
bad=0
n=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ -x "$build/bin/gantryd" ] || { echo "$build/bin/gantryd is not built"; exit 77; }

# try NAME FILE...: the files in plugins.d beside a configuration that says nothing of plugins.
try() {
    name=$1
    shift
    rm -rf "$work/etc"
    mkdir -p "$work/etc/plugins.d" "$work/data" "$work/run"
    printf 'data_dir = "%s/data";\nrun_dir = "%s/run";\n' "$work" "$work" >"$work/etc/gantry.conf"
    cp "$@" "$work/etc/plugins.d/"
    n=$((n + 1))
    "$build/bin/gantryd" --check-config --config "$work/etc/gantry.conf" >"$work/out" 2>&1 && return
    echo "$name is refused:"
    cat "$work/out"
    bad=1
}

for folder in "$source"/plugins/*/*/; do
    plugin=$(basename "$folder")
    [ -e "$folder$plugin.conf" ] || { echo "$folder has no $plugin.conf"; bad=1; continue; }
    [ -e "$folder/README.md" ] || { echo "$folder has no README.md"; bad=1; }
    try "$folder$plugin.conf" "$folder$plugin.conf"
done
try "conf/plugins.d" "$source"/conf/plugins.d/*.conf
n=$((n + 1))
cat "$source/conf/gantry.conf" >>"$work/etc/gantry.conf"
"$build/bin/gantryd" --check-config --config "$work/etc/gantry.conf" >"$work/out" 2>&1 || {
    echo "conf/gantry.conf is refused:"
    cat "$work/out"
    bad=1
}
# The check can fail.
echo 'drivers = ( { plugin = "process"; usr = "nobody"; } );' >"$work/wrong.conf"
said=$(try wrong "$work/wrong.conf")
[ -n "$said" ] || { echo "a wrong sample is accepted"; bad=1; }
[ $bad = 0 ] && echo "$n configurations are accepted"
exit $bad
