"""Apache Superset over its REST API: a connection, what it lists of a schema, SQL Lab, datasets and the queries of charts."""

import collections
import importlib.metadata
import json
import logging
import os
import sys
import tempfile
import threading
import time
import urllib.parse
import warnings

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from report import step, url, version  # noqa: E402

# Every user may do everything, and the metadata need not survive a crash: both save most of the time that the start takes.
CONFIG = """
import sqlalchemy
from superset.security import SupersetSecurityManager

class CUSTOM_SECURITY_MANAGER(SupersetSecurityManager):
    def can_access(self, permission_name, view_name):
        return True
    has_access = can_access

@sqlalchemy.event.listens_for(sqlalchemy.engine.Engine, "connect")
def fast(connection, record):
    if type(connection).__module__.startswith("sqlite3"):
        connection.execute("PRAGMA synchronous = OFF")

SECRET_KEY = "nothing that this protects outlives the driver"
SQLALCHEMY_DATABASE_URI = "sqlite:///{folder}/superset.db"
FEATURE_FLAGS = {{"ESTIMATE_QUERY_COST": True}}
FAB_UPDATE_PERMS = False
DISALLOWED_SQL_FUNCTIONS = DISALLOWED_SQL_TABLES = {{}}
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
RATELIMIT_ENABLED = False
FILTER_STATE_CACHE_CONFIG = EXPLORE_FORM_DATA_CACHE_CONFIG = {{"CACHE_TYPE": "SimpleCache"}}
"""

USER = dict(username="steps", first_name="Steps", last_name="Steps", email="steps@localhost", password="steps")

parts = urllib.parse.urlparse(url())
URI = parts._replace(scheme="postgresql+psycopg2").geturl()

LIMIT = 500
client = None
# The ids of what was made: a database, and datasets by name.
made = collections.defaultdict(int)


def start(folder):
    """Superset with an empty metadata database and an administrator."""
    global client
    config = os.path.join(folder, "superset_config.py")
    with open(config, "w") as file:
        file.write(CONFIG.format(folder=folder))
    os.environ.update(SUPERSET_CONFIG_PATH=config, SUPERSET_HOME=folder)
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    from superset.app import create_app

    app = create_app()
    with app.app_context():
        from flask_appbuilder import Model
        from superset import db, security_manager

        # The tables of today's models, without the years of migrations that lead to them.
        Model.metadata.create_all(db.engine)
        security_manager.add_user(**USER, role=security_manager.add_role("Admin"))
    client = app.test_client()
    client.post("/login/", data={"username": USER["username"], "password": USER["password"]})


class Refused(Exception):
    """An answer that is no 200."""


def call(method, path, **named):
    response = client.open(path, method=method, **named)
    if response.status_code not in (200, 201):
        raise Refused(f"{response.status_code} {response.get_data(as_text=True)}")
    return response.get_json()


def get(path, query=None):
    """The answer to a question whose arguments Superset takes as Rison."""
    return call("GET", f"/api/v1/{path}", query_string=query)


def post(path, **body):
    return call("POST", f"/api/v1/{path}", json=body)


def picked(answer, *keys):
    """Of an answer what does not tell servers and moments apart."""
    return [answer.get(key) for key in keys]


def failed(function, *arguments, **named):
    """What Superset makes of an error: its own type of it, and the text that a user reads."""
    try:
        function(*arguments, **named)
    except Refused as refused:
        status, said = str(refused).split(" ", 1)
        said = json.loads(said)
        errors = [[error["error_type"], error["message"]] for error in said.get("errors", [])]
        return [status, errors or said.get("message")]
    return "no error"


def database():
    answer = post("database/", database_name="access", sqlalchemy_uri=URI, expose_in_sqllab=True, allow_dml=True,
                  allow_ctas=True, allow_cvas=True, allow_run_async=False,
                  extra=json.dumps({"cost_estimate_enabled": True, "allows_virtual_table_explore": True}))
    made["database"] = answer["id"]
    return picked(get(f"database/{answer['id']}")["result"], "backend", "driver", "engine_information", "force_ctas_schema")


def of(path, query=None):
    return get(f"database/{made['database']}/{path}", query)


def tables(schema):
    found = of("tables/", {"q": f"(schema_name:{schema},force:!t)"})
    # The rows of PostgreSQL's views are in tables of this name.
    rows = [row for row in found["result"] if not row["value"].startswith("rows_of_")]
    return [[row["value"], row["type"]] for row in rows]


