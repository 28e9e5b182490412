#!/bin/sh
# Makes the virtual environment of dbt, and prints its python.
# usage: venv.sh DIRECTORY     (an environment that is already complete is left as it is)
set -eu
home=$1
here=$(cd "$(dirname "$0")" && pwd)
venv=$home/dbt
mkdir -p "$home"
want=$(cat "$here/requirements.txt")
# The stamp is written last: an environment that was interrupted is made anew.
if [ "$(cat "$venv/.complete" 2>/dev/null || true)" != "$want" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt" >&2
    printf '%s\n' "$want" >"$venv/.complete"
fi
printf '%s\n' "$venv/bin/python"
