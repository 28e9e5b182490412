#!/bin/sh
# Makes a virtual environment with a YAML parser, a JSON schema checker and the schema of compose files, which
# docker-compose 1.29.2 has in its wheel (it is not run, so its own dependencies are left out). Prints its folder.
# usage: venv.sh DIRECTORY     (an environment that is already complete is left as it is)
set -eu
venv=$1/compose
pins="PyYAML==6.0.3 jsonschema==4.25.1"
if [ "$(cat "$venv/.complete" 2>/dev/null || true)" != "$pins" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    # shellcheck disable=SC2086
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check $pins >&2
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps docker-compose==1.29.2 >&2
    printf '%s\n' "$pins" >"$venv/.complete"
fi
printf '%s\n' "$venv"