def metadata(table, schema="public"):
    found = of("table_metadata/", {"name": table, "schema": schema})
    return picked(found, "name", "comment", "columns", "primaryKey", "foreignKeys", "indexes", "selectStar")


def lab(sql, limit=LIMIT, **more):
    """A statement in SQL Lab: its columns as Superset types them, and its rows."""
    answer = post("sqllab/execute/", database_id=made["database"], sql=sql, schema="public", queryLimit=limit,
                  runAsync=False, **more)
    columns = [picked(column, "column_name", "type", "type_generic", "is_dttm") for column in answer["columns"]]
    query = picked(answer["query"], "state", "executedSql", "limit", "limitingFactor", "rows", "errorMessage")
    return [columns, answer["data"], query]


def exported(sql):
    """The rows as CSV: once from the statement that SQL Lab has run, once streamed through a cursor of the server."""
    lab(sql, client_id="exported")
    path = "/api/v1/sqllab/"
    whole = client.get(path + "export/exported/")
    streamed = client.post(path + "export_streaming/", data={"client_id": "exported"})
    return [[answer.status_code, answer.get_data(as_text=True).splitlines()] for answer in (whole, streamed)]


def stopped():
    """What the stop button does: another session ends the statement."""
    with client.application.app_context():
        from superset.daos.database import DatabaseDAO

        database = DatabaseDAO.find_by_id(made["database"])
        spec = database.db_engine_spec
        with database.get_raw_connection() as running, database.get_raw_connection() as other:
            cursor = running.cursor()
            session = spec.get_cancel_query_id(cursor, None)
            # A statement that cannot be stopped ends by itself.
            cursor.execute("SET statement_timeout = '5s'")
            said = []
            runner = threading.Thread(target=lambda: said.append(ended(cursor)))
            runner.start()
            time.sleep(1)
            cancelled = spec.cancel_query(other.cursor(), None, session)
            runner.join()
            return [cancelled, said]


def ended(cursor):
    try:
        cursor.execute("SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b, generate_series(1, 1000) c")
    except Exception as error:  # noqa: BLE001 - its end is the answer
        return [type(error).__name__, error.pgcode]
    return cursor.fetchall()


def dataset(name, sql=None):
    named = {"sql": sql} if sql else {}
    answer = post("dataset/", database=made["database"], schema="public", table_name=name, **named)
    made[name] = answer["id"]
    result = get(f"dataset/{answer['id']}")["result"]
    columns = [picked(column, "column_name", "type", "type_generic", "is_dttm", "description", "groupby", "filterable",
                      "python_date_format") for column in result["columns"]]
    metrics = [picked(metric, "metric_name", "expression") for metric in result["metrics"]]
    return [picked(result, "main_dttm_col", "kind", "description"), sorted(columns), metrics]


def chart(name, result_type="full", **query):
    """One query of a chart over a dataset."""
    answer = post("chart/data", datasource={"id": made[name], "type": "table"}, force=True, result_type=result_type,
                  result_format="json", queries=[{"row_limit": LIMIT, **query}])
    result = answer["result"][0]
    return picked(result, "colnames", "coltypes", "data", "rowcount", "error", "applied_filters", "rejected_filters")


def metric(column, aggregate, label=None):
    return {"expressionType": "SIMPLE", "column": {"column_name": column}, "aggregate": aggregate,
            "label": label or f"{aggregate}({column})"}


def expression(sql):
    return {"expressionType": "SQL", "sqlExpression": sql, "label": sql}


def axis(column, grain):
    return {"expressionType": "SQL", "columnType": "BASE_AXIS", "sqlExpression": column, "label": column, "timeGrain": grain}


def where(column, operator, value=None):
    return {"col": column, "op": operator, "val": value}


def values(name, column):
    return sorted(get(f"datasource/table/{made[name]}/column/{column}/values/")["result"])


def samples(name, **body):
    answer = client.post(f"/datasource/samples?datasource_type=table&datasource_id={made[name]}&force=true&page=1&per_page=5",
                         json=body)
    return [answer.status_code, picked(answer.get_json()["result"], "colnames", "coltypes", "data", "total_count", "error")]


PRIVILEGES = "effective_privileges"
ALL_TIME = "2020-01-01 : 2100-01-01"
COUNTED = dict(metrics=["count"], orderby=[["count", False], ["privilege", True]])


