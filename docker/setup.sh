#!/bin/sh
# The first start of compose.yml: keys, passwords and tokens, each in a file that only its reader can read.
# usage: setup.sh          make what is not there yet
#        setup.sh show     print what people need to log in
#
# It is root without root's right to read everybody's files: what it has given away it cannot read any more.
# VOLUMES is the folder of the volumes, CHOWN what gives files to a user; tests set both.
set -eu
umask 077
volumes=${VOLUMES:-/volumes}
chown=${CHOWN:-chown}
secrets=$volumes/secrets
state=$volumes/state

if [ "${1:-}" = show ]; then
    cat "$secrets/people"
    exit 0
fi
[ $# -eq 0 ] || { echo "usage: setup [show]" >&2; exit 2; }
if [ -e "$secrets/complete" ]; then
    echo "setup: keys, passwords and tokens are there"
    exit 0
fi

# What an earlier try left has been used by nobody: everything waits for this to end well.
for left in "$secrets/grantd" "$secrets/grafana" "$secrets/metabase" "$state" "$state/snapshots" "$volumes/sandbox"; do
    [ ! -d "$left" ] || $chown 0:0 "$left"
done
rm -rf "$secrets/grantd" "$secrets/grafana" "$secrets/metabase" "$volumes/sandbox/setup.sql"
mkdir -p "$secrets/grantd" "$secrets/grafana" "$secrets/metabase" "$state" "$volumes/sandbox" "$volumes/metabase"
find "$state" -mindepth 1 -delete
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# 24 random bytes; letters and a digit, as Metabase wants.
password() { printf 'g1%s' "$(od -An -v -tx1 -N24 /dev/urandom | tr -d ' \n')"; }
password >"$secrets/grafana/admin-password"
password >"$secrets/metabase/admin-password"

# A login of the sandbox's account that can only read, as for a real account. Its names are not those of the demo's own.
grantd setup --account-identifier SANDBOX --name demo --service-user GRANTD_READER --role GRANTD_READER \
    --warehouse GRANTD_READER_WH --out "$work/login" --yes >/dev/null
cp "$work/login/grantd.p8" "$secrets/grantd/grantd.p8"
cp "$work/login/setup.sql" "$volumes/sandbox/setup.sql"

# Who may ask grantd: an administrator, and a token for each tool.
grantd user add grantd --administrator --data-dir "$state" | tr -d '\n' >"$secrets/grantd/admin-password"
for tool in grafana metabase; do
    grantd user add "$tool" --data-dir "$state" >/dev/null
    grantd user token "$tool" --label compose --data-dir "$state" 2>/dev/null | tr -d '\n' >"$secrets/$tool/token"
done
cat >"$secrets/people" <<END
Grafana   http://127.0.0.1:3001  user admin              password $(cat "$secrets/grafana/admin-password")
Metabase  http://127.0.0.1:3000  user admin@example.com  password $(cat "$secrets/metabase/admin-password")
psql      127.0.0.1:5433         user grantd             password $(cat "$secrets/grantd/admin-password")
END
for file in grantd/grantd.p8 grantd/admin-password grafana/token metabase/token; do
    [ -s "$secrets/$file" ] || { echo "setup: $file was not made" >&2; exit 1; }
done

# The users of the images in compose.yml.
$chown -R 65532:65532 "$secrets/grantd" "$state" "$volumes/sandbox"
$chown -R 472:472 "$secrets/grafana"
$chown -R 2001:2001 "$secrets/metabase"
$chown -R 2000:2000 "$volumes/metabase"
: >"$secrets/complete"
echo "setup: made keys, passwords and tokens; 'docker compose run --rm setup show' prints those of people"
