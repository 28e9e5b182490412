"""psycopg 3: text and binary, prepared statements, pipelines, server cursors, COPY, types."""

import os
import sys
import threading

import psycopg
import psycopg.rows
from psycopg.types import TypeInfo

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from report import Result, step, url, version  # noqa: E402
from statements import STATEMENTS  # noqa: E402

connection = None


def run(sql, parameters=(), **options):
    cursor = connection.execute(sql, parameters or None, **options)
    if cursor.description is None:
        return cursor.statusmessage
    columns = [(column.name, column.type_code, column.internal_size) for column in cursor.description]
    return Result(columns, cursor.fetchall())


def connect():
    global connection
    connection = psycopg.connect(url(), autocommit=True, application_name="steps")
    info = connection.info
    return [info.dbname, info.user, info.encoding, info.transaction_status.name, info.server_version // 10000,
            info.parameter_status("standard_conforming_strings"), info.parameter_status("TimeZone"),
            info.parameter_status("DateStyle"), info.parameter_status("IntervalStyle"),
            info.parameter_status("integer_datetimes"), info.parameter_status("is_superuser"),
            info.parameter_status("session_authorization"), info.parameter_status("application_name")]


def prepared_often():
    return [run("SELECT user_name FROM users WHERE user_name = %s", ("MAIN",))[1] for _ in range(8)]


def pipeline():
    with connection.pipeline():
        cursors = [connection.execute("SELECT %s::int4", (n,)) for n in range(3)]
        return [cursor.fetchone() for cursor in cursors]


def broken_pipeline():
    try:
        with connection.pipeline():
            connection.execute("SELECT 1")
            connection.execute("SELECT 1/0")
            connection.execute("SELECT 2")
    finally:
        connection.rollback()


def server_cursor(**options):
    with connection.transaction(), connection.cursor("c", **options) as cursor:
        cursor.execute("SELECT user_name FROM users ORDER BY 1")
        return [cursor.fetchone(), cursor.fetchmany(1), cursor.fetchall(), cursor.description[0].type_code]


def scrolled():
    with connection.transaction(), connection.cursor("c", scrollable=True) as cursor:
        cursor.execute("SELECT user_name FROM users ORDER BY 1")
        rows = cursor.fetchall()
        cursor.scroll(0, mode="absolute")
        return [rows, cursor.fetchall()]


def nested():
    with connection.transaction():
        try:
            with connection.transaction():
                connection.execute("SELECT 1/0")
        except psycopg.Error as error:
            code = error.sqlstate
        return [code, connection.execute("SELECT 1").fetchone(), connection.info.transaction_status.name]


def copy(sql, types=None):
    rows = []
    with connection.cursor() as cursor, cursor.copy(sql) as copied:
        if types:
            copied.set_types(types)
            rows.extend(copied.rows())
        else:
            rows.extend(bytes(block) for block in copied)
    return rows


def stream():
    with connection.cursor() as cursor:
        return list(cursor.stream("SELECT user_name FROM users ORDER BY 1"))


def many_statements():
    cursor = connection.execute("SELECT 1; SELECT 'a'; SHOW search_path")
    results = []
    while True:
        results.append([cursor.statusmessage, cursor.fetchall()])
        if not cursor.nextset():
            return results


def type_info(name):
    info = TypeInfo.fetch(connection, name)
    # The oids of a database's own types differ between servers.
    return info and [info.name, info.oid < 16384 and info.oid, info.array_oid < 16384 and info.array_oid, info.regtype]


def cancel():
    timer = threading.Timer(0.5, connection.cancel_safe)
    timer.start()
    try:
        run("SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b, generate_series(1, 1000) c")
    finally:
        timer.join()


def read_only():
    connection.read_only = True
    connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
    connection.autocommit = False
    try:
        return [run("SHOW transaction_read_only")[1], run("SHOW transaction_isolation")[1]]
    finally:
        connection.rollback()
        connection.autocommit = True
        connection.read_only = None
        connection.isolation_level = None


def describe(sql):
    """The types of the parameters, as a driver learns them."""
    connection.pgconn.prepare(b"d", sql.encode())
    result = connection.pgconn.describe_prepared(b"d")
    if result.status != psycopg.pq.ExecStatus.COMMAND_OK:
        return [result.error_field(psycopg.pq.DiagnosticField.SQLSTATE).decode()]
    columns = [(result.fname(n).decode(), result.ftype(n), result.fsize(n), result.fmod(n)) for n in range(result.nfields)]
    connection.execute("DEALLOCATE d")
    return Result(columns, [result.param_type(n) for n in range(result.nparams)])