def connection():
    step("test connection", post, "database/test_connection/", sqlalchemy_uri=URI, database_name="access")
    step("no such database", failed, post, "database/test_connection/", sqlalchemy_uri=URI + "_no_such")
    step("database", database)
    step("database with parameters", failed, post, "database/validate_parameters/", engine="postgresql",
         configuration_method="dynamic_form", catalog={}, parameters={
             "host": parts.hostname, "port": parts.port, "username": parts.username, "password": "",
             "database": parts.path[1:] + "_no_such", "query": {}, "encryption": False})


def listed():
    step("catalogs", of, "catalogs/", {"q": "(force:!t)"})
    step("schemas", lambda: sorted(of("schemas/", {"q": "(force:!t)"})["result"]))
    step("tables", tables, "public")
    step("tables of the catalog", tables, "pg_catalog")
    step("tables of the information schema", tables, "information_schema")
    step("function names", of, "function_names/")
    for name in (PRIVILEGES, "users", "grants", "drift"):
        step(f"table {name}", metadata, name)
        step(f"extra {name}", of, "table_metadata/extra/", {"name": name, "schema": "public"})
        step(f"select star {name}", of, f"select_star/{name}/public/")
    step("table pg_namespace", metadata, "pg_namespace", "pg_catalog")
    step("a function is no table", failed, metadata, "who_can")
    step("no such table", failed, metadata, "no_such")


def sql_lab():
    for sql in (
        "SELECT * FROM effective_privileges ORDER BY user_name, privilege, object LIMIT 20",
        "SELECT user_name, disabled, created_on, comment FROM users ORDER BY user_name",
        "SELECT 1 AS int4, 2::bigint AS int8, 1.5 AS numeric, 1.5::float8 AS float8, 'a' AS text, true AS bool, NULL AS nothing,"
        " DATE '2026-01-02' AS date, TIMESTAMP '2026-01-02 03:04:05' AS ts, TIMESTAMPTZ '2026-01-02 03:04:05+00' AS tstz,"
        " TIME '03:04:05' AS time, INTERVAL '1 day' AS interval, ARRAY[1,2] AS ints, ARRAY['a','b'] AS texts",
        "SELECT user_name, user_name, count(*), count(*) FROM effective_privileges GROUP BY 1 ORDER BY 1",
        "SELECT object_type, count(*) AS n FROM effective_privileges GROUP BY object_type ORDER BY n DESC, object_type; -- the end",
        "SELECT 1 AS a; SELECT 2 AS b",
        "WITH people AS (SELECT user_name FROM users) SELECT count(*) FROM people",
        "SELECT * FROM users WHERE false",
        "SELECT rolname FROM pg_roles WHERE rolname = current_user",
        "SHOW search_path",
        "EXPLAIN SELECT 1",
        "SELECT current_schema(), current_database(), current_user",
        "SELECT user_name FROM grantd.public.users WHERE user_name LIKE 'S%' AND comment LIKE '%n%' ORDER BY 1",
        "SELECT role_name, privilege, direct FROM matrix('NOBODY%')",
    ):
        step(sql, lab, sql)
    step("limit", lab, "SELECT privilege, object, user_name FROM effective_privileges ORDER BY 3, 1, 2", 3)
    step("template", lab, "SELECT '{{ 1 + 1 }}' AS two")
    step("exported", exported, "SELECT user_name, disabled, created_on FROM users ORDER BY user_name")
    step("estimate", failed, post, "sqllab/estimate/", database_id=made["database"], sql="SELECT * FROM users", schema="public")
    step("estimate of two", failed, post, "sqllab/estimate/", database_id=made["database"], schema="public",
         sql="SELECT count(*) FROM users; SELECT no_such FROM users")
    for sql in (
        "SELECT no_such FROM users", "SELECT * FROM no_such", "SELECT * FROM users WHERE", "SELECT no_such(1)", "SELECT 1 / 0",
        "SELECT u.no_such FROM users u", "SELECT 'x'::int", "SELECT user_name, count(*) FROM users", "SELECT * FROM no_such.users",
        "INSERT INTO users (user_name) VALUES ('x')", "DROP VIEW users", "CREATE TABLE x AS SELECT 1 AS a",
    ):
        step(sql, failed, lab, sql)
    step("create table as", failed, lab, "SELECT user_name FROM users", select_as_cta=True, tmp_table_name="x", ctas_method="TABLE")
    step("create view as", failed, lab, "SELECT user_name FROM users", select_as_cta=True, tmp_table_name="x", ctas_method="VIEW")


