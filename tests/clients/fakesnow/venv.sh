#!/bin/sh
# Makes the virtual environment of fakesnow, pinned, and prints its folder.
# usage: venv.sh DIRECTORY     (an environment that is already complete is left as it is)
#
# fakesnow 0.12.1 does not start with connector 5: it uses modules that 5 no longer has.
set -eu
venv=$1/fakesnow
want="fakesnow[server]==0.12.1 snowflake-connector-python==4.8.1"
if [ "$(cat "$venv/.complete" 2>/dev/null || true)" != "$want" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    # shellcheck disable=SC2086 # two requirements
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check $want >&2
    printf '%s\n' "$want" >"$venv/.complete"
fi
printf '%s\n' "$venv"
