# A throw-away PostgreSQL on a port of 127.0.0.1. It ends, and its files go, when standard input ends.
# usage: sh postgres.sh BIN PORT SUPERUSER
set -eu
bin=$1
port=$2
superuser=$3
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
trap 'exit 1' INT TERM HUP
"$bin/initdb" -D "$directory/data" -U "$superuser" -A trust -E UTF8 --locale=C.UTF-8 -N >"$directory/log" 2>&1 ||
    { cat "$directory/log" >&2; exit 1; }
"$bin/postgres" -D "$directory/data" -k "$directory" -h 127.0.0.1 -p "$port" \
    -c fsync=off -c shared_buffers=16MB -c max_connections=60 -c timezone=UTC -c log_timezone=UTC \
    -c autovacuum=off >"$directory/log" 2>&1 </dev/null &
server=$!
trap 'kill -INT "$server" 2>/dev/null || true; wait "$server" || true; rm -rf "$directory"' EXIT
# The last line of postmaster.pid says it; asking the port could find another server there.
until grep -q ready "$directory/data/postmaster.pid" 2>/dev/null; do
    kill -0 "$server" 2>/dev/null || { cat "$directory/log" >&2; exit 1; }
    sleep 0.05
done
echo "ready $directory"
cat >/dev/null
