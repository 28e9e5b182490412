"""asyncpg: everything binary and prepared, cursors, COPY, the reset of a pool, introspection of types."""

import asyncio
import io
import os
import sys

import asyncpg

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from report import Result, step, url, version  # noqa: E402
from statements import STATEMENTS  # noqa: E402

loop = asyncio.new_event_loop()
connection = None


def wait(coroutine):
    return loop.run_until_complete(coroutine)


def connect():
    global connection
    connection = wait(asyncpg.connect(url(), server_settings={"application_name": "steps"}))
    return [list(connection.get_server_version())[0], connection.get_settings().server_encoding]


def dollars(sql):
    parts = sql.split("%s")
    return "".join(part + (f"${n}" if n < len(parts) else "") for n, part in enumerate(parts, 1))


async def prepared(sql, parameters):
    statement = await connection.prepare(dollars(sql))
    rows = await statement.fetch(*parameters)
    columns = [(attribute.name, attribute.type.name, attribute.type.oid) for attribute in statement.get_attributes()]
    kinds = [parameter.name for parameter in statement.get_parameters()]
    return Result([*columns, ["parameters", kinds]], [list(row.values()) for row in rows])


async def cursor():
    async with connection.transaction():
        rows = []
        async for row in connection.cursor("SELECT user_name FROM users ORDER BY 1", prefetch=2):
            rows.append(row[0])
        one = await connection.cursor("SELECT generate_series FROM generate_series(1, 10)")
        await one.forward(3)
        return [rows, [row[0] for row in await one.fetch(2)]]


async def nested():
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        try:
            async with connection.transaction():
                await connection.execute("SELECT 1/0")
        except asyncpg.PostgresError as error:
            code = error.sqlstate
        return [code, await connection.fetchval("SELECT 1")]


async def copy(**options):
    out = io.BytesIO()
    tag = await connection.copy_from_query("SELECT user_name, disabled FROM users ORDER BY 1", output=out, **options)
    return [tag, out.getvalue()]


async def pool():
    async with asyncpg.create_pool(url(), min_size=1, max_size=1) as one:
        values = []
        for _ in range(3):
            async with one.acquire() as borrowed:
                values.append(await borrowed.fetchval("SELECT count(*) FROM users"))
        return values


async def timeout():
    long = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b, generate_series(1, 1000) c"
    try:
        await connection.fetch(long, timeout=0.5)
    except TimeoutError:
        return ["timeout", await connection.fetchval("SELECT 1")]


version(f"asyncpg {asyncpg.__version__}")
step("connect", connect)
for name, sql, parameters in STATEMENTS:
    step(name, lambda sql=sql, parameters=parameters: wait(prepared(sql, parameters)))
for kind in ("regclass", "name", "\"char\"", "oid", "oidvector", "int2vector", "regproc", "xid", "pg_node_tree", "aclitem[]",
             "name[]", "regtype", "numeric", "json", "jsonb", "uuid", "inet", "bytea", "interval", "time", "date"):
    step(f"null of type {kind}", lambda kind=kind: wait(prepared(f"SELECT NULL::{kind} AS x", ())))
step("a class", lambda: wait(prepared("SELECT * FROM pg_class WHERE relname = 'pg_type' AND relfilenode < 0", ())))
step("an attribute", lambda: wait(prepared("SELECT attrelid, attname, attidentity, attacl FROM pg_attribute WHERE false", ())))
step("a function", lambda: wait(prepared("SELECT * FROM pg_proc WHERE proname = 'lower' AND false", ())))
step("an index", lambda: wait(prepared("SELECT * FROM pg_index WHERE false", ())))
step("a constraint", lambda: wait(prepared("SELECT * FROM pg_constraint WHERE false", ())))
step("information schema", lambda: wait(prepared(
    "SELECT * FROM information_schema.columns WHERE table_name = 'users' ORDER BY ordinal_position", ())))
step("cursor", lambda: wait(cursor()))
step("nested transaction", lambda: wait(nested()))
step("copy", lambda: wait(copy()))
step("copy csv", lambda: wait(copy(format="csv", header=True)))
step("copy binary", lambda: wait(copy(format="binary")))
step("pool", lambda: wait(pool()))
step("timeout", lambda: wait(timeout()))
step("record types", lambda: wait(connection.fetchval("SELECT ROW(1, 'a')")))
step("listen", lambda: wait(connection.add_listener("x", print)))
step("reload", lambda: wait(connection.reload_schema_state()))
step("reset", lambda: wait(connection.reset()))
wait(connection.close())
