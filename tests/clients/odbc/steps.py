"""psqlodbc through pyodbc: catalog functions, parameters, cursors by DECLARE and FETCH, manual commit with savepoints."""

import os
import sys
import urllib.parse

import pyodbc

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from report import Result, step, url, version  # noqa: E402

parts = urllib.parse.urlparse(url())
WHERE = f"DRIVER={{PostgreSQL Unicode}};SERVER={parts.hostname};PORT={parts.port};DATABASE={parts.path[1:]};UID={parts.username};"
connection = None


def connect(more="", **options):
    global connection
    connection = pyodbc.connect(WHERE + more, **{"autocommit": True, **options})
    return [connection.getinfo(pyodbc.SQL_DBMS_NAME), connection.getinfo(pyodbc.SQL_DBMS_VER).split(".")[0],
            connection.getinfo(pyodbc.SQL_DATA_SOURCE_READ_ONLY)]


def read(cursor):
    columns = [(column[0], column[1].__name__, *column[2:]) for column in cursor.description]
    return Result(columns, [list(row) for row in cursor.fetchall()])


def run(sql, *parameters):
    return read(connection.cursor().execute(sql, *parameters))


def described():
    columns, rows = read(connection.cursor().columns(table="users", schema="public"))
    # One of the driver's own columns is the table's oid, which differs between servers.
    oid = [column[0] for column in columns].index("table oid") if any(c[0] == "table oid" for c in columns) else 22
    return Result(columns, [row[:oid] + row[oid + 1:] for row in rows])


def error(sql):
    try:
        connection.cursor().execute(sql)
    except pyodbc.Error as failure:
        return failure.args[0]


def manual():
    connection.autocommit = False
    try:
        codes = [error("SELECT 1/0"), run("SELECT 1")[1]]
        connection.rollback()
        return codes
    finally:
        connection.autocommit = True


version("psqlodbc 13 with pyodbc " + pyodbc.version)
step("connect", connect)
step("users", run, "SELECT user_name, disabled, type FROM users ORDER BY user_name")
step("literals", run, "SELECT 1, 'x', NULL, 1.5, true, 10000000000, 1.5::float8, '2024-02-29'::date")
step("parameter", run, "SELECT user_name FROM users WHERE user_name = ?", "MAIN")
step("parameters", run, "SELECT ?::int4 + 1, ?::text", 1, "x")
step("limit", run, "SELECT user_name FROM users ORDER BY 1 LIMIT ?", 1)
step("escape", run, "SELECT {fn UCASE('a')}, {d '2024-02-29'}")
step("tables", lambda: read(connection.cursor().tables(schema="public")))
step("views", lambda: read(connection.cursor().tables(tableType="VIEW", schema="public")))
step("schemas", lambda: read(connection.cursor().tables(catalog="", schema="%", table="")))
step("columns", described)
step("primary keys", lambda: read(connection.cursor().primaryKeys("users", schema="public")))
step("foreign keys", lambda: read(connection.cursor().foreignKeys("users", schema="public")))
step("statistics", lambda: read(connection.cursor().statistics("users", schema="public")))
step("row id", lambda: read(connection.cursor().rowIdColumns("users", schema="public")))
step("row version", lambda: read(connection.cursor().rowVerColumns("users", schema="public")))
step("procedures", lambda: read(connection.cursor().procedures(schema="public")))
step("types", lambda: [row[0] for row in connection.cursor().getTypeInfo().fetchall()])
step("manual commit", manual)
for sql in ("SELECT * FROM no_such", "SELECT 1/0", "INSERT INTO users (user_name) VALUES ('x')", "CREATE TABLE t (a int)"):
    step(sql, error, sql)
step("connect with fetch", connect, "UseDeclareFetch=1;Fetch=2;")
step("fetched", run, "SELECT user_name FROM users ORDER BY user_name")
step("fetched parameter", run, "SELECT user_name FROM users WHERE user_name <> ? ORDER BY 1", "MAIN")
step("connect without prepares", connect, "UseServerSidePrepare=0;Protocol=7.4-0;")
step("unprepared", run, "SELECT user_name FROM users WHERE user_name = ?", "MAIN")
step("manual commit without prepares", manual)
connection.close()
