#!/bin/sh
# Installs the node modules of the pinned releases, and prints the folder that has them.
# usage: venv.sh DIRECTORY     (a folder that is already complete is left as it is)
set -eu
home=$1/node
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$home"
# The stamp is written last: an installation that was interrupted is made anew.
if ! cmp -s "$here/package-lock.json" "$home/.complete"; then
    rm -rf "$home/node_modules"
    cp "$here/package.json" "$here/package-lock.json" "$home"
    npm ci --prefix "$home" --silent --no-audit --no-fund --ignore-scripts >&2
    cp "$here/package-lock.json" "$home/.complete"
fi
printf '%s\n' "$home"
