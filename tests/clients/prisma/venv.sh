#!/bin/sh
# Installs Prisma's pinned release, generates its client, and prints the folder that has both.
# usage: venv.sh DIRECTORY     (a folder that is already complete is left as it is)
set -eu
home=$1/prisma
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$home"
# The stamp is written last: an installation that was interrupted is made anew.
if ! cat "$here/package-lock.json" "$here/schema.prisma" | cmp -s - "$home/.complete"; then
    rm -rf "$home/node_modules" "$home/client"
    cp "$here/package.json" "$here/package-lock.json" "$here/schema.prisma" "$home"
    npm ci --prefix "$home" --silent --no-audit --no-fund --ignore-scripts >&2
    # The engine's binary is not on npm and not needed to generate; any file keeps it from being looked for elsewhere.
    (cd "$home" && PRISMA_SCHEMA_ENGINE_BINARY=$here/venv.sh CHECKPOINT_DISABLE=1 PRISMA_HIDE_UPDATE_MESSAGE=1 \
        node node_modules/prisma/build/index.js generate --no-hints --schema schema.prisma >&2)
    cat "$here/package-lock.json" "$here/schema.prisma" >"$home/.complete"
fi
printf '%s\n' "$home"
