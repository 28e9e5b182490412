#!/bin/sh
# Makes one virtual environment per pinned release of the official Python connector, and prints each one's python.
# usage: venv.sh DIRECTORY     (an environment that is already complete is left as it is)
set -eu
home=$1
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$home"
for version in 4.8.1 5.2.0; do
    venv=$home/connector-$version
    want=$(cat "$here/requirements.txt"; echo "snowflake-connector-python==$version")
    # The stamp is written last: an environment that was interrupted is made anew.
    if [ "$(cat "$venv/.complete" 2>/dev/null || true)" != "$want" ]; then
        rm -rf "$venv"
        python3 -m venv "$venv"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
            -r "$here/requirements.txt" "snowflake-connector-python==$version" >&2
        printf '%s\n' "$want" >"$venv/.complete"
    fi
    printf '%s\n' "$venv/bin/python"
done
