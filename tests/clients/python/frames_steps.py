"""pandas, ADBC, DuckDB, ConnectorX, Polars: whole results as frames, mostly by COPY."""

import importlib.metadata
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from report import Result, step, url, version  # noqa: E402

ADDRESS = url()
QUERY = "SELECT user_name, disabled, created_on IS NULL AS n, 1::int4 AS i, 1.5::float8 AS f FROM users ORDER BY user_name"


def releases(*names):
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)


def pandas_frame(frame):
    return Result([(str(name), str(kind)) for name, kind in frame.dtypes.items()],
                  [[None if value != value else value for value in row] for row in frame.astype(object).values.tolist()])


def arrow(table):
    return Result([(field.name, str(field.type)) for field in table.schema], [list(row.values()) for row in table.to_pylist()])


def pandas_steps():
    import pandas
    import sqlalchemy

    engine = sqlalchemy.create_engine(ADDRESS.replace("postgresql://", "postgresql+psycopg2://"))
    with engine.connect() as connection:
        step("pandas read_sql", lambda: pandas_frame(pandas.read_sql(sqlalchemy.text(QUERY), connection)))
        step("pandas read_sql_table", lambda: [str(name) for name in pandas.read_sql_table("users", connection).columns])
        step("pandas chunks", lambda: [len(part) for part in
                                       pandas.read_sql(sqlalchemy.text(QUERY), connection, chunksize=2)])
        step("pandas parse dates", lambda: str(pandas.read_sql(sqlalchemy.text("SELECT created_on FROM users LIMIT 1"),
                                                               connection).dtypes.iloc[0]))
        step("pandas parameters", lambda: pandas_frame(pandas.read_sql(
            sqlalchemy.text("SELECT user_name FROM users WHERE user_name = :n"), connection, params={"n": "MAIN"})))
        step("pandas to_sql", lambda: pandas.DataFrame({"a": [1]}).to_sql("t", connection))


def adbc_steps():
    import adbc_driver_postgresql.dbapi as adbc

    opened = []

    def connect():
        opened.append(adbc.connect(ADDRESS))
        return True

    def fetch(sql, parameters=None):
        with opened[0].cursor() as cursor:
            cursor.execute(sql, parameters)
            return arrow(cursor.fetch_arrow_table())

    def objects():
        found = opened[0].adbc_get_objects(depth="columns", db_schema_filter="public").read_all().to_pylist()
        schemas = found[0]["catalog_db_schemas"]
        tables = {table["table_name"]: [table["table_type"], [column["column_name"] for column in table["table_columns"]]]
                  for schema in schemas for table in schema["db_schema_tables"] or []}
        return {name: tables[name] for name in sorted(tables)}

    step("adbc connect", connect)
    if not opened:
        return
    step("adbc query", fetch, QUERY)
    step("adbc view", lambda: fetch("SELECT * FROM users ORDER BY user_name")[0])
    step("adbc types", fetch, "SELECT 1::int2 a, 1::int8 b, 1.5::numeric c, '2024-01-01'::date d, 'a'::name e, 1::oid f,"
                              " '2024-01-01 00:00:00'::timestamp g, '2024-01-01 00:00:00+00'::timestamptz h, ARRAY[1,2] i")
    step("adbc parameter", fetch, "SELECT user_name FROM users WHERE user_name = $1", ("MAIN",))
    step("adbc schema", lambda: [[field.name, str(field.type)] for field in
                                 opened[0].adbc_get_table_schema("users", db_schema_filter="public")])
    step("adbc objects", objects)
    step("adbc table types", lambda: sorted(opened[0].adbc_get_table_types()))
    step("adbc error", fetch, "SELECT * FROM no_such")
    step("adbc ingest", lambda: opened[0].cursor().adbc_ingest("t", __import__("pyarrow").table({"a": [1]})))
    opened[0].close()


def duckdb_steps():
    import duckdb
    import duckdb_extension_postgres_scanner

    database = duckdb.connect()

    def load():
        try:
            from duckdb_extensions import import_extension
            import_extension("postgres_scanner", con=database)
        except ImportError:
            folder = os.path.dirname(duckdb_extension_postgres_scanner.__file__)
            files = [os.path.join(root, name) for root, _, names in os.walk(folder) for name in names
                     if name.endswith((".duckdb_extension", ".duckdb_extension.gz"))]
            database.execute(f"LOAD '{files[0]}'")
        return True

    def run(sql):
        relation = database.sql(sql)
        if relation is None:
            return "done"
        return Result([(name, str(kind)) for name, kind in zip(relation.columns, relation.types)], relation.fetchall())

    step("duckdb load", load)
    step("duckdb attach", run, f"ATTACH '{ADDRESS}' AS pg (TYPE postgres, READ_ONLY)")
    step("duckdb tables", run, "SELECT table_name FROM duckdb_tables() WHERE database_name = 'pg' AND schema_name = 'public' ORDER BY 1")
    step("duckdb views", run, "SELECT view_name FROM duckdb_views() WHERE database_name = 'pg' AND schema_name = 'public' ORDER BY 1")
    step("duckdb query", run, "SELECT user_name, disabled FROM pg.public.users ORDER BY user_name")
    step("duckdb describe", run, "DESCRIBE pg.public.effective_privileges")
    step("duckdb filter", run, "SELECT count(*) FROM pg.effective_privileges WHERE user_name = 'MAIN' AND usable")
    step("duckdb join", run, "SELECT u.user_name, count(*) FROM pg.users u JOIN pg.effective_privileges p USING (user_name) GROUP BY 1 ORDER BY 1")
    step("duckdb postgres_query", run, "SELECT * FROM postgres_query('pg', 'SELECT user_name FROM users ORDER BY 1')")
    step("duckdb postgres_scan", run, f"SELECT count(*) FROM postgres_scan('{ADDRESS}', 'public', 'users')")
    step("duckdb write", run, "CREATE TABLE pg.public.t AS SELECT 1 AS a")
    database.close()


def connectorx_steps():
    import connectorx
    import polars

    for protocol in ("binary", "csv", "cursor", "simple"):
        step(f"connectorx {protocol}", lambda protocol=protocol: arrow(
            connectorx.read_sql(ADDRESS, QUERY, return_type="arrow", protocol=protocol)))
    step("connectorx partitions", lambda: connectorx.read_sql(
        ADDRESS, "SELECT role_count, user_name FROM effective_privileges WHERE role_count IS NOT NULL", return_type="arrow",
        partition_on="role_count", partition_num=2).num_rows)
    step("connectorx error", lambda: connectorx.read_sql(ADDRESS, "SELECT * FROM no_such", return_type="arrow"))
    frame = lambda found: Result([(name, str(kind)) for name, kind in found.schema.items()], [list(row) for row in found.rows()])  # noqa: E731
    step("polars uri", lambda: frame(polars.read_database_uri(QUERY, ADDRESS)))
    step("polars adbc", lambda: frame(polars.read_database_uri(QUERY, ADDRESS, engine="adbc")))
    step("polars all types", lambda: [[name, str(kind)] for name, kind in
                                      polars.read_database_uri("SELECT * FROM users", ADDRESS).schema.items()])


chosen = sys.argv[2]
if chosen == "pandas":
    version(releases("pandas", "sqlalchemy"))
    pandas_steps()
elif chosen == "adbc":
    version(releases("adbc-driver-postgresql"))
    adbc_steps()
elif chosen == "duckdb":
    version(releases("duckdb", "duckdb-extension-postgres-scanner"))
    duckdb_steps()
else:
    version(releases("connectorx", "polars"))
    connectorx_steps()