DESCRIBED = [
    "SELECT $1",
    "SELECT $1::int4 + $2",
    "SELECT user_name FROM users WHERE user_name = $1 AND disabled = $2",
    "SELECT user_name FROM users LIMIT $1 OFFSET $2",
    "SELECT user_name FROM users WHERE user_name = ANY($1)",
    "SELECT user_name FROM users WHERE user_name IN ($1, $2)",
    "SELECT user_name FROM users WHERE created_on > $1",
    "SELECT user_name FROM users WHERE created_on > now() - $1::interval",
    "SELECT role_count FROM effective_privileges WHERE role_count > $1 OR usable = $2",
    "SELECT coalesce($1, 'x'), user_name || $2, upper($3) FROM users",
    "SELECT count(*) FROM users WHERE user_name LIKE $1 AND user_name ~ $2",
    "SELECT * FROM who_can($1, $2)",
    "SELECT CASE WHEN $1 THEN 1 ELSE $2 END",
    "SELECT oid, relname, relkind, relnatts, relacl FROM pg_class WHERE oid = $1 AND relkind = ANY($2)",
    "SELECT now(), current_date, current_timestamp, localtimestamp, current_time",
    "SELECT sum(role_count), avg(role_count), count(*), min(user_name) FROM effective_privileges",
    "SELECT row_number() OVER (), rank() OVER (ORDER BY user_name), ntile(2) OVER (ORDER BY user_name) FROM users",
    "SELECT extract(epoch FROM created_on), date_trunc('day', created_on), date_part('hour', created_on) FROM users",
    "SELECT length('a'), position('a' IN 'b'), strpos('a', 'b'), char_length('a'), ascii('a'), octet_length('a')",
    "SELECT 1 + 1, 1 + 1.5, 7 / 2, 7 % 2, 2 ^ 2, abs(-1), round(1.5), floor(1.5), ceil(1.5), power(2, 2), sqrt(4)",
    "SELECT current_user, session_user, current_database(), current_schema(), version(), pg_backend_pid()",
    "SELECT created_on + interval '1 day', created_on - created_on, created_on::date, created_on::date + 1 FROM users",
    "SELECT array_agg(user_name), string_agg(user_name, ','), bool_and(disabled), array_length(array_agg(1), 1) FROM users",
    "SELECT 'a'::name, 'a'::char(3), 'a'::varchar(5), '1'::numeric(10, 2), 'x'::\"char\", 1::oid, 'users'::regclass",
    "VALUES (1, 'a'), (2, NULL)",
    "SELECT NULL",
    "SHOW search_path",
    "INSERT INTO users (user_name) VALUES ($1)",
    "BEGIN",
    "",
]

version(f"psycopg {psycopg.__version__}")
step("connect", connect)
for name, sql, parameters in STATEMENTS:
    step(name, run, sql, parameters)
for name, sql, parameters in STATEMENTS[:17]:
    step(f"binary {name}", run, sql, parameters, binary=True)
for sql in DESCRIBED:
    step(f"describe {sql}", describe, sql)
step("prepared often", prepared_often)
step("pipeline", pipeline)
step("broken pipeline", broken_pipeline)
step("after the broken pipeline", run, "SELECT 1")
step("server cursor", server_cursor)
step("server cursor with hold", server_cursor, withhold=True)
step("scrolled cursor", scrolled)
step("nested transaction", nested)
step("copy text", copy, "COPY (SELECT user_name, disabled FROM users ORDER BY 1) TO STDOUT")
step("copy binary", copy, "COPY (SELECT user_name, disabled FROM users ORDER BY 1) TO STDOUT (FORMAT binary)")
step("copy rows", copy, "COPY (SELECT user_name, 1::int4 FROM users ORDER BY 1) TO STDOUT (FORMAT binary)", ["text", "int4"])
step("stream", stream)
step("many statements", many_statements)
for name in ("text", "int4[]", "hstore", "regclass", "numeric", "public.users"):
    step(f"type {name}", type_info, name)
step("read only", read_only)
step("cancel", cancel)
step("after cancel", run, "SELECT 1")
step("listen", run, "LISTEN x")
step("unlisten", run, "UNLISTEN *")
step("executemany", lambda: connection.cursor().executemany("SELECT %s::int4", [(1,), (2,)]))
step("no such user", lambda: psycopg.connect(url(), dbname="no_such_database"))
connection.close()