def datasets():
    for name in (PRIVILEGES, "users", "grants", "accounts"):
        step(f"dataset {name}", dataset, name)
    step("virtual dataset", dataset, "dated", "SELECT created_on, created_on::date AS day, created_on::timestamp AS plain,"
         " privilege, object, grantee, granted_by FROM grants WHERE created_on IS NOT NULL")
    step("dataset of a function", dataset, "nobody", "SELECT * FROM matrix('NOBODY%')")
    step("no such dataset", failed, dataset, "no_such")
    step("dataset of an error", failed, dataset, "wrong", "SELECT no_such FROM users")
    step("dataset of a write", failed, dataset, "written", "DELETE FROM users")
    step("refresh", lambda: call("PUT", f"/api/v1/dataset/{made['users']}/refresh"))
    step("values", values, PRIVILEGES, "privilege")
    step("values of booleans", values, PRIVILEGES, "usable")
    step("values of a virtual dataset", values, "dated", "grantee")
    step("samples", samples, "accounts")
    step("samples with a filter", samples, PRIVILEGES, filters=[where("user_name", "==", "MAIN")])


def charts():
    of_privileges = {"columns": ["privilege"], **COUNTED}
    step("big number", chart, PRIVILEGES, metrics=["count"])
    step("group by", chart, PRIVILEGES, **of_privileges)
    step("aggregates", chart, PRIVILEGES, columns=["user_name"], orderby=[["user_name", True]], metrics=[
        metric("object", "COUNT_DISTINCT"), metric("role_count", "SUM"), metric("role_count", "AVG"),
        metric("role_count", "MIN"), metric("object", "MAX"), metric("object", "COUNT")])
    step("expressions", chart, PRIVILEGES, orderby=[["user_name", True], [expression("lower(object_type)"), True]],
         columns=["user_name", expression("lower(object_type)")],
         metrics=[expression("SUM(role_count)::float / COUNT(*)"), expression("COUNT(*) FILTER (WHERE usable)"),
                  expression("SUM(CASE WHEN usable THEN 1 ELSE 0 END)"), expression("percentile_cont(0.5) WITHIN GROUP (ORDER BY role_count)")])
    step("raw rows", chart, "users", columns=["user_name", "disabled", "type", "created_on"], orderby=[["user_name", True]])
    step("raw rows, two orders", chart, PRIVILEGES, columns=["user_name", "privilege", "object"], row_limit=7,
         orderby=[["privilege", False], ["user_name", True], ["object", True]])
    step("offset", chart, PRIVILEGES, columns=["user_name", "privilege", "object"], row_limit=5, row_offset=5,
         orderby=[["user_name", True], ["privilege", True], ["object", True]])
    step("count of rows", chart, PRIVILEGES, columns=["user_name", "privilege"], is_rowcount=True)
    for name, filters in (
        ("equal", [where("user_name", "==", "MAIN")]), ("not equal", [where("user_name", "!=", "MAIN")]),
        ("in", [where("user_name", "IN", ["MAIN", "SANDBOX_USER"])]), ("not in", [where("user_name", "NOT IN", ["MAIN"])]),
        ("in with null", [where("object_database", "IN", ["RAW_DB", None])]), ("like", [where("object", "LIKE", "%RAW%")]),
        ("not like", [where("object", "NOT LIKE", "%RAW%")]), ("ilike", [where("privilege", "ILIKE", "sel%")]),
        ("null", [where("object_database", "IS NULL")]), ("not null", [where("object_database", "IS NOT NULL")]),
        ("true", [where("usable", "IS TRUE")]), ("false", [where("usable", "IS FALSE")]),
        ("boolean", [where("usable", "==", True)]), ("booleans", [where("usable", "IN", [True, False])]),
        ("greater", [where("role_count", ">=", 1)]), ("number as text", [where("role_count", "==", "1")]),
        ("text with quotes", [where("object", "==", "it's \"100%\" \\ :x")]), ("none", [where("user_name", "IN", ["NOBODY"])]),
    ):
        step(f"filter: {name}", chart, PRIVILEGES, filters=filters, **of_privileges)
    step("where and having", chart, PRIVILEGES, extras={"where": "role_count > 0 AND object ILIKE '%db%'", "having": "COUNT(*) > 1"},
         **of_privileges)
    step("limit of series", chart, PRIVILEGES, columns=["user_name", "privilege"], metrics=["count"], series_columns=["privilege"],
         series_limit=3, series_limit_metric=metric("role_count", "SUM"), order_desc=True,
         orderby=[["count", False], ["user_name", True], ["privilege", True]])
    step("limit of series and others", chart, PRIVILEGES, columns=["privilege"], metrics=["count"], series_columns=["privilege"],
         series_limit=2, series_limit_metric="count", group_others_when_limit_reached=True, row_limit=1, filters=[where("privilege", "==", "SELECT")])
    for grain in ("PT1S", "PT5S", "PT30S", "PT1M", "PT5M", "PT10M", "PT15M", "PT30M", "PT1H", "P1D", "P1W", "P1M", "P3M", "P1Y"):
        step(f"grain {grain}", chart, "grants", columns=[axis("created_on", grain)], metrics=["count"],
             filters=[where("created_on", "TEMPORAL_RANGE", ALL_TIME)], orderby=[["created_on", True]])
    step("grain of the older kind", chart, "grants", granularity="created_on", time_range=ALL_TIME, is_timeseries=True,
         extras={"time_grain_sqla": "P1D"}, columns=["privilege"], series_columns=["privilege"], series_limit=3, metrics=["count"],
         orderby=[["count", False], ["privilege", True]])
    for column, grain in (("day", "P1W"), ("plain", "PT15M"), ("created_on", "P1M")):
        step(f"grain of a virtual dataset: {column}", chart, "dated", columns=[axis(column, grain)], metrics=["count"],
             filters=[where(column, "TEMPORAL_RANGE", ALL_TIME)], orderby=[[column, True]])
    for span in ("No filter", "2020-01-01 : 2020-02-01", "Last year", " : 2100-01-01", "2020-01-01 : ",
                 "DATEADD(DATETIME('2020-01-01T00:00:00'), 1, month) : DATETRUNC(DATETIME('2099-05-05T00:00:00'), year)"):
        step(f"range {span}", chart, "users", columns=["user_name"], metrics=["count"], orderby=[["user_name", True]],
             filters=[where("created_on", "TEMPORAL_RANGE", span)])
    step("compared with a year before", chart, "grants", columns=[axis("created_on", "P1D"), "privilege"], metrics=["count"],
         filters=[where("created_on", "TEMPORAL_RANGE", ALL_TIME)], time_offsets=["1 year ago"],
         orderby=[["created_on", True], ["privilege", True]])
    step("pivot and rolling sum", chart, "grants", columns=[axis("created_on", "P1D"), "granted_to"], metrics=["count"],
         filters=[where("created_on", "TEMPORAL_RANGE", ALL_TIME)], orderby=[["created_on", True], ["granted_to", True]],
         post_processing=[
             {"operation": "pivot", "options": {"index": ["created_on"], "columns": ["granted_to"],
                                                "aggregates": {"count": {"operator": "sum"}}}},
             {"operation": "cum", "options": {"columns": {"count": "count"}, "operator": "sum"}}, {"operation": "flatten"}])
    step("histogram", chart, PRIVILEGES, columns=["role_count"], orderby=[["role_count", True]],
         post_processing=[{"operation": "histogram", "options": {"column": "role_count", "groupby": [], "bins": 5}}])
    step("drill to detail", chart, PRIVILEGES, result_type="drill_detail", filters=[where("user_name", "==", "SANDBOX_USER"),
         where("privilege", "==", "USAGE"), where("object", "==", "SANDBOX_DB.WORK")])
    step("time grains", chart, "grants", result_type="timegrains", columns=["created_on"])
    step("columns", chart, "users", result_type="columns")
    step("no such column", failed, chart, PRIVILEGES, columns=[expression("no_such")], metrics=["count"])
    step("wrong expression", failed, chart, PRIVILEGES, columns=["privilege"], metrics=[expression("SUM(object)")])
    step("division by zero", failed, chart, PRIVILEGES, columns=["privilege"], metrics=[expression("COUNT(*) / 0")])
    step("row level security", secured, of_privileges)


def secured(query):
    """A rule of Superset's own adds a condition to every statement over the dataset."""
    roles = get("security/roles/")["result"]
    post("rowlevelsecurity/", name="only one", filter_type="Base", tables=[made[PRIVILEGES]], group_key="",
         roles=[role["id"] for role in roles if role["name"] == "Public"], clause="user_name = 'MAIN'")
    return chart(PRIVILEGES, **query)


def main():
    names = ("apache-superset", "sqlalchemy", "psycopg2-binary")
    version(", ".join(f"{name} {importlib.metadata.version(name)}" for name in names))
    with tempfile.TemporaryDirectory() as folder:
        start(folder)
        connection()
        listed()
        sql_lab()
        datasets()
        charts()
        step("stopped", stopped)


main()
