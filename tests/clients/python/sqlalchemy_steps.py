"""SQLAlchemy over psycopg2, psycopg and asyncpg: connect, reflect everything, query."""

import asyncio
import os
import sys

import sqlalchemy
from sqlalchemy import inspect, text
from sqlalchemy.ext.asyncio import create_async_engine

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from report import Result, step, url, version  # noqa: E402

ADDRESS = url().removeprefix("postgresql://")


def plain(value):
    """Reflected types are objects; their text says all."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if isinstance(value, (str, int, bool, type(None))) else repr(value)


def reflected(inspector):
    def every(method, *arguments):
        def call():
            return plain(getattr(inspector, method)(*arguments))
        return call

    yield "schemas", every("get_schema_names")
    yield "default schema", lambda: inspector.default_schema_name
    yield "tables", every("get_table_names")
    yield "views", lambda: sorted(inspector.get_view_names())
    yield "materialized views", every("get_materialized_view_names")
    yield "temporary tables", every("get_temp_table_names")
    yield "sequences", every("get_sequence_names")
    yield "enums", every("get_enums")
    yield "domains", every("get_domains")
    for method in ("get_columns", "get_pk_constraint", "get_foreign_keys", "get_indexes", "get_unique_constraints",
                   "get_check_constraints", "get_table_comment", "get_table_options"):
        yield method, every(method, "users")
        yield f"{method} in public", every(method, "effective_privileges", "public")
    yield "all columns", lambda: plain(inspector.get_multi_columns(
        kind=sqlalchemy.engine.reflection.ObjectKind.ANY))
    yield "all comments", lambda: plain(inspector.get_multi_table_comment(
        kind=sqlalchemy.engine.reflection.ObjectKind.ANY))
    yield "all keys", lambda: plain(inspector.get_multi_pk_constraint(kind=sqlalchemy.engine.reflection.ObjectKind.ANY))
    yield "all indexes", lambda: plain(inspector.get_multi_indexes(kind=sqlalchemy.engine.reflection.ObjectKind.ANY))
    yield "all foreign keys", lambda: plain(inspector.get_multi_foreign_keys(
        kind=sqlalchemy.engine.reflection.ObjectKind.ANY))
    yield "view definition", lambda: inspector.get_view_definition("users") is not None
    yield "has a view", lambda: [inspector.has_table("users"), inspector.has_table("no_such")]
    yield "columns of nothing", every("get_columns", "no_such")
    yield "columns of a catalog", every("get_columns", "pg_class", "pg_catalog")
    yield "columns of the information schema", every("get_columns", "tables", "information_schema")


def run(connection, sql, **parameters):
    result = connection.execute(text(sql), parameters)
    return Result([(name,) for name in result.keys()], [list(row) for row in result])


def tables(connection):
    metadata = sqlalchemy.MetaData()
    users = sqlalchemy.Table("users", metadata, autoload_with=connection)
    rows = connection.execute(sqlalchemy.select(users.c.user_name, sqlalchemy.func.count())
                              .where(users.c.disabled.is_(False)).group_by(users.c.user_name)
                              .order_by(users.c.user_name).limit(2).offset(1))
    names = connection.execute(sqlalchemy.select(users.c.user_name).where(users.c.user_name.in_(["MAIN", "x"])))
    return [[list(row) for row in rows], [list(row) for row in names]]


def reflect_all(connection):
    metadata = sqlalchemy.MetaData()
    metadata.reflect(connection, views=True)
    return sorted(metadata.tables)


def nested(connection):
    with connection.begin_nested():
        connection.execute(text("SELECT 1"))
    try:
        with connection.begin_nested():
            connection.execute(text("SELECT 1/0"))
    except sqlalchemy.exc.DBAPIError as error:
        return [type(error).__name__, connection.execute(text("SELECT 1")).scalar()]


def stream(connection):
    result = connection.execute(
        text("SELECT user_name FROM users ORDER BY 1").execution_options(stream_results=True, yield_per=2))
    return [list(row) for row in result]


def steps(driver, connection):
    step(f"{driver} connect", lambda: [connection.dialect.server_version_info[0], connection.dialect.default_schema_name])
    inspector = inspect(connection)
    for name, function in reflected(inspector):
        step(f"{driver} {name}", function)
        connection.rollback()
    for name, function in (("tables", tables), ("reflect all", reflect_all), ("nested", nested), ("stream", stream)):
        step(f"{driver} {name} of a connection", function, connection)
        connection.rollback()
    for name, sql in (
        ("query", "SELECT user_name, disabled FROM users ORDER BY 1"),
        ("no such table", "SELECT * FROM no_such"),
        ("insert", "INSERT INTO users (user_name) VALUES ('x')"),
        ("time grain", "SELECT DATE_TRUNC('HOUR', created_on) + INTERVAL '15 MINUTES' * "
                       "FLOOR(EXTRACT(MINUTE FROM created_on) / 15) IS NULL FROM users"),
        ("to_timestamp", "SELECT count(*) FROM users WHERE created_on >= "
                         "TO_TIMESTAMP('2020-01-01 00:00:00.000000', 'YYYY-MM-DD HH24:MI:SS.US')"),
    ):
        step(f"{driver} {name}", run, connection, sql)
        connection.rollback()
    step(f"{driver} parameter", run, connection, "SELECT user_name FROM users WHERE user_name = :n", n="MAIN")
    connection.rollback()


async def asynchronous():
    engine = create_async_engine(f"postgresql+asyncpg://{ADDRESS}")
    async with engine.connect() as connection:
        await connection.run_sync(lambda connection: steps("asyncpg", connection))
    await engine.dispose()


version(f"SQLAlchemy {sqlalchemy.__version__}")
for driver in ("psycopg2", "psycopg"):
    try:
        engine = sqlalchemy.create_engine(f"postgresql+{driver}://{ADDRESS}")
        with engine.connect() as connection:
            steps(driver, connection)
    except Exception as error:  # noqa: BLE001 - reported as a step of its own
        def again(error=error):
            raise error
        step(f"{driver} connect", again)
try:
    asyncio.run(asynchronous())
except Exception as error:  # noqa: BLE001
    def again(error=error):
        raise error
    step("asyncpg connect", again)
