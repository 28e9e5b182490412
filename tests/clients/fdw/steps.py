"""postgres_fdw in another PostgreSQL: IMPORT FOREIGN SCHEMA, SELECT with conditions that travel, joins, remote estimates, a write.

usage: steps.py URL LOCAL, where LOCAL is a superuser's URL of the server that imports."""

import os
import sys
import urllib.parse

import psycopg

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from report import Result, step, url, version  # noqa: E402

remote = urllib.parse.urlparse(url())
NAME = f"fdw_{remote.port}"
local = sys.argv[2]

with psycopg.connect(local, autocommit=True) as server:
    server.execute(f"CREATE DATABASE {NAME}")
    release = server.info.server_version // 10000
local = urllib.parse.urlparse(local)._replace(path=f"/{NAME}").geturl()
connection = psycopg.connect(local, autocommit=True)


def run(sql):
    cursor = connection.execute(sql)
    if cursor.description is None:
        return cursor.statusmessage
    return Result([(column.name, column.type_code) for column in cursor.description], cursor.fetchall())


def setting_up():
    run("CREATE EXTENSION postgres_fdw")
    run("CREATE SCHEMA imported")
    run(f"CREATE SERVER remote FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{remote.hostname}', port '{remote.port}', "
        f"dbname '{remote.path[1:]}')")
    return run(f"CREATE USER MAPPING FOR CURRENT_USER SERVER remote OPTIONS (user '{remote.username}', password_required 'false')")


def several():
    rows = []
    with connection.transaction():
        for sql in ("SELECT count(*) FROM imported.users", "SELECT count(*) FROM imported.roles"):
            rows.append(connection.execute(sql).fetchone())
    return rows


version(f"postgres_fdw {release}")
step("set up", setting_up)
step("import", run, "IMPORT FOREIGN SCHEMA public FROM SERVER remote INTO imported")
step("imported", run, "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns "
                      "WHERE table_schema = 'imported' ORDER BY table_name, ordinal_position")
step("limited import", lambda: [run("CREATE SCHEMA some"), run(
    "IMPORT FOREIGN SCHEMA public LIMIT TO (users, roles) FROM SERVER remote INTO some OPTIONS (import_collate 'false')")])
step("select", run, "SELECT user_name, disabled FROM imported.users ORDER BY user_name")
step("condition", run, "SELECT user_name FROM imported.users WHERE user_name = 'MAIN' AND NOT disabled")
step("like", run, "SELECT user_name FROM imported.users WHERE user_name LIKE 'S%' OR user_name IN ('MAIN', 'x') ORDER BY 1")
step("time", run, "SELECT count(*) FROM imported.users WHERE created_on > '2020-01-01'")
step("aggregate", run, "SELECT usable, count(*), max(object) FROM imported.effective_privileges GROUP BY usable ORDER BY 1")
step("join", run, "SELECT u.user_name, count(*) FROM imported.users u JOIN imported.effective_privileges p "
                  "USING (account, user_name) GROUP BY 1 ORDER BY 1")
step("local join", run, "SELECT u.user_name, n FROM imported.users u JOIN (VALUES ('MAIN', 1)) v(name, n) ON v.name = u.user_name")
step("order and limit", run, "SELECT role_name FROM imported.roles ORDER BY role_name DESC LIMIT 3")
step("parameter", lambda: connection.execute("SELECT user_name FROM imported.users WHERE user_name = %s", ("MAIN",)).fetchall())
step("several in a transaction", several)
step("small fetches", lambda: [run("ALTER SERVER remote OPTIONS (ADD fetch_size '2')"),
                               run("SELECT count(*) FROM (SELECT * FROM imported.roles OFFSET 0) x")])
step("remote estimate", lambda: [run("ALTER SERVER remote OPTIONS (ADD use_remote_estimate 'true')"),
                                 run("SELECT count(*) FROM imported.users WHERE user_name > 'A'")])
step("insert", run, "INSERT INTO imported.users (user_name) VALUES ('x')")
step("update", run, "UPDATE imported.users SET comment = 'x'")
step("after it", run, "SELECT count(*) FROM imported.users")
connection.close()
