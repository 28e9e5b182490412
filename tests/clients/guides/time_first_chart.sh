#!/bin/sh
# How long a newcomer waits: from the start of the demo to `ready:`, for the packages, and from `ready:` to a picture.
# usage: time_first_chart.sh GRANTD      (a built program, such as target/release/grantd)
set -eu
grantd=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
now() { date +%s.%N; }
seconds() { awk "BEGIN { printf \"%.1f s\", $2 - $1 }"; }

start=$(now)
"$grantd" demo --story --listen 127.0.0.1:0 >"$work/out" 2>"$work/err" &
demo=$!
trap 'kill $demo 2>/dev/null || true; rm -rf "$work"' EXIT
until grep -q '^ready: ' "$work/out"; do
    kill -0 $demo || { cat "$work/err" >&2; exit 1; }
    sleep 0.05
done
echo "ready: $(seconds "$start" "$(now)")"

start=$(now)
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "psycopg[binary]" matplotlib
echo "packages: $(seconds "$start" "$(now)")"

for time in first again; do
    start=$(now)
    "$work/venv/bin/python" "$here/../../../docs/clients/first_chart.py" "$(sed -n 's/^ready: //p' "$work/out")" "$work/chart.png" >&2
    echo "chart, $time time: $(seconds "$start" "$(now)")"
done
